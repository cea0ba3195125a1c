import json
import math
from typing import Any

import pytest

from chatd.client import Delivery
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, EventType


def test_a_message() -> None:
    made = EventDelivery(
        event=EventLink(
            event_id="e1",
            room_id="lobby",
            seq=7,
            sender_id="alice",
            type=EventType.EVENT_TYPE_MESSAGE,
            sent_at_us=5,
            priority=1,
            mentions=["bob"],
        ),
        retry_count=2,
    )
    made.payload.update(
        {"text": "hello", "size": 3, "ratio": 0.5, "tags": ["a", {"b": None}], "urgent": True}
    )
    delivery = Delivery(made)
    assert (delivery.event_id, delivery.room_id, delivery.seq, delivery.sender_id) == (
        "e1",
        "lobby",
        7,
        "alice",
    )
    assert (delivery.type, delivery.sent_at_us, delivery.retry_count, delivery.text) == (1, 5, 2, "hello")
    assert (delivery.priority, delivery.mentions) == (1, ("bob",))
    assert delivery.payload == {
        "text": "hello",
        "size": 3,
        "ratio": 0.5,
        "tags": ["a", {"b": None}],
        "urgent": True,
    }


def test_no_text_is_empty() -> None:
    made = EventDelivery(event=EventLink(type=20))  # type: ignore[arg-type]
    assert (Delivery(made).text, Delivery(made).payload) == ("", {})
    made.payload["text"] = 5
    assert Delivery(made).text == ""


def test_a_membership_change_reads_as_one() -> None:
    made = EventDelivery(event=EventLink(type=EventType.EVENT_TYPE_MEMBERSHIP))
    made.payload.update({"joined": ["bob", "carol"], "by": "alice"})
    assert Delivery(made).text == "bob, carol joined"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"name": "tea"}, "the room is now called tea"),
        ({"name": ""}, "the room has no name now"),
        ({"name": "tea", "hide_previews": True}, "the room is now called tea; previews are hidden now"),
        ({"hide_previews": False}, "previews are shown now"),
        ({"public": True}, "everybody may join now"),
        ({"description": "tea"}, "the room is for: tea"),
        ({"description": ""}, "the room has no description now"),
        ({"rules": {"send": "admin", "add": "owner"}}, "add from owner up; send from admin up"),
        ({"rules": {"requires_approval": True}}, "changes need approval now"),
        ({"rules": {"requires_approval": False}}, "changes need no approval now"),
        (
            {"rules": {"keep_days": 30, "keep_events": 5_000}},
            "days that events are kept: 30; events that are kept: 5,000",
        ),
        (
            {"rules": {"keep_days": 0, "keep_events": 0}},
            "events are kept for as long as usual; as many events are kept as usual",
        ),
        ({"metadata": {"b": "1", "a": ""}}, "changed: a, b"),
        ({"deleted": True}, "the room is deleted"),
    ],
)
def test_a_change_of_the_room_reads_as_one(payload: dict[str, Any], text: str) -> None:
    made = EventDelivery(event=EventLink(type=EventType.EVENT_TYPE_ROOM))
    made.payload.update(payload)
    assert Delivery(made).text == text


@pytest.mark.parametrize(
    ("number", "shown"),
    [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (1e300, int(1e300))],
)
def test_numbers_that_json_lacks_do_no_harm(number: float, shown: object) -> None:
    made = EventDelivery()
    made.payload["x"] = number
    assert Delivery(made).payload == {"x": shown}
    assert json.loads(json.dumps(Delivery(made).payload, allow_nan=False)) == {"x": shown}


def test_a_value_of_no_kind_is_none() -> None:
    made = EventDelivery()
    made.payload.fields["x"].Clear()
    assert Delivery(made).payload == {"x": None}
