import json

import pytest

from chatctl.columns import Column
from chatctl.output import Output, harmless
from chatctl.times import age

TEXT = (Column("text", "text", get=str),)
HOSTILE = "\x1b[2Jclear\r\nnew\u202eline\x07[red]markup[/red]\u200b"


def test_nothing_that_steers_a_terminal_is_left() -> None:
    assert harmless(HOSTILE).isprintable()
    assert "[red]markup[/red]" in harmless(HOSTILE)
    assert harmless("plain, Ünïcode, 日本") == "plain, Ünïcode, 日本"


def test_every_way_out_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=False)
    out.rows([HOSTILE], TEXT)
    out.one({"text": HOSTILE})
    out.item(HOSTILE, (*TEXT, *TEXT))
    out.say(HOSTILE)
    written = capsys.readouterr()
    for line in (written.out + written.err).split("\n"):
        assert line.replace("\t", "").isprintable()
    assert "[red]markup[/red]" in written.err


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=True)
    out.rows([HOSTILE], TEXT)
    written = capsys.readouterr().out
    assert written.isascii()
    assert json.loads(written) == [{"text": HOSTILE}]


@pytest.mark.parametrize(
    ("us", "shown"), [(0, "0.0s"), (3_210_000, "3.2s"), (310_000_000, "5m10s"), (7_380_000_000, "2h03m"), (4e11, "4d15h")]
)
def test_ages(us: int, shown: str) -> None:
    assert age(us) == shown
