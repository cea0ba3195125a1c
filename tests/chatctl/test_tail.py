"""chatctl tail, against a real daemon."""

import signal
import time

from tests.chatctl.command import Chatctl


def test_events_are_shown_in_order_and_once(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "-", stdin="hello\nonce\na\nb\nc\n" + "d\n" * 200)
    tail = ("--as", room, "tail", "--device", "d")
    tailed = chatctl(*tail, "--count", "3").stdout.splitlines()
    assert [line.split("\t")[1] for line in tailed] == ["1", "2", "3"]
    rest = chatctl.json_lines(*tail, "--until-caught-up")
    assert [one["text"] for one in rest][:4] == ["a", "b", "c", "d"]
    assert len(rest) == 203
    assert chatctl(*tail, "--until-caught-up").stdout == ""


def test_events_that_mention_the_reader_are_marked(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "@ not you", "--mention", "carol")
    chatctl("--as", "alice", "send", room, "bye", "--mention", room)
    marked = chatctl("--as", room, "tail", "--device", "d", "--until-caught-up").stdout.splitlines()
    assert [line.split("\t")[2].startswith("@ ") for line in marked] == [False, False, True]


def test_only_the_rooms_named_are_shown(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "room", "create", f"{room}-2", room)
    chatctl("--as", "alice", "send", f"{room}-2", "shown")
    shown = chatctl("--as", room, "tail", f"{room}-2", "--device", "d", "--until-caught-up").stdout
    assert {line.split("\t")[0] for line in shown.splitlines()} == {f"{room}-2"}


def test_a_room_is_shown_however_its_name_is_typed(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "room", "create", f"{room}-cafe\u0301", room)
    chatctl("--as", "alice", "send", f"{room}-caf\xe9", "shown")
    shown = chatctl("--as", room, "tail", f"{room}-cafe\u0301", "--device", "d", "--until-caught-up").stdout
    assert [line.split("\t")[0] for line in shown.splitlines()] == [f"{room}-caf\xe9"] * 2


def test_interrupted_tail_acknowledges_what_it_showed(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "hello")
    tail = chatctl.start("--as", room, "tail", "--device", "d")
    assert tail.stdout is not None
    assert [tail.stdout.readline().split("\t")[1] for _ in range(2)] == ["1", "2"]
    tail.send_signal(signal.SIGINT)
    assert tail.wait(10) == 0
    tail.communicate()
    assert chatctl.json("outbox", "list", "--profile", room) == []


def test_a_reader_that_has_enough(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, stdin="line\n" * 2000)
    done = chatctl.in_shell(f"--as {room} tail --device d --until-caught-up", "| head -n 1")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_hostile_text_is_shown_escaped(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "\x1b[2J\x07evil")
    shown = chatctl("--as", room, "tail", "--device", "d", "--until-caught-up").stdout
    assert "\\x1b[2J\\x07evil" in shown


def test_superseded_by_another_tail(chatctl: Chatctl) -> None:
    first = chatctl.start("--as", "carol", "tail", "--device", "phone")
    deadline = time.monotonic() + 10
    while not chatctl.json("connections", "--profile", "carol"):
        assert time.monotonic() < deadline
    second = chatctl.start("--as", "carol", "tail", "--device", "phone")
    assert first.wait(10) == 1
    assert "SUPERSEDED" in first.communicate()[1]
    assert second.poll() is None
    second.send_signal(signal.SIGTERM)
    assert second.wait(10) == 0
    assert second.communicate() == ("", "")
