"""Values of events on their way into a room's log. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A validated event that has no place in its room's log yet."""

    event_id: str
    room_id: str
    type: int
    payload: bytes
    """An encoded ``google.protobuf.Struct``, or the zstd frame of one."""
    content_hash: bytes
    """Digest of everything but the id, not compressed: tells a retry from a reused id."""
    compressed: bool = False
    priority: int = 0
    """``core.priority``."""
    mentions: tuple[str, ...] = ()
    """Profiles; an event that mentions any is at least URGENT."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """The answer to a sender about one event."""

    event_id: str
    room_id: str
    seq: int
    sent_at_us: int
    duplicate: bool
