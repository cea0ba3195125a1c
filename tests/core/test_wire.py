import timeit

import pytest
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct
from hypothesis import example, given
from hypothesis import strategies as st

from chatd.core.wire import (
    count_first_field,
    delivery_record,
    encode_delivery,
    error_from_pb,
    error_to_pb,
    is_heartbeat,
    read_ack,
    varint,
)
from chatd.errors import WIRE_ERRORS, ChatdError, Internal, StartFailed, StoreFailed
from chatd.pb.chat.v1.chat_pb2 import RoomEvent, SendEventsRequest
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink
from chatd.pb.gateway.v1.gateway_pb2 import Ack, ClientFrame, Error, Heartbeat, ServerFrame


@given(st.integers(0, 2**63))
def test_varints_are_protobufs(value: int) -> None:
    assert Ack(up_to=value).SerializeToString() == (b"\x08" + varint(value) if value else b"")


@given(st.integers(0, 2**64 - 1))
def test_a_heartbeat_is_its_own_answer(mark: int) -> None:
    frame = ClientFrame(heartbeat=Heartbeat(mark=mark)).SerializeToString()
    assert is_heartbeat(frame)
    assert frame == ServerFrame(heartbeat=Heartbeat(mark=mark)).SerializeToString()


@given(st.binary(max_size=14) | st.binary(max_size=12).map(lambda rest: b"\x1a" + rest))
@example(b"\x1a\x02\x08\x80")
@example(b"\x1a\x03\x08\x01")
@example(b"\x1a\x02\x08\x01\x12\x00")
def test_what_is_taken_for_a_heartbeat_is_one(frame: bytes) -> None:
    if is_heartbeat(frame):
        parsed = ClientFrame.FromString(frame)
        assert parsed.WhichOneof("kind") == "heartbeat"
        assert ServerFrame.FromString(frame) == ServerFrame(heartbeat=parsed.heartbeat)


@given(st.integers(1, 2**63 - 1), st.integers(0, 2**63 - 1))
@example(2**63 - 1, 2**63 - 1)
def test_an_ack_is_read(up_to: int, epoch: int) -> None:
    assert read_ack(ClientFrame(ack=Ack(up_to=up_to, epoch=epoch)).SerializeToString()) == (up_to, epoch)


_ACK_PARTS = st.sampled_from([b"\x08", b"\xf0\x01", b"\x01", b"\x80", b"\xff\x7f", b"\0", b"\xf0", b"\x12"])


@given(
    st.binary(max_size=14)
    | st.lists(_ACK_PARTS | st.binary(max_size=2), max_size=12).map(
        lambda parts: bytes((0x12, len(b"".join(parts)))) + b"".join(parts)
    )
    | st.integers(2**63, 2**64 - 1).map(lambda up_to: ClientFrame(ack=Ack(up_to=up_to)).SerializeToString())
)
@example(b"\x12\x02\x08\x80")
@example(b"\x12\x03\x08\x01")
@example(b"\x12\x02\x08\x01\x1a\x00")
@example(b"\x12\x02\x08\x01\n")
@example(b"\x12\x02\x08\n")
@example(b"\x12\x06\x08\x01\xf0\x01\x80\0")
@example(b"\x12\x04\x08\x01\x08\x02")
def test_what_is_taken_for_an_ack_is_one(frame: bytes) -> None:
    ack = read_ack(frame)
    if ack is not None:
        parsed = ClientFrame.FromString(frame)
        assert parsed.WhichOneof("kind") == "ack"
        assert ack == (parsed.ack.up_to, parsed.ack.epoch)


@given(st.text(), st.integers(1, 2**60), st.text(max_size=2000))
def test_records_join_to_a_frame(event_id: str, seq: int, text: str) -> None:
    link = EventLink(event_id=event_id, room_id="r", seq=seq, sender_id="s")
    payload = Struct()
    payload["text"] = text
    delivery = encode_delivery(link, payload.SerializeToString())
    assert EventDelivery.FromString(delivery) == EventDelivery(event=link, payload=payload)
    frame = ServerFrame.FromString(delivery_record(delivery) * 3)
    assert list(frame.deliveries) == [EventDelivery(event=link, payload=payload)] * 3


@given(st.lists(st.text(max_size=300), max_size=300))
def test_events_are_counted_without_parsing_them(room_ids: list[str]) -> None:
    request = SendEventsRequest(events=[RoomEvent(room_id=room_id) for room_id in room_ids])
    assert count_first_field(request.SerializeToString(), at_most=256) == min(len(room_ids), 256)


FIELDS = st.one_of(
    st.just(RoomEvent(room_id="r", event_id="e" * 200)).map(
        lambda event: SendEventsRequest(events=[event]).SerializeToString()
    ),
    st.integers(0, 2**63).map(lambda value: b"\x10" + varint(value)),
    st.binary(max_size=300).map(lambda value: b"\x1a" + varint(len(value)) + value),
    st.binary(min_size=8, max_size=8).map(lambda value: b"\x21" + value),
    st.binary(min_size=4, max_size=4).map(lambda value: b"\x2d" + value),
    st.just(b"\x33\x0a\x00\x34"),  # a group with a field 1 in it
    st.just(b"\x8a\x00\x00"),  # field 1 again, its tag longer than it need be
    st.just(b"\x08\x01"),  # field 1, but a number: unknown
    st.binary(max_size=6),
)


@given(st.lists(FIELDS, max_size=20).map(b"".join))
def test_counting_agrees_with_protobuf_wherever_that_parses(message: bytes) -> None:
    counted = count_first_field(message, at_most=1_000)
    try:
        parsed = SendEventsRequest.FromString(message)
    except DecodeError:
        return
    assert counted == len(parsed.events)


@pytest.mark.parametrize(
    "fields", [b"\x0a\x00", b"\x10\x00", b"\x33\x34", b"\x0b"], ids=["events", "numbers", "groups", "depths"]
)
def test_a_message_made_to_take_long_counts_as_much_and_takes_no_longer(fields: bytes) -> None:
    assert count_first_field(fields * 500_000, at_most=257) == 257
    assert timeit.timeit(lambda: count_first_field(fields * 500_000, at_most=257), number=10) < 1


@pytest.mark.parametrize("kind", WIRE_ERRORS.values(), ids=lambda kind: kind.name)
def test_every_error_crosses_the_wire_as_itself(kind: type[ChatdError]) -> None:
    error = error_from_pb(error_to_pb(kind("because")))
    assert type(error) is kind
    assert str(error) == "because"


def test_an_error_of_a_newer_gateway_is_still_an_error() -> None:
    error = error_from_pb(Error(code=987, name="FROM_THE_FUTURE"))
    assert type(error) is Internal
    assert "FROM_THE_FUTURE" in str(error)


def test_a_peer_is_told_neither_the_detail_nor_what_is_no_peers_business() -> None:
    told = error_to_pb(StoreFailed("the database refused", detail="at 10.0.0.1"))
    assert (told.code, told.message) == (504, "the database refused")
    told = error_to_pb(StartFailed("the file /secret is in use"))
    assert (told.code, told.message) == (500, "a fault in chatd; its log says more")
