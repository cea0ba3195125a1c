"""Payloads that some reader could not parse, or that would keep everybody waiting, are refused in
every form; a neighbour is served meanwhile, and the room stays readable."""

import time
from collections.abc import Callable

import pytest
import zstandard
from google.protobuf.struct_pb2 import Struct, Value

from chatd.pb.chat.v1.chat_pb2 import (
    GetHistoryRequest,
    GetHistoryResponse,
    RoomEvent,
    SendEventsRequest,
)
from tests.protocol.conversation import Conversation, event, seqs

Connect = Callable[..., Conversation]
MAX_PAYLOAD, MAX_FRAME = 20_000, 100_000


def frame(payload: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=True).compress(payload)


def nested(levels: int) -> bytes:
    """A payload with lists inside each other, encoded by hand: protobuf itself makes none that
    deep. Each level is a list's element that holds a list."""
    value = Value(string_value="x").SerializeToString()
    for _ in range(levels):
        value = delimited(b"\x32", delimited(b"\x0a", value))
    return text() + delimited(b"\x0a", delimited(b"\x0a", b"a") + delimited(b"\x12", value))


def groups(levels: int) -> bytes:
    """Unknown groups inside each other, in a payload."""
    return text() + b"\x7b" * levels + b"\x7c" * levels


def text() -> bytes:
    payload = Struct()
    payload["text"] = "x"
    return payload.SerializeToString()


def delimited(tag: bytes, content: bytes) -> bytes:
    size, out = len(content), b""
    while size > 0x7F:
        out += bytes([size & 0x7F | 0x80])
        size >>= 7
    return tag + out + bytes([size]) + content


def plain(room: str, id_: str, payload: bytes) -> bytes:
    """An encoded SendEventsRequest."""
    made = RoomEvent(event_id=id_, room_id=room, type=1).SerializeToString()  # type: ignore[arg-type]
    return delimited(b"\x0a", made + payload_field() + delimited(b"", payload))


def payload_field() -> bytes:
    return bytes([RoomEvent.DESCRIPTOR.fields_by_name["payload"].number << 3 | 2])


def compressed(room: str, id_: str, payload: bytes) -> bytes:
    made = RoomEvent(event_id=id_, room_id=room, type=1, compressed_payload=frame(payload))  # type: ignore[arg-type]
    return SendEventsRequest(events=[made]).SerializeToString()


def test_no_form_of_a_poison_event_is_taken(connect: Connect, room: str) -> None:
    eve, bob, phone = connect("alice"), connect("bob"), connect("bob")
    phone.open("phone")
    assert phone.hear().HasField("caught_up")
    sent = 0
    for levels in (31, 45, 48, 49, 50, 97, 5_000):
        for make in (plain, compressed):
            code = eve.refused(
                "ChatService/SendEvents", make(room, f"{make.__name__}{levels}", nested(levels))
            )
            assert code in ((304,) if levels < 46 else (100, 304)), (make, levels)
        assert bob.send_texts(room, f"text {levels}")
        sent += 1
    for make in (plain, compressed):
        deepest = eve.request("ChatService/SendEvents", make(room, f"{make.__name__}", nested(30)))
        harmless = eve.request("ChatService/SendEvents", make(room, f"{make.__name__}g", groups(90)))
        assert not deepest.HasField("error")
        assert not harmless.HasField("error"), "what says nothing is left out"
        sent += 2
    assert seqs(phone.deliveries(sent)) == list(range(2, 2 + sent))
    page = bob.request("ChatService/GetHistory", GetHistoryRequest(room_id=room))
    assert len(GetHistoryResponse.FromString(page.payload).events) == 1 + sent


def nulls(count: int) -> bytes:
    element = delimited(b"\x0a", Value(null_value=0).SerializeToString())  # type: ignore[arg-type]
    value = delimited(b"\x32", element * count)
    return text() + delimited(b"\x0a", delimited(b"\x0a", b"a") + delimited(b"\x12", value))


@pytest.mark.parametrize(
    ("count", "events"),
    [(4_900, 256), (4_900, 4), (1_000, 200)],
    ids=["more bytes than a frame", "more values than are looked at", "both in many events"],
)
def test_a_small_frame_that_holds_much_is_refused_at_once(
    connect: Connect, room: str, count: int, events: int
) -> None:
    """256 compressed events of nulls were 24 KB and took two seconds."""
    eve, bob = connect("alice"), connect("bob")
    packed = frame(nulls(count))
    made = [
        RoomEvent(event_id=f"{count}-{events}-{number}", room_id=room, type=1, compressed_payload=packed)  # type: ignore[arg-type]
        for number in range(events)
    ]
    request = SendEventsRequest(events=made)
    assert request.ByteSize() < MAX_FRAME
    quiet = timed(bob, room, "before")
    took = []
    for _ in range(3):  # the quickest counts: the machine does other work, too
        started = time.monotonic()
        assert eve.refused("ChatService/SendEvents", request) == 304
        took.append(time.monotonic() - started)
    assert min(took) < 0.5
    beside = []
    for number in range(10):
        eve.say(
            call={
                "call_id": 1_000 + number,
                "method": "ChatService/SendEvents",
                "payload": request.SerializeToString(),
                "token": eve.token,
                "profile_id": eve.profile,
            }
        )
        beside.append(timed(bob, room, f"{number}"))
    assert sorted(beside)[5] < 3 * quiet + 0.1, (quiet, beside)


def timed(conversation: Conversation, room: str, said: str) -> float:
    started = time.monotonic()
    assert conversation.send_texts(room, said)
    return time.monotonic() - started


def test_payloads_of_one_request_have_a_limit_together(connect: Connect, room: str) -> None:
    """However they come."""
    alice = connect("alice")
    large = [event(room, "x" * (MAX_PAYLOAD - 100), id_=f"large{number}") for number in range(6)]
    for one in large:
        packed = frame(one.payload.SerializeToString())
        one.ClearField("payload")
        one.compressed_payload = packed
    assert alice.refused("ChatService/SendEvents", SendEventsRequest(events=large)) == 304
    fits = alice.request("ChatService/SendEvents", SendEventsRequest(events=large[:4]))
    assert not fits.HasField("error")
