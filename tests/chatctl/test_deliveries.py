"""Deliveries as rows: events, mentions, markers."""

from chatctl.columns import cells, headings, record
from chatctl.deliveries import fields, reason_name
from chatctl.times import clock
from chatd.client import Delivery, message
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, SkipReason
from tests.chatctl.command import Chatctl

SENT_AT_US = 1_700_000_000_000_000


def said(text: str, *mentions: str) -> Delivery:
    event = message("lobby", text)
    link = EventLink(
        event_id="e",
        room_id="lobby",
        seq=7,
        sender_id="bob",
        type=event.type,
        sent_at_us=SENT_AT_US,
        mentions=mentions,
    )
    return Delivery(EventDelivery(event=link, payload=event.payload))


def test_an_event_is_a_row_of_a_list() -> None:
    assert headings(fields()) == ["seq", "time", "sender", "text"]
    assert cells(said("hello"), fields("ann")) == ["7", clock(SENT_AT_US), "bob", "hello"]


def test_only_the_readers_own_mention_is_marked() -> None:
    delivery = said("lunch?", "ann", "carol")
    assert cells(delivery, fields("ann"))[1] == f"@ {clock(SENT_AT_US)}"
    assert cells(delivery, fields("dave"))[1] == clock(SENT_AT_US)
    assert cells(delivery, fields())[1] == clock(SENT_AT_US)


def test_json_says_everything_of_an_event() -> None:
    row = record(said("hello", "ann"), fields())
    assert row == {
        "seq": 7,
        "event_id": "e",
        "sender_id": "bob",
        "type": 1,
        "sent_at_us": SENT_AT_US,
        "text": "hello",
        "payload": {"text": "hello"},
        "retry_count": 0,
        "replay": False,
        "priority": 0,
        "mentions": ["ann"],
        "mention_all": False,
        "skipped": None,
    }
    assert list(row)[:6] == ["seq", "event_id", "sender_id", "type", "sent_at_us", "text"]


def test_a_marker_in_json_says_what_is_missing(chatctl: Chatctl, filled: str) -> None:
    chatctl("room", "history", "purge", filled, "--all", "-y")
    line = chatctl(
        "--as", filled, "tail", "--take-over", "--device", "d", "--json", "--until-caught-up"
    ).stdout
    assert '"skipped": {"first_seq": 1, "last_seq": 11, "reason": "RETENTION"}' in line


def test_reasons_have_names_unless_they_are_of_a_later_version() -> None:
    assert reason_name(SkipReason.SKIP_REASON_REJECTED) == "REJECTED"
    later = EventDelivery.FromString(EventDelivery(skipped={"reason": 99}).SerializeToString())
    assert reason_name(later.skipped.reason) == "99"
