from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from chatctl.chat.lines import Kind, Line, Paragraph, line_of, paragraph, stored, wrapped
from chatd.client import Delivery
from chatd.pb.chat.v1.chat_pb2 import EventAck
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, EventType, Skipped, SkipReason
from chatd.text import escaped

CONSOLE = Console(width=200)


def delivery(kind: int, payload: dict[str, Any], sender: str = "bob") -> Delivery:
    message = EventDelivery(event=EventLink(event_id="e", room_id="r", seq=7, sender_id=sender))
    message.event.type = kind  # type: ignore[assignment]
    message.payload.update(payload)
    return Delivery(message)


def shown(one: Paragraph, width: int) -> list[str]:
    return [line.plain for line in wrapped(one, width, CONSOLE)]


@pytest.mark.parametrize(
    ("kind", "payload", "text", "is_news"),
    [
        (EventType.EVENT_TYPE_MESSAGE, {"text": "hello"}, "hello", False),
        (EventType.EVENT_TYPE_MEMBERSHIP, {"joined": ["carol"]}, "carol joined (by bob)", True),
        (EventType.EVENT_TYPE_MEMBERSHIP, {"left": ["bob"]}, "bob left", True),
        (EventType.EVENT_TYPE_ROOM, {"name": "x"}, "the room is now called x (by bob)", True),
        (EventType.EVENT_TYPE_ERASED, {}, "this event was erased", True),
        (17, {"a": 1}, "an event of type 17", False),
        (17, {"text": "a poll"}, "a poll", False),
    ],
)
def test_each_kind_of_event_has_a_line(kind: int, payload: dict[str, Any], text: str, is_news: bool) -> None:
    line = line_of(delivery(kind, payload))
    assert (line.text, line.kind is Kind.NEWS) == (text, is_news)


def test_a_marker_and_a_damaged_event_say_so() -> None:
    gap = Skipped(first_seq=5, last_seq=7, reason=SkipReason.SKIP_REASON_RETENTION)
    assert line_of(Delivery(EventDelivery(event=EventLink(seq=7), skipped=gap))).text.startswith(
        "5 to 7 will not"
    )
    event = EventLink(seq=7, type=EventType.EVENT_TYPE_MESSAGE)
    damaged = EventDelivery(event=event, is_compressed=True, compressed_payload=b"?")
    assert line_of(Delivery(damaged)).text.startswith("cannot be read: ")


def test_what_somebody_does_is_told_as_such_when_it_arrives_and_when_it_is_stored() -> None:
    arrived = line_of(delivery(EventType.EVENT_TYPE_MESSAGE, {"text": "/me waves"}, "alice"))
    sent = stored(EventAck(event_id="e", seq=7), "alice", "/me waves", ())
    assert arrived == sent
    assert paragraph(arrived, me="bob").text == "* alice waves"


def test_what_mentions_the_reader_is_marked_without_colours() -> None:
    line = Line(1, "e", 1, "bob", "alice!", mentions=("alice",))
    assert paragraph(line, me="alice").mark == "@"
    assert paragraph(line, me="carol").mark == ""


def test_texts_are_wrapped_below_themselves() -> None:
    one = Paragraph("1", "one two three four five six\r\nseven", "12:00", "✓", "bob")
    assert shown(one, 40) == [
        "12:00 ✓  bob  one two three four five ",
        "              six",
        "              seven",
    ]
    narrow = shown(Paragraph("1", "one two", "12:00", "", "a-long-name-of-a-person"), 30)
    assert narrow == ["12:00    ", "a-long-name-of-a-person  ", "  one two"]


def test_a_text_cannot_look_like_somebody_elses() -> None:
    one = Paragraph("1", "hi\n12:00    carol  yes\x1b[A\u202e\x0b\u2028x", "12:00", "", "bob")
    assert shown(one, 80) == [
        "12:00    bob  hi",
        "              12:00    carol  yes\\x1b[A\\u202e\\x0b\\u2028x",
    ]
    assert shown(Paragraph("1", "x", "12:00", "", "b\x1bob"), 80) == ["12:00    b\\x1bob  x"]


def test_joiners_wide_characters_and_words_longer_than_the_line_are_shown() -> None:
    assert shown(Paragraph("1", "👩‍👩‍👧 می‌خواهم", "", "", ""), 40) == ["👩‍👩‍👧 می‌خواهم"]
    assert shown(Paragraph("1", "漢" * 10, "", "", ""), 8) == ["漢漢漢漢", "漢漢漢漢", "漢漢"]
    assert shown(Paragraph("1", "", "12:00", "", "bob"), 40) == ["12:00    bob  "]


@settings(max_examples=40)
@given(st.text(), st.text(min_size=1, max_size=20), st.integers(min_value=10, max_value=80))
def test_no_text_of_strangers_reaches_the_terminal_as_it_is(text: str, sender: str, width: int) -> None:
    for line in wrapped(Paragraph("1", text, "12:00", "✓", sender), width, CONSOLE):
        assert escaped(line.plain) == line.plain
        assert line.cell_len <= width
