from typing import Any

import pytest

from chatctl.chat import room as room_module
from chatctl.chat.lines import Paragraph
from chatctl.chat.room import Room
from chatd.client import Delivery
from chatd.pb.chat.v1.chat_pb2 import Unread
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, EventType

NOON_US = 86_400_000_000 * 21 // 2


def event(
    seq: int,
    sender: str = "bob",
    kind: int = EventType.EVENT_TYPE_MESSAGE,
    payload: dict[str, Any] | None = None,
) -> Delivery:
    link = EventLink(event_id=f"e{seq}", room_id="r", seq=seq, sender_id=sender, sent_at_us=NOON_US + seq)
    link.type = kind  # type: ignore[assignment]
    message = EventDelivery(event=link)
    message.payload.update(payload or {"text": f"line {seq}"})
    return Delivery(message)


def member_change(seq: int, **change: list[str]) -> Delivery:
    return event(seq, kind=EventType.EVENT_TYPE_MEMBERSHIP, payload=change)


def loaded(first: int, last: int, *, more: bool = False) -> Room:
    room = Room("r", "alice")
    room.load([event(seq) for seq in range(first, last + 1)], more=more)
    return room


def seqs(room: Room) -> list[int]:
    return sorted(room.lines)


def texts(room: Room) -> list[str]:
    return [one.text for one in room.paragraphs() if not one.text.startswith("── ")]


def test_what_arrives_while_a_page_is_read_is_kept_without_a_hole() -> None:
    room = Room("r", "alice")
    room.take(event(3))  # nothing is known of the log yet
    room.is_loading = True
    room.take(event(21))
    room.take(event(22))
    room.load([event(seq) for seq in range(11, 22)], more=True)
    assert seqs(room) == list(range(11, 23))
    room.take(event(5))  # a backlog, older than what is known
    assert seqs(room) == list(range(11, 23))
    room.load_older([event(seq) for seq in range(1, 11)], more=False)
    assert seqs(room) == list(range(1, 23))


def test_what_is_unread_is_what_others_say_and_what_is_new() -> None:
    room = loaded(1, 5)
    room.at(Unread(room_id="r", read_seq=3, head_seq=5, unread=2))
    assert not room.take(event(5))
    room.take(event(6, "alice"))
    room.take(member_change(7, joined=["dave"]))
    room.take(event(8))
    assert room.unread == 3
    room.at(Unread(room_id="r", read_seq=8, head_seq=8, unread=0))
    room.at(Unread(room_id="r", read_seq=3, head_seq=5, unread=2))  # an older answer
    assert (room.read_seq, room.unread) == (8, 0)


def test_members_are_those_of_the_answer_and_what_changed_since_it_was_asked_for() -> None:
    room = loaded(1, 5)
    room.take(member_change(6, joined=["dave"]))
    room.take(member_change(7, left=["carol"]))
    room.set_members({"alice", "bob", "carol", "dave"}, at_seq=6)
    assert room.members == {"alice", "bob", "dave"}
    room.take(member_change(8, joined=["eve"], left=["bob"]))
    assert room.members == {"alice", "dave", "eve"}


def test_marks_say_how_far_the_readers_own_lines_have_come() -> None:
    room = Room("r", "alice")
    room.load([event(1, "alice"), event(2, "alice"), event(3, "alice"), event(4)], more=False)
    room.received(1, 2)
    room.was_read("bob", 1)
    marks = {one.key: one.mark for one in room.paragraphs()}
    assert [marks[str(seq)] for seq in (1, 2, 3, 4)] == ["✓✓", "✓", "", ""]
    assert (room.newest_own(), room.readers(1), room.readers(2)) == (3, ["bob"], [])


def test_who_writes_has_stopped_after_five_seconds_or_with_a_message() -> None:
    room = loaded(1, 1)
    for name in ("bob", "carol", "dave"):
        room.heard_typing(name, True, now=100.0)
    room.heard_typing("carol", False, now=101.0)
    assert room.typing(104.9) == ["bob", "dave"]
    room.take(event(2, "bob"))
    assert room.typing(104.9) == ["dave"]
    assert room.typing(105.0) == []


def test_notes_rules_and_days_stand_where_they_belong() -> None:
    room = loaded(1, 3)
    room.note("a note", 1)
    room.take(event(4))
    room.marker_seq = 2
    room.note("another", 2)
    assert texts(room) == ["line 1", "line 2", "line 3", "a note", "line 4", "another"]
    rules = [(one.key, one.text[:6]) for one in room.paragraphs() if one.text.startswith("── ")]
    assert rules == [("day 1", "── Sun"), ("new", "── new")]
    keys = [one.key for one in room.paragraphs()]
    assert keys.index("new") == keys.index("3") - 1
    assert len(set(keys)) == len(keys)


def test_old_lines_are_forgotten_and_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "KEPT_LINES", 100)
    room = loaded(1, 100)
    for seq in range(101, 120):
        room.take(event(seq))
    assert len(room.lines) <= 110
    assert (room.has_older, room.first_seq) == (True, seqs(room)[0])
    room.load_older([event(seq) for seq in range(1, room.first_seq)], more=False)
    assert seqs(room) == list(range(1, 120))


def test_another_log_is_begun_anew() -> None:
    room = loaded(1, 9)
    room.received(1, 9)
    room.was_read("bob", 9)
    room.note("before", 1)
    room.forget()
    room.note("it is another one", 2)
    assert (room.is_loaded, texts(room), room.readers(1)) == (False, ["before", "it is another one"], [])
    room.load([event(1, "alice")], more=False)
    assert texts(room) == ["before", "it is another one", "line 1"]
    (line,) = [one for one in room.paragraphs() if one.key == "1"]
    assert line == Paragraph("1", "line 1", line.time, "", "alice", "")


def test_those_who_spoke_last_are_named_first() -> None:
    room = Room("r", "alice")
    room.load([event(1, "bob"), event(2, "carol"), event(3, "alice")], more=False)
    room.set_members({"alice", "bob", "carol", "dave"}, 3)
    assert room.people() == ["carol", "bob", "dave"]
