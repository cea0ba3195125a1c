"""chatctl tail, against a real daemon."""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest

from chatctl.output import Output
from chatctl.tail import Tail
from chatd.client import StreamState
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon
from tests.protocol.limited import token_of


def test_events_are_shown_in_order_and_once(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "-", stdin="hello\nonce\na\nb\nc\n" + "d\n" * 200)
    tail = ("--as", room, "tail", "--take-over", "--device", "d")
    tailed = chatctl(*tail, "--count", "3").stdout.splitlines()
    assert [line.split("\t")[1] for line in tailed] == ["1", "2", "3"]
    rest = chatctl.json_lines(*tail, "--until-caught-up")
    assert [one["text"] for one in rest][:4] == ["a", "b", "c", "d"]
    assert len(rest) == 203
    assert chatctl(*tail, "--until-caught-up").stdout == ""


def test_events_that_mention_the_reader_are_marked(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "@ not you", "--mention", "carol")
    chatctl("--as", "alice", "send", room, "bye", "--mention", room)
    marked = chatctl(
        "--as", room, "tail", "--take-over", "--device", "d", "--until-caught-up"
    ).stdout.splitlines()
    assert [line.split("\t")[2].startswith("@ ") for line in marked] == [False, False, True]


def test_only_the_rooms_named_are_shown(chatctl: Chatctl, room: str) -> None:
    chatctl.create_room(f"{room}-2", room)
    chatctl.send_texts(f"{room}-2", "shown")
    tail = ("--take-over", "--device", "d", "--until-caught-up")
    shown = chatctl("--as", room, "tail", f"{room}-2", "nowhere", *tail)
    assert {line.split("\t")[0] for line in shown.stdout.splitlines()} == {f"{room}-2"}
    assert shown.stderr == "not a member, or there is no such room: nowhere\n"


def test_a_room_is_shown_however_its_name_is_typed(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "room", "create", f"{room}-cafe\u0301", room)
    chatctl.send_texts(f"{room}-caf\xe9", "shown")
    shown = chatctl(
        "--as", room, "tail", f"{room}-cafe\u0301", "--take-over", "--device", "d", "--until-caught-up"
    ).stdout
    assert [line.split("\t")[0] for line in shown.splitlines()] == [f"{room}-caf\xe9"] * 2


def test_an_outage_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    tail = Tail(Output(), frozenset(), frozenset(), None, False)
    for reason in ("gone", "gone", "refused", "refused"):
        tail._on_state(StreamState.CONNECTING, reason)
    for state in (StreamState.CATCHING_UP, StreamState.LIVE):
        tail._on_state(state, "")
    said = "reconnecting: gone\nreconnecting: refused\nconnected again\n"
    assert capsys.readouterr().err == said


def test_interrupted_tail_acknowledges_what_it_showed(chatctl: Chatctl, room: str) -> None:
    chatctl.send_texts(room, "hello")
    tail = chatctl.start("--as", room, "tail", "--take-over", "--device", "d")
    assert tail.stdout is not None
    assert [tail.stdout.readline().split("\t")[1] for _ in range(2)] == ["1", "2"]
    tail.send_signal(signal.SIGINT)
    assert tail.wait(10) == 0
    tail.communicate()
    assert chatctl.json("outbox", "list", "--profile", room) == []


def test_a_reader_that_has_enough(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, stdin="line\n" * 2000)
    done = chatctl.in_shell(f"--as {room} tail --take-over --device d --until-caught-up", "| head -n 1")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_hostile_text_is_shown_escaped(chatctl: Chatctl, room: str) -> None:
    chatctl.send_texts(room, "\x1b[2J\x07evil")
    shown = chatctl("--as", room, "tail", "--take-over", "--device", "d", "--until-caught-up").stdout
    assert "\\x1b[2J\\x07evil" in shown


def connected(chatctl: Chatctl, profile: str) -> None:
    """Wait until a device of the profile is connected."""
    deadline = time.monotonic() + 20
    while not any(row["online"] for row in chatctl.json("device", "list", "--profile", profile)):
        assert time.monotonic() < deadline


def test_an_operator_takes_over_a_device_only_when_told_to(chatctl: Chatctl) -> None:
    tail = ("--as", "carol", "tail", "--device", "phone")
    first = chatctl.start(*tail)
    connected(chatctl, "carol")
    refused = chatctl(*tail, "--until-caught-up", code=1).stderr
    assert "'phone' is a device of 'carol', connected now and owed nothing; --take-over" in refused
    assert first.poll() is None
    second = chatctl.start(*tail, "--take-over")
    assert first.wait(10) == 1
    said, superseded = first.communicate()[1].splitlines()
    assert said == "phone is new: it will be owed everything from now on", "it has no room"
    assert "SUPERSEDED" in superseded
    assert second.poll() is None
    second.send_signal(signal.SIGTERM)
    assert second.wait(10) == 0
    assert second.communicate() == ("", "")


def test_what_a_real_device_is_owed_is_not_acknowledged_by_an_operator(chatctl: Chatctl, room: str) -> None:
    refused = chatctl("--as", room, "tail", "--device", "d", "--until-caught-up", code=1)
    assert (refused.stdout, "owed 1 event;" in refused.stderr) == ("", True)
    assert chatctl.json("device", "show", room, "d")["owed"] == 1


def test_chatctls_own_device_and_a_users_are_free_to_use(chatctl: Chatctl, limited: Chatctl) -> None:
    for _ in range(2):
        chatctl("--as", "dora", "tail", "--until-caught-up")
    running = chatctl.start("--as", "dora", "tail")
    connected(chatctl, "dora")
    assert "ALREADY_EXISTS" in chatctl("--as", "dora", "tail", "--until-caught-up", code=1).stderr
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 0
    running.communicate()
    for _ in range(2):
        limited("--token", token_of("ben"), "--as", "ben", "tail", "--device", "laptop", "--until-caught-up")


def test_a_restored_backup_under_a_tail(tmp_path: Path) -> None:
    """It says so, and shows what is stored from then on under seqs that it has shown before."""
    daemon = Daemon("all", tmp_path)
    with daemon:
        chatctl = Chatctl(daemon)
        chatctl.make_device("bob", "d")
        chatctl.create_room("r", "bob")
        chatctl.send_texts("r", "one")
        chatctl("--as", "bob", "tail", "--device", "d", "--take-over", "--until-caught-up")
        daemon.stop()
        shutil.copy(tmp_path / "chatd.db", tmp_path / "backup")
        daemon.start()
        chatctl("--as", "alice", "send", "r", "-", stdin="lost\n" * 3)
        tail = chatctl.start("--as", "bob", "tail", "--device", "d", "--take-over")
        assert tail.stdout is not None
        assert [tail.stdout.readline().split("\t")[1] for _ in range(3)] == ["3", "4", "5"]
        daemon.stop()
        shutil.copy(tmp_path / "backup", tmp_path / "chatd.db")
        daemon.start()
        chatctl("--as", "alice", "send", "r", "-", stdin="new\n" * 2)
        shown = [tail.stdout.readline().split("\t")[1] for _ in range(2)]
        tail.send_signal(signal.SIGINT)
        said = tail.communicate(timeout=20)[1].splitlines()
        assert shown == ["3", "4"]
        assert "the log is another one than before: its rooms begin anew" in said
        assert chatctl.json("outbox", "list", "--profile", "bob") == []


def test_a_new_device_begins_where_it_is_told(chatctl: Chatctl, filled: str) -> None:
    def begin(device: str, *start: str, profile: str = filled) -> tuple[list[int], str]:
        words = ("tail", "--json", "--until-caught-up", "--take-over", "--device", device)
        tail = chatctl("--as", profile, *words, *start)
        return [json.loads(line)["seq"] for line in tail.stdout.splitlines()], tail.stderr.strip()

    assert begin("a") == ([], "a is new: it will be owed everything from now on")
    assert begin("b", "--start", "last:2") == ([10, 11], "b is new: it is owed everything from --start on")
    for number, start in enumerate(("joined", "since:1h", f"seqs:{filled}:0")):
        assert begin(f"c{number}", "--start", start)[0] == list(range(1, 12))
    chatctl.create_room(f"{filled}-2", "erin")
    begin("page", "--start", "head", profile="erin")
    said = "phone is new: it is owed everything that no device of its profile has received"
    assert begin("phone", profile="erin") == ([1], said)
    assert begin("b", "--start", "joined") == ([], ""), "it is known"
    assert "is not a time" in chatctl("tail", "--start", "since:tomorrow", code=2).stderr
    assert "is none of head, joined, last:N" in chatctl("tail", "--start", "tomorrow", code=2).stderr


def test_an_ephemeral_device_is_forgotten_in_the_end(chatctl: Chatctl, room: str) -> None:
    tail = chatctl.start("--as", room, "tail", "--ephemeral", "--count", "1", "--json")
    while not any(one["device_id"] != "d" for one in chatctl.json("device", "list", "--profile", room)):
        assert tail.poll() is None
    chatctl.send_texts(room, "hello")
    out, _ = tail.communicate(timeout=20)
    assert json.loads(out)["text"] == "hello"
    assert [one["device_id"] for one in chatctl.json("device", "list", "--profile", room)] == ["d"]
    chatctl("--as", room, "tail", "--ephemeral", "--device", "d", code=2)
