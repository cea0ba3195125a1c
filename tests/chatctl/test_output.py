"""The forms of output: for people on a terminal, for pipes, as JSON. Nothing in them steers a
terminal."""

import csv
import json
from collections.abc import Iterator

import pytest
import yaml

from chatctl.columns import Column, Columns, unlisted
from chatctl.forms import Form
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


@pytest.mark.parametrize("form", [Form.TABLE, Form.PLAIN, Form.CSV])
def test_every_way_out_is_harmless(capsys: pytest.CaptureFixture[str], form: Form) -> None:
    out = Output(form)
    out.rows([UNIT], TEXT)
    out.names("added", [UNIT])
    out.details(UNIT, TEXT)
    out.one({"text": UNIT})
    out.item(UNIT, TEXT)
    out.say(UNIT)
    written = capsys.readouterr()
    assert written.out.count("clear") == 5
    for line in (written.out + written.err).split("\n"):
        assert line.replace("\t", "").isprintable()
    assert "[red]markup[/red]" in written.err


def test_a_pipe_gets_lines_of_cells(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(Form.PLAIN)
    out.rows(["one", "two"], (*TEXT, Column("capital", "capital", str.upper, get=str)))
    out.names("added", ["bob", "carol"])
    out.names("added", [])
    out.details("one", TEXT)
    out.item("one", TEXT)
    assert capsys.readouterr().out.splitlines() == [
        "text\tcapital",
        "one\tONE",
        "two\tTWO",
        "added",
        "bob",
        "carol",
        "text\tone",
        "size\t3",
        "one",
    ]


@pytest.mark.parametrize(
    ("form", "listed"), [(Form.PLAIN, "one\n"), (Form.TABLE, "one\n"), (Form.CSV, "one,3\n")]
)
def test_headings_can_be_left_out(capsys: pytest.CaptureFixture[str], form: Form, listed: str) -> None:
    Output(form, headers=False).rows(["one"], TEXT)
    assert capsys.readouterr().out == listed


def test_yaml_has_what_json_has_and_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(Form.YAML)
    out.rows([UNIT, "yes"], TEXT)
    written = capsys.readouterr().out
    assert (written.isascii(), "\x1b" in written) == (True, False)
    assert yaml.safe_load(written) == [{"text": UNIT, "size": len(UNIT)}, {"text": "yes", "size": 3}]
    out.rows([], TEXT)
    assert capsys.readouterr().out == "[]\n"
    thing = {"at": None, "sent": True, "parts": [1, {"a": "~"}]}
    out.one(thing)
    assert yaml.safe_load(capsys.readouterr().out) == thing
    out.item("one", TEXT)
    out.item("two", TEXT)
    stream = list(yaml.safe_load_all(capsys.readouterr().out))
    assert stream == [{"text": "one", "size": 3}, {"text": "two", "size": 3}]


def test_a_stream_of_csv_has_one_heading(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(Form.CSV)
    out.item("one", TEXT)
    out.item('a "b", c', TEXT)
    assert list(csv.reader(capsys.readouterr().out.splitlines())) == [
        ["text", "size"],
        ["one", "3"],
        ['a "b", c', "8"],
    ]


def test_what_is_bad_has_a_colour_on_a_terminal_only(capsys: pytest.CaptureFixture[str]) -> None:
    columns: Columns[str] = (Column("is", "state", get=str, bad=lambda state: state == "dead"),)
    coloured = "\x1b[1;31mdead\x1b[0m"

    def shown(form: Form, terminal: bool) -> str:
        out = Output(form)
        out.terminal = terminal
        out.rows(["live", "dead"], columns)
        out.details("dead", columns)
        return capsys.readouterr().out

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NO_COLOR", raising=False)
        patch.setenv("TERM", "xterm")
        assert shown(Form.TABLE, True).count(coloured) == 2
        patch.setenv("FORCE_COLOR", "1")
        assert "\x1b" not in shown(Form.TABLE, False) + shown(Form.PLAIN, True)
        patch.setenv("NO_COLOR", "1")
        assert "31m" not in shown(Form.TABLE, True)


def test_json_is_one_array_or_object_and_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(Form.JSON)
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
        Output(Form.PLAIN).rows([1, 0], (Column("inverse", "inverse", get=lambda number: 1 / number),))
    assert capsys.readouterr().out == ""


def test_a_terminal_gets_a_table(chatctl: Chatctl) -> None:
    lines = chatctl.on_terminal("room", "list").splitlines()
    assert "\x1b[1m" in lines[0], "a bold heading"
    assert "room" in lines[0]
    assert "lobby" in lines[1]


def test_an_empty_table_has_headings_and_an_empty_list_of_names_has_none(chatctl: Chatctl) -> None:
    assert chatctl.on_terminal("device", "list", "--profile", "nobody").startswith("\x1b[1mprofile")
    assert (
        chatctl.on_terminal("--as", "alice", "room", "add", "lobby", "bob")
        == "already in the room or invited: bob\r\n"
    )


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
            .stdout.splitlines()[2]
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
    out = Output(Form.TABLE)
    columns: Columns[int] = (Column("made", "at_us", lambda _: "2026-11-26 10:00:00", get=int),)
    out.rows([1], columns)
    assert capsys.readouterr().out.startswith("made ")


def test_a_flag_is_yes_or_no_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    Output(Form.PLAIN).one({"sent": True, "forgotten": False, "tries": 1})
    assert capsys.readouterr().out == "sent\tyes\nforgotten\tno\ntries\t1\n"


def test_numbers_stand_at_the_right_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(Form.TABLE)
    columns: Columns[str] = (
        Column("text", "text", get=str),
        Column("size", "size", "{:,}".format, get=len),
    )
    out.rows(["a", "three"], columns)
    assert capsys.readouterr().out.splitlines() == ["text   size", "a         1", "three     5"]


def test_a_time_is_not_broken_at_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    columns: Columns[str] = (
        Column("name", "name", get=lambda row: row * 60),
        Column("made", "made_at_us", get=lambda _: "2026-11-26 16:10:00"),
        Column("seen", "seen_us", get=lambda _: "5m42s ago"),
    )
    out = Output(Form.TABLE)
    out.terminal = True
    out.rows(["x"], columns)
    written = capsys.readouterr().out
    assert "2026-11-26 16:10:00  5m42s ago" in written
    assert written.count("x") == 60
