"""The forms of output: for people on a terminal, for pipes, as JSON. Nothing in them steers a
terminal."""

import json
from collections.abc import Iterator

import pytest

from chatctl.columns import Column, Columns, unlisted
from chatctl.output import Output
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon

TEXT: Columns[str] = (Column("text", "text", get=str), unlisted("size", get=len))
UNIT = "\x1b[2Jclear\r\nnew\u202eline\x07[red]markup[/red]"
TERMINAL = "\x1b]0;owned\x07\x1b[2J[red]red[/red]\u202eevil"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        chatctl = Chatctl(running)
        chatctl("--as", "bob", "tail", "--take-over", "--device", "phone", "--count", "0")
        chatctl("--as", "alice", "room", "create", "lobby", "bob", "--name", TERMINAL)
        chatctl("--as", "alice", "send", "lobby", TERMINAL)
        yield running


def test_every_way_out_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=False)
    out.rows([UNIT], TEXT)
    out.names("added", [UNIT])
    out.details(UNIT, TEXT)
    out.one({"text": UNIT})
    out.item(UNIT, (*TEXT, *TEXT))
    out.say(UNIT)
    written = capsys.readouterr()
    assert written.out.count("clear") == 6
    for line in (written.out + written.err).split("\n"):
        assert line.replace("\t", "").isprintable()
    assert "[red]markup[/red]" in written.err


def test_a_pipe_gets_lines_of_cells(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=False)
    out.rows(["one", "two"], (*TEXT, Column("capital", "capital", str.upper, get=str)))
    out.names("added", ["bob", "carol"])
    out.names("added", [])
    out.details("one", TEXT)
    out.item("one", TEXT)
    assert capsys.readouterr().out == "one\tONE\ntwo\tTWO\nbob\ncarol\ntext\tone\nsize\t3\none\n"


def test_json_is_one_array_or_object_and_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=True)
    out.rows([UNIT], TEXT)
    out.rows([], TEXT)
    out.names("added", ["bob"])
    out.names("added", [])
    out.details(UNIT, TEXT)
    out.item(UNIT, TEXT)
    written = capsys.readouterr().out
    assert written.isascii()
    row = {"text": UNIT, "size": len(UNIT)}
    lines = [json.loads(line) for line in written.splitlines()]
    assert lines == [[row], [], [{"added": "bob"}], [], row, row]


def test_a_row_that_fails_leaves_nothing_half_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        Output(as_json=False).rows([1, 0], (Column("inverse", "inverse", get=lambda number: 1 / number),))
    assert capsys.readouterr().out == ""


def test_a_terminal_gets_a_table(chatctl: Chatctl) -> None:
    lines = chatctl.on_terminal("room", "list").splitlines()
    assert "\x1b[1m" in lines[0], "a bold heading"
    assert "room" in lines[0]
    assert "lobby" in lines[1]


def test_an_empty_table_has_headings_and_an_empty_list_of_names_has_none(chatctl: Chatctl) -> None:
    assert chatctl.on_terminal("device", "list", "--profile", "nobody").startswith("\x1b[1mprofile")
    assert chatctl.on_terminal("--as", "alice", "room", "add", "lobby", "bob") == "\r\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("room", "list"),
        ("room", "show", "lobby"),
        ("--as", "bob", "room", "history", "show", "lobby"),
        ("--as", "bob", "tail", "--take-over", "--device", "phone", "--count", "2"),
        ("--json", "room", "show", "lobby"),
    ],
    ids=" ".join,
)
def test_a_terminal_is_not_steered(chatctl: Chatctl, arguments: tuple[str, ...]) -> None:
    written = chatctl.on_terminal(*arguments, NO_COLOR="1")
    for steering in ("\x1b]", "\x07", "\x1b[2J", "\u202e"):
        assert steering not in written
    assert "evil" in written
    assert "[red]red[/red]" in written


def test_json_tells_of_more_on_stderr(chatctl: Chatctl) -> None:
    chatctl("--as", "alice", "room", "create", "another")
    done = chatctl("room", "list", "--limit", "1", "--json")
    assert done.stdout.count("room_id") == 1
    assert "there are more; for the next ones: --after another\n" in done.stderr


def test_joiners_are_shown_as_they_were_sent(chatctl: Chatctl) -> None:
    family, persian, hindi = "👨\u200d👩\u200d👧\u200d👦", "می\u200cخواهم", "क्\u200dष"
    for name in (family, persian, hindi):
        chatctl("--as", "alice", "room", "create", name, "--name", name)
        chatctl("--as", "alice", "send", name, name)
        assert chatctl("room", "show", name).stdout.splitlines()[1] == f"name\t{name}"
        assert (
            chatctl("--as", "alice", "room", "history", "show", name)
            .stdout.splitlines()[1]
            .endswith(f"\t{name}")
        )
        assert name in chatctl("--as", "bob", "send", name, "x", code=1).stderr


def test_nothing_is_cut_off_where_a_terminal_is_narrow(chatctl: Chatctl) -> None:
    room = "a-room-with-a-name-that-is-longer-than-the-terminal-is-wide"
    chatctl("--as", "alice", "room", "create", room)
    shown = chatctl.on_terminal("room", "list", COLUMNS="60")
    assert "…" not in shown
    first_cells = "".join(line.partition(" ")[0] for line in shown.splitlines())
    assert room in first_cells


def test_a_date_stands_at_the_left(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=False)
    out.terminal = True
    columns: Columns[int] = (Column("made", "at_us", lambda _: "2026-11-26 10:00:00", get=int),)
    out.rows([1], columns)
    assert capsys.readouterr().out.startswith("made ")


def test_a_flag_is_yes_or_no_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).one({"sent": True, "forgotten": False, "tries": 1})
    assert capsys.readouterr().out == "sent\tyes\nforgotten\tno\ntries\t1\n"


def test_numbers_stand_at_the_right_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=False)
    out.terminal = True
    columns: Columns[str] = (
        Column("text", "text", get=str),
        Column("size", "size", "{:,}".format, get=len),
    )
    out.rows(["a", "three"], columns)
    assert capsys.readouterr().out.splitlines() == ["text   size", "a         1", "three     5"]
