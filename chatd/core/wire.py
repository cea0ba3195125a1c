"""Protobuf by hand where it pays: one event is encoded once and its bytes go everywhere.

A delivery record is the bytes of a ``ServerFrame`` with one ``deliveries`` element. Records may be
concatenated: protobuf reads the result as one frame with several, so a batch for a device is a
``b"".join`` and nothing on the way parses it.
"""

import re

from google.protobuf.message import DecodeError

from chatd.core.compression import decompress
from chatd.errors import WIRE_ERRORS, ChatdError, Internal, Unavailable
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, Skipped, SkipReason
from chatd.pb.gateway.v1.gateway_pb2 import Error, RpcResponse

_HEARTBEAT = re.compile(rb"\x1a(?:\0|.\x08[\x80-\xff]{0,9}[\0-\x7f])", re.DOTALL)
"""ClientFrame.heartbeat, and ServerFrame.heartbeat as well: field 3, with Heartbeat.mark in it."""
_ACK = re.compile(rb"\x12.\x08[\x80-\xff]{0,8}[\0-\x7f](?:\xf0\x01[\x80-\xff]{0,8}[\0-\x7f])?", re.DOTALL)
"""ClientFrame.ack: field 2, with Ack.up_to and perhaps Ack.epoch in it. A varint of ten bytes has
more than 63 bits: that is left to protobuf."""
_UP_TO, _EPOCH_TAG = 3, 2  # where up_to begins, and the bytes before epoch
_EVENT = b"\x0a"  # EventDelivery.event: field 1, length-delimited
_PAYLOAD = b"\x1a"  # EventDelivery.payload: field 3, length-delimited
_COMPRESSED = b"\x20\x01\x42"  # EventDelivery.is_compressed: field 4, true; compressed_payload: field 8
_RETRY_COUNT = b"\x28"  # EventDelivery.retry_count: field 5, varint
_REPLAY = b"\x38\x01"  # EventDelivery.replay: field 7, true
_SIGNALS = b"\x42"  # ServerFrame.signals: field 8, length-delimited
_DELIVERIES = b"\x0a"  # ServerFrame.deliveries: field 1, length-delimited


def varint(value: int) -> bytes:
    """Protobuf's base-128 encoding of a non-negative integer."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The integer at ``at`` and the index behind it. Raises IndexError if it does not end."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def is_heartbeat(frame: bytes) -> bool:
    """True if an encoded ClientFrame is a heartbeat as every encoder writes it. The same bytes are
    the ServerFrame that answers it. (False may be one that is written otherwise.)"""
    return _HEARTBEAT.fullmatch(frame) is not None and frame[1] == len(frame) - 2


def read_ack(frame: bytes) -> tuple[int, int] | None:
    """``up_to`` and ``epoch`` of an encoded ClientFrame that is an ack as every encoder writes it.
    (None may be one that is written otherwise.)"""
    if _ACK.fullmatch(frame) is None or frame[1] != len(frame) - 2:
        return None
    up_to, at = read_varint(frame, _UP_TO)
    return up_to, read_varint(frame, at + _EPOCH_TAG)[0] if at < len(frame) else 0


def encode_delivery(link: EventLink, payload: bytes, *, compressed: bool = False) -> bytes:
    """An ``EventDelivery`` of ``link`` and an encoded ``google.protobuf.Struct``, or its zstd
    frame."""
    head = link.SerializeToString()
    tag = _COMPRESSED if compressed else _PAYLOAD
    return b"".join((_EVENT, varint(len(head)), head, tag, varint(len(payload)), payload))


def plain_delivery(delivery: bytes) -> bytes:
    """The same encoded ``EventDelivery`` with its payload decompressed; the same object if it is
    plain.

    It must begin as ``encode_delivery`` makes it; more fields may follow.
    """
    if not delivery.startswith(_EVENT):
        return delivery
    size, at = read_varint(delivery, 1)
    payload_at = at + size
    if not delivery.startswith(_COMPRESSED, payload_at):
        return delivery
    size, at = read_varint(delivery, payload_at + len(_COMPRESSED))
    payload = decompress(delivery[at : at + size])
    return b"".join((delivery[:payload_at], _PAYLOAD, varint(len(payload)), payload, delivery[at + size :]))


def link_of(delivery: bytes) -> EventLink:
    """The event of an encoded ``EventDelivery``, whatever its payload holds; an empty one if it is
    damaged itself. It must begin as ``encode_delivery`` makes it."""
    if not delivery.startswith(_EVENT):
        return EventLink()
    try:
        size, at = read_varint(delivery, 1)
        return EventLink.FromString(delivery[at : at + size])
    except (IndexError, DecodeError):
        return EventLink()


def plain_records(records: bytes, limit: int) -> bytes | None:
    """Delivery records with all payloads decompressed; the same object if all are plain.

    None if they would be larger than ``limit`` bytes.
    """
    if _COMPRESSED not in records:  # in most messages nothing is; then none is taken apart
        return records
    at, left, plain, changed = 0, limit, [], False
    while at < len(records):
        size, start = read_varint(records, at + 1)
        at = start + size
        delivery = records[start:at]
        other = plain_delivery(delivery)
        changed = changed or other is not delivery
        plain.append(delivery_record(other))
        left -= len(other)
        if left < 0 and changed:
            return None
    return b"".join(plain) if changed else records


def tried_before(delivery: bytes, retry_count: int) -> bytes:
    """An encoded ``EventDelivery`` with the number of times it was given to the device in vain."""
    return delivery + _RETRY_COUNT + varint(retry_count) if retry_count else delivery


def replayed(delivery: bytes) -> bytes:
    """An encoded ``EventDelivery`` marked as the replay of a dead letter."""
    return delivery + _REPLAY


def encode_marker(room_id: str, first_seq: int, last_seq: int, reason: SkipReason) -> bytes:
    """An encoded ``EventDelivery`` in place of events that will not come."""
    marker = EventDelivery(event=EventLink(room_id=room_id, seq=last_seq))
    marker.skipped.CopyFrom(Skipped(first_seq=first_seq, last_seq=last_seq, reason=reason))
    return marker.SerializeToString()


def delivery_record(delivery: bytes) -> bytes:
    """An encoded ``EventDelivery`` as a record, ready for a frame."""
    return b"".join((_DELIVERIES, varint(len(delivery)), delivery))


def signal_record(signal: bytes) -> bytes:
    """An encoded ``Signal`` as a ``ServerFrame``; such frames, too, may be concatenated."""
    return b"".join((_SIGNALS, varint(len(signal)), signal))


def queue_body(head: bytes, records: bytes) -> bytes:
    """A queue message behind its topic: the head's length in four bytes, the head, the delivery
    records."""
    return len(head).to_bytes(4, "big") + head + records


def split_queue_body(body: bytes) -> tuple[bytes, bytes]:
    """Head and records of a queue message's body."""
    end = 4 + int.from_bytes(body[:4], "big")
    return body[4:end], body[end:]


def error_to_pb(error: ChatdError) -> Error:
    """An error as peers get it: without its detail, and one that is no peer's business as
    Internal."""
    if error.code not in WIRE_ERRORS:
        error = Internal("a fault in chatd; its log says more")
    return Error(
        code=error.code,
        name=error.name,
        message=str(error),
        retry=error.retry,
        retry_after_ms=error.retry_after_ms,
    )


def error_from_pb(error: Error) -> ChatdError:
    """A received error as an exception; one of an unknown code as Unavailable if ``retry``, else
    Internal."""
    known = WIRE_ERRORS.get(error.code)
    if known is not None:
        found = known(error.message or error.name)
    else:
        found = (Unavailable if error.retry else Internal)(f"{error.name} ({error.code}): {error.message}")
    found.retry_after_ms = error.retry_after_ms
    return found


def encode_reply(call_id: int, payload: bytes, error: ChatdError | None) -> RpcResponse:
    """The answer to a call: ``error`` if there is one, else ``payload``."""
    if error is not None:
        return RpcResponse(call_id=call_id, error=error_to_pb(error))
    return RpcResponse(call_id=call_id, payload=payload)


def count_first_field(message: bytes, *, at_most: int) -> int:
    """Count the elements of a repeated field 1 (messages, strings, bytes) of an encoded message,
    unparsed.

    Counts to ``at_most`` and through four times as many fields of any kind; a longer message counts
    as ``at_most``, so the time is bounded. A message that does not parse is counted up to its
    error.
    """
    count = depth = at = 0
    end = len(message)
    for _ in range(4 * at_most):
        if at >= end or count >= at_most:
            return count
        tag, at = _read_varint(message, at)
        match tag & 7:
            case 0:
                _, at = _read_varint(message, at)
            case 1:
                at += 8
            case 2:
                size, at = _read_varint(message, at)
                at += size
                count += tag >> 3 == 1 and depth == 0
            case 3:
                depth += 1
            case 4:
                depth -= 1
            case 5:
                at += 4
            case _:
                return count
    return at_most


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    """A varint and the index behind it. One that is cut off, or longer than allowed, ends the
    message."""
    value = shift = 0
    for byte in message[at : at + 10]:
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    return 0, len(message)
