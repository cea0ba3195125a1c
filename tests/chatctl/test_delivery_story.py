"""The sentence for each way in which an event may stand with a device."""

import pytest

from chatctl.delivery_story import Recipient, steps, why, why_nobody
from chatctl.named import recipient
from chatd.pb.admin.v1.admin_pb2 import Connection, DeviceStory, ExplainDeliveryResponse, Membership
from chatd.pb.events.v1.payloads_pb2 import DeliveryState, EventLink

NOW = 1_000_000_000_000
MINUTE = 60_000_000
BOB = Recipient("bob", "phone")
OWED = DeliveryState.DELIVERY_STATE_OWED


def story(**fields: object) -> ExplainDeliveryResponse:
    made = ExplainDeliveryResponse(
        event=EventLink(room_id="lobby", seq=17, sent_at_us=NOW - 3 * MINUTE), published=True
    )
    made.membership.CopyFrom(Membership(joined_seq=1, joined_at_us=NOW - 9 * MINUTE))
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def device(**fields: object) -> DeviceStory:
    made = DeviceStory(
        device_id="phone",
        created_at_us=NOW - 8 * MINUTE,
        seen_at_us=NOW - 2 * MINUTE,
        is_recipient=True,
        state=OWED,
        acked_seq=16,
    )
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "bob/phone has been owed it for 3m00s; not connected, last seen 2m00s ago"),
        ({"attempts": 2}, "has been owed it for 3m00s, tried 2 attempts in vain; not connected"),
        ({"state": DeliveryState.DELIVERY_STATE_ACKNOWLEDGED}, "bob/phone has acknowledged it"),
        (
            {"state": DeliveryState.DELIVERY_STATE_ACKNOWLEDGED, "letter_id": "x"},
            "by a replay of its dead letter",
        ),
        (
            {"state": DeliveryState.DELIVERY_STATE_REJECTED, "reason": "full", "letter_id": "x"},
            "bob/phone rejected it: full; dead letter x",
        ),
        (
            {
                "state": DeliveryState.DELIVERY_STATE_UNDELIVERABLE,
                "attempts": 5,
                "last_failed_at_us": NOW - MINUTE,
                "letter_id": "x",
                "letter_state": "replaying",
            },
            "bob/phone did not take it in 5 attempts; given up 1m00s ago; dead letter x, which is being replayed",
        ),
        ({"state": DeliveryState.DELIVERY_STATE_REMOVED}, "retention removed it before bob/phone had it"),
        ({"is_recipient": False, "state": 0}, "not owed it: the device was registered after it, 8m00s ago"),
    ],
)
def test_one_sentence_for_each_state(changed: dict[str, object], says: str) -> None:
    assert says in why(BOB, story(), device(**changed), None, NOW)


def test_a_connected_device_is_told_with_its_gateway() -> None:
    here = Connection(gateway_id="g2", since_us=NOW - 4_000_000)
    says = why(BOB, story(), device(online=True), here, NOW)
    assert says == (
        "bob/phone has been owed it for 3m00s; connected at gateway g2 for 4.0s; it is in flight, and the "
        "device has not acknowledged it"
    )
    says = why(BOB, story(), device(online=True, acked_seq=13, owed_before=3), here, NOW)
    assert "3 older events are not acknowledged either, the first is 14" in says
    assert "about to be published" in why(BOB, story(published=False), device(online=True), None, NOW)


@pytest.mark.parametrize(
    ("nearest", "says"),
    [
        (None, "bob was never a member of lobby"),
        (
            Membership(joined_seq=20, joined_at_us=NOW - MINUTE),
            "bob was not a member of lobby then: joined later, with event 20, 1m00s ago",
        ),
        (
            Membership(joined_seq=1, left_seq=5),
            "bob was not a member of lobby then: left before, with event 5",
        ),
    ],
)
def test_somebody_who_was_no_member_then(nearest: Membership | None, says: str) -> None:
    told = story()
    told.ClearField("membership")
    if nearest is not None:
        told.nearest.CopyFrom(nearest)
    assert why_nobody(BOB, told, NOW) == says


def test_somebody_without_the_device() -> None:
    assert (
        why_nobody(Recipient("bob"), story(), NOW) == "bob has no device, so there is none to deliver it to"
    )
    assert why_nobody(BOB, story(), NOW) == "bob has no device phone"


def test_steps_are_in_the_order_of_their_times() -> None:
    found = list(steps(story(), device(attempts=1, first_failed_at_us=NOW - MINUTE), None))
    assert [one.what for one in found] == [
        "joined the room, with event 1",
        "device registered",
        "stored as event 17 of lobby",
        "device last seen",
        "first failed attempt",
    ]


@pytest.mark.parametrize(
    ("text", "profile_id", "device_id"),
    [("bob", "bob", ""), ("bob/phone", "bob", "phone"), ("b/ob:phone/2", "b/ob", "phone/2")],
)
def test_a_recipient_is_a_profile_and_perhaps_a_device(text: str, profile_id: str, device_id: str) -> None:
    assert recipient(text) == Recipient(profile_id, device_id)
