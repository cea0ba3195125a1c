"""The fuzz target of a client's frames and of the pieces of protobuf that chatd reads by hand
(core/wire.py). An input is a frame."""

from google.protobuf.message import DecodeError

from chatd.core.string_fields import refuse_nul
from chatd.core.wire import (
    count_first_field,
    encode_delivery,
    is_heartbeat,
    link_of,
    plain_delivery,
    read_ack,
)
from chatd.errors import ChatdError
from chatd.pb.chat.v1.chat_pb2 import SendEventsRequest
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, RpcRequest
from tests.fuzz.messages import filled, strings

MOST = 16


def check(data: bytes) -> None:
    check_frame(data)
    check_count(data)
    check_delivery(data)


def check_frame(data: bytes) -> None:
    ack, heartbeat = read_ack(data), is_heartbeat(data)
    try:
        frame = ClientFrame.FromString(data)
    except DecodeError:
        assert ack is None
        assert not heartbeat
        return
    assert ack in (None, (frame.ack.up_to, frame.ack.epoch))
    assert frame.HasField("ack") or ack is None
    assert frame.HasField("heartbeat") or not heartbeat
    holds_nul = any("\0" in value for _, value in strings(frame))
    assert not holds_nul or b"\0" in data, "the gateway looks only into frames with such a byte"
    try:
        refuse_nul(frame)
    except ChatdError:
        assert holds_nul
        return
    assert not holds_nul
    check_count(frame.call.payload)


def check_count(data: bytes) -> None:
    """It never counts fewer elements than there are, nor more than asked for."""
    counted = count_first_field(data, at_most=MOST)
    assert 0 <= counted <= MOST
    try:
        request = SendEventsRequest.FromString(data)
    except DecodeError:
        return
    assert counted >= min(MOST, len(request.events))


def check_delivery(data: bytes) -> None:
    """The event's own part is read or is empty, whatever bytes a database holds."""
    link_of(data)
    link_of(b"\x0a" + data)
    delivery = encode_delivery(EventLink(room_id="r", seq=1), data[:100])
    assert link_of(delivery) == EventLink(room_id="r", seq=1)
    assert plain_delivery(delivery) is delivery
    try:
        EventDelivery.FromString(delivery)
    except DecodeError:
        return


_KINDS = [field.name for field in ClientFrame.DESCRIPTOR.oneofs_by_name["kind"].fields]


def _frame(kind: str) -> bytes:
    frame = ClientFrame()
    inner = getattr(frame, kind)
    inner.SetInParent()
    filled(inner)
    return frame.SerializeToString()


SEEDS = {
    **{kind: _frame(kind) for kind in _KINDS},
    "nul": ClientFrame(call=RpcRequest(token="a\0b")).SerializeToString(),
    "events": b"\x0a\x00" * 20,
    "groups": b"\x0b\x0a\x00\x0c" * 4,
    "long-varint": b"\x0a" + b"\xff" * 12,
    "unknown": b"\xfa\x01\x00\xf8\x01\x07\xfd\x01abcd\xf9\x01abcdefgh",
}
