"""Events on their way out: made of a text, large payloads compressed."""

import secrets
import time
from collections.abc import Iterable

from google.protobuf.struct_pb2 import Struct

from chatd.core.compression import Compressor
from chatd.pb.chat.v1.chat_pb2 import RoomEvent
from chatd.pb.events.v1.payloads_pb2 import EventType

COMPRESS_MIN_BYTES = 1024
"""Bytes of a payload from which on it is compressed."""
COMPRESS_LEVEL = 3
"""The level of zstd."""


def message(
    room_id: str,
    text: str,
    *,
    event_id: str | None = None,
    priority: int = 0,
    mentions: Iterable[str] = (),
    mention_all: bool = False,
) -> RoomEvent:
    """A MESSAGE, with an id of its own if none is given.

    ``priority``: -1 bulk, 0 normal, 1 to 3 urgent; an event with ``mentions`` (profiles, 100 at
    most) has at least 1, and so has one that means all members (``mention_all``).
    """
    payload = Struct()
    payload["text"] = text
    return RoomEvent(
        event_id=event_id or new_event_id(),
        room_id=room_id,
        type=EventType.EVENT_TYPE_MESSAGE,
        payload=payload,
        priority=priority,
        mentions=mentions,
        mention_all=mention_all,
    )


def new_event_id() -> str:
    """The time and 80 random bits. A sender's ids are neighbours then in the node's index, and an
    event writes fewer pages."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


class Packer:
    """Compresses events' payloads, unless it is told not to (``compress``)."""

    def __init__(self, *, compress: bool) -> None:
        self._compressor = Compressor(min_bytes=COMPRESS_MIN_BYTES if compress else 0, level=COMPRESS_LEVEL)

    def pack(self, event: RoomEvent) -> RoomEvent:
        """The event with its payload compressed; the same object if that does not pay."""
        if event.payload.ByteSize() < COMPRESS_MIN_BYTES:
            return event
        frame = self._compressor.compress(event.payload.SerializeToString(deterministic=True))
        if frame is None:
            return event
        packed = RoomEvent()
        packed.CopyFrom(event)
        packed.ClearField("payload")
        packed.compressed_payload = frame
        return packed
