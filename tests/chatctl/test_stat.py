import pytest

from chatctl.stat import COLUMNS
from tests.chatctl.command import Chatctl


def test_lines_of_rates(chatctl: Chatctl, room: str) -> None:
    stat = chatctl.start("stat", "--every", "0.5", "--count", "4", "--json")
    for number in range(5):
        chatctl.send_texts(room, f"{number}")
    out, error = stat.communicate(timeout=30)
    assert stat.returncode == 0, error
    assert out.count("\n") == 4
    assert '"database": "answers"' in out


def test_a_heading_stands_above_columns(chatctl: Chatctl) -> None:
    heading, line = chatctl("stat", "--every", "0.1", "--count", "1").stdout.splitlines()
    assert heading.split()[:3] == ["stored", "commits", "published"]
    assert len(line.split()) == len(heading.split())
    assert len(line) == len(heading) <= 80


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.0"),
        (999.94, "999.9"),
        (1_000.0, "1,000"),
        (99_999.0, "99,999"),
        (976_000.0, "976k"),
        (0, "0"),
    ],
)
def test_a_number_is_short(value: float, shown: str) -> None:
    assert COLUMNS[0].cell({"stored": value}) == shown
