"""PROTOCOL.md, compressed payloads: who understands them gets the event's one frame, everybody else
gets it plain; over a raw socket."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from google.protobuf.struct_pb2 import Struct

from chatd.client import Client
from chatd.pb.admin.v1.admin_pb2 import (
    GetRoomRequest,
    GetRoomResponse,
    ListDeadLettersRequest,
    ListDeadLettersResponse,
)
from chatd.pb.admin.v1.admin_pb2 import ReplayDeadLettersRequest as Replay
from chatd.pb.chat.v1.chat_pb2 import (
    GetHistoryRequest,
    GetHistoryResponse,
    RoomEvent,
    SendEventsRequest,
    SendEventsResponse,
)
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.pb.gateway.v1.gateway_pb2 import Reject
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation, event, texts

Connect = Callable[..., Conversation]
LONG = "all work and no play makes jack a dull boy; " * 100


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    settings: dict[str, object] = {"MAX_PAYLOAD_BYTES": 20_000, "DELIVERY_RETRY_MS": 300_000}
    if request.param == "postgres":
        cluster = request.getfixturevalue("postgres")
        settings["DB_URI"] = cluster.uri(cluster.new_database())
    with Daemon("all", tmp_path_factory.mktemp("chatd"), settings) as running:
        yield running


def unpacked(delivery: EventDelivery) -> str:
    """The text of a delivery that came compressed."""
    assert (delivery.is_compressed, delivery.HasField("payload")) == (True, False)
    assert len(delivery.compressed_payload) < len(LONG) / 5
    payload = Struct.FromString(zstandard.ZstdDecompressor().decompress(delivery.compressed_payload))
    return str(payload["text"])


def test_each_device_gets_what_it_understands(connect: Connect, own: Callable[[str], str], room: str) -> None:
    alice, bob, plain_bob = connect("alice"), connect("bob"), connect("bob")
    for device, one in (("zstd", bob), ("plain", plain_bob)):
        one.open(device, accept_zstd=device == "zstd")
        one.hear_kind("caught_up")
    alice.send_texts(room, LONG, "short")
    long, short = bob.deliveries(2)
    assert (unpacked(long), texts([short])) == (LONG, ["short"])
    heard = plain_bob.deliveries(2)
    assert texts(heard) == [LONG, "short"]
    assert not any(one.is_compressed or one.compressed_payload for one in heard)
    for one in (bob, plain_bob):
        one.bye()
        one.hear_kind("closed")

    bob.open("zstd", accept_zstd=False, window_bytes=1024)
    assert texts(bob.deliveries(1)) == [LONG], "larger than the window, alone in it"
    bob.ack(1)
    assert texts(bob.deliveries(1)) == ["short"]
    plain_bob.open("plain", accept_zstd=True)
    assert unpacked(plain_bob.deliveries(2)[0]) == LONG


def test_a_rejected_event_is_replayed_in_the_form_that_is_understood(connect: Connect, room: str) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d", accept_zstd=True)
    bob.hear_kind("caught_up")
    alice.send_texts(room, LONG)
    unpacked(bob.deliveries(1)[0])
    bob.say(reject=Reject(delivery=1, reason="no"))
    bob.ack(1)
    bob.bye()
    bob.hear_kind("closed")
    reply = alice.request("AdminService/ListDeadLetters", ListDeadLettersRequest(profile_id=bob.profile))
    (letter,) = ListDeadLettersResponse.FromString(reply.payload).letters
    alice.request("AdminService/ReplayDeadLetters", Replay(letter_ids=[letter.letter_id]))
    bob.open("d")
    (again,) = bob.deliveries(1)
    assert (texts([again]), again.replay, again.is_compressed) == ([LONG], True, False)


def test_history_too(connect: Connect, room: str) -> None:
    alice = connect("alice")
    alice.send_texts(room, LONG, "short")

    def page(**fields: bool) -> list[EventDelivery]:
        reply = alice.request("ChatService/GetHistory", GetHistoryRequest(room_id=room, limit=2, **fields))
        return list(GetHistoryResponse.FromString(reply.payload).events)

    assert texts(page()) == [LONG, "short"]
    long, short = page(accept_zstd=True)
    assert (unpacked(long), texts([short])) == (LONG, ["short"])


def packed(room: str, frame: bytes, id_: str) -> SendEventsRequest:
    made = RoomEvent(event_id=id_, room_id=room, compressed_payload=frame)
    made.type = 1  # type: ignore[assignment]
    return SendEventsRequest(events=[made])


def frame_of(content: bytes, *, declared: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=declared).compress(content)


def test_a_sender_may_compress_and_a_retry_is_a_retry_in_either_form(connect: Connect, room: str) -> None:
    alice, bob = connect("alice"), connect("bob")
    bob.open("d")
    bob.hear_kind("caught_up")
    id_ = hashlib.sha256(room.encode()).hexdigest()
    plain = SendEventsRequest(events=[event(room, LONG, id_=id_)])
    frame = frame_of(plain.events[0].payload.SerializeToString(deterministic=True))
    acks = []
    for request in (packed(room, frame, id_), plain, packed(room, frame, id_)):
        reply = alice.request("ChatService/SendEvents", request)
        (ack,) = SendEventsResponse.FromString(reply.payload).acks
        acks.append((ack.seq, ack.duplicate))
    assert acks == [(2, False), (2, True), (2, True)]
    assert texts(bob.deliveries(1)) == [LONG]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"no zstd", 100),
        (frame_of(b"\0" * 10_000_000), 304),
        (frame_of(b"\0" * 20_001), 304),
        (frame_of(b"\0" * 10_000, declared=False), 100),
        (frame_of(b"\xff\xff\xff\xff"), 100),
        (frame_of(b"x") + b"more", 100),
        (frame_of(b""), 100),
        (frame_of(Struct().SerializeToString() + b"\x0a\x06\n\x01a\x12\x01 "), 100),
    ],
    ids=[
        "garbage",
        "bomb",
        "a byte too large",
        "size not declared",
        "no Struct inside",
        "trailing",
        "nothing inside",
        "half a Struct inside",
    ],
)
def test_bad_frames_are_refused_and_nothing_is_stored(
    connect: Connect, room: str, frame: bytes, code: int
) -> None:
    alice = connect("alice")
    assert alice.refused("ChatService/SendEvents", packed(room, frame, "bad")) == code
    both = packed(room, frame_of(b"x"), "bad")
    both.events[0].payload["text"] = "both"
    assert alice.refused("ChatService/SendEvents", both) == 301
    reply = alice.request("AdminService/GetRoom", GetRoomRequest(room_id=room))
    assert GetRoomResponse.FromString(reply.payload).room.head_seq == 1
    assert alice.send_texts(room, "the connection lives") == [2]


async def test_the_sdk_does_both_ways_by_itself(daemon: Daemon, own: Callable[[str], str]) -> None:
    token = operator_token(Path(daemon.folder))
    async with (
        Client(daemon.uri, token, profile=own("carol")) as carol,
        Client(daemon.uri, token, profile=own("carol"), compress=False) as same,
    ):
        await carol.create_room(own("sdk"))
        async with carol.stream("d") as stream:
            await stream.caught_up()
            ack = await carol.send(own("sdk"), LONG, event_id="e")
            assert (await same.send(own("sdk"), LONG, event_id="e")).duplicate
            async for delivery in stream:
                if delivery.seq == ack.seq:
                    break
            assert delivery.message.is_compressed
            assert delivery.text == LONG
            assert delivery.payload == {"text": LONG}
        (_, kept), _ = await carol.history(own("sdk"))
        assert kept.text == LONG
