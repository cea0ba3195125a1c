"""Where a new device begins (O5, O10)."""

import time
from collections.abc import Callable

import pytest

from chatd.core.start import HEAD, JOINED, UNDELIVERED, Start
from chatd.pb.chat.v1.chat_pb2 import AddRoomSubscriptionsRequest
from chatd.pb.gateway.v1 import gateway_pb2
from tests.protocol.conversation import Conversation, seqs

Connect = Callable[..., Conversation]


@pytest.fixture
def late(connect: Connect) -> Conversation:
    """A profile that came fourth into a room of ten events, and has no device."""
    late, alice = connect("late"), connect("alice")
    room = f"r-{late.profile}"
    alice.create_room(room)
    alice.send_texts(room, "2", "3")
    request = AddRoomSubscriptionsRequest(room_id=room, profile_ids=[late.profile])
    assert not alice.request("ChatService/AddRoomSubscriptions", request).HasField("error")
    alice.send_texts(room, *map(str, range(5, 11)))
    return late


def begin(late: Conversation, device: str, start: Start | None) -> tuple[Start | None, list[int]]:
    """The start in the Welcome, and the seqs that come before CaughtUp."""
    welcome = late.open(device, start=start.to_pb() if start else None)
    assert welcome.new_device == welcome.HasField("start")
    heard: list[int] = []
    while not (frame := late.hear()).HasField("caught_up"):
        heard += seqs(frame.deliveries)
    late.bye()
    assert late.hear_kind("closed").error.code == 0
    return (None if not welcome.HasField("start") else read(welcome.start)), heard


def read(start: gateway_pb2.Start) -> Start:
    point = start.point
    return next(
        (one for one in (HEAD, JOINED, UNDELIVERED) if point and one.value == point), Start.last(start.last)
    )


def test_the_first_device_is_owed_what_the_profile_was_sent(late: Conversation) -> None:
    assert begin(late, "first", None) == (UNDELIVERED, list(range(4, 11)))
    assert begin(late, "second", None) == (HEAD, [])


def test_hello_says_where_a_device_begins_that_is_not_known_yet(late: Conversation) -> None:
    assert begin(late, "a", HEAD) == (HEAD, [])
    assert begin(late, "b", JOINED) == (JOINED, list(range(4, 11)))
    assert begin(late, "c", Start.last(2)) == (Start.last(2), [9, 10])
    assert begin(late, "a", JOINED) == (None, []), "it is known"


def test_seqs_and_times(late: Conversation) -> None:
    room = f"r-{late.profile}"
    assert begin(late, "a", Start.behind({room: 7}))[1] == [8, 9, 10]
    assert begin(late, "b", Start.since(time.time_ns() // 1_000 - 3_600_000_000))[1] == list(range(4, 11))
    assert begin(late, "c", Start.since(time.time_ns() // 1_000 + 3_600_000_000))[1] == []


def test_a_start_that_is_none_is_refused_and_the_stream_goes_on(late: Conversation) -> None:
    late.open("d")
    late.hear_kind("caught_up")
    late.hello("e", start=gateway_pb2.Start())
    assert late.hear_kind("error").code == 301
    late.heartbeat(1)
    late.hear_kind("heartbeat")
