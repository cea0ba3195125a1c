"""Protobuf by hand where it pays: one event is encoded once and its bytes go everywhere.

A delivery record is the bytes of a ``ServerFrame`` with one ``deliveries`` element. Records may be
concatenated: protobuf reads the result as one frame with several, so a batch for a device is a
``b"".join`` and nothing on the way parses it.
"""

from chatd.pb.events.v1.payloads_pb2 import EventLink

_EVENT = b"\x0a"  # EventDelivery.event: field 1, length-delimited
_PAYLOAD = b"\x1a"  # EventDelivery.payload: field 3, length-delimited
_DELIVERIES = b"\x0a"  # ServerFrame.deliveries: field 1, length-delimited


def varint(value: int) -> bytes:
    """Protobuf's base-128 encoding of a non-negative integer."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_delivery(link: EventLink, payload: bytes) -> bytes:
    """An ``EventDelivery`` of ``link`` and an already encoded ``google.protobuf.Struct``."""
    head = link.SerializeToString()
    return b"".join((_EVENT, varint(len(head)), head, _PAYLOAD, varint(len(payload)), payload))


def delivery_record(delivery: bytes) -> bytes:
    """An encoded ``EventDelivery`` as a record, ready for a frame."""
    return b"".join((_DELIVERIES, varint(len(delivery)), delivery))
