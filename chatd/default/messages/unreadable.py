"""Stored deliveries that do not parse: damaged ones, or another build's. They are passed over, each
for itself, and named in the log."""

import threading
from collections.abc import Sequence

import structlog
from google.protobuf.message import DecodeError

from chatd.core.wire import encode_marker, plain_delivery
from chatd.errors import ChatdError
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, SkipReason
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame

log = structlog.get_logger()

NAMED = 1_000
"""Deliveries whose names are remembered, so that each is one line in the log."""


def all_parse(records: Sequence[bytes]) -> bool:
    """True if the delivery records can be read as a frame; quicker than one by one."""
    try:
        ServerFrame.FromString(b"".join(records))
    except DecodeError:
        return False
    return True


class Unreadable:
    """Judges stored deliveries. Threads may share it."""

    def __init__(self) -> None:
        self._named: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    def plain(self, delivery: bytes) -> bytes | None:
        """The delivery decompressed; None if that cannot be."""
        try:
            return plain_delivery(delivery)
        except (ChatdError, IndexError):
            return None

    def parses(self, delivery: bytes) -> bool:
        try:
            EventDelivery.FromString(delivery)
        except DecodeError:
            return False
        return True

    def marker(self, room_id: str, seq: int) -> bytes:
        """The encoded delivery in its place."""
        self._name(room_id, seq)
        return encode_marker(room_id, seq, seq, SkipReason.SKIP_REASON_UNREADABLE)

    def _name(self, room_id: str, seq: int) -> None:
        with self._lock:
            if (room_id, seq) in self._named:
                return
            if len(self._named) >= NAMED:
                self._named.clear()
            self._named.add((room_id, seq))
        log.error("A stored event cannot be read; a marker takes its place", room=room_id, seq=seq)
