"""Values of events on their way into a room's log. Times are microseconds since the Unix epoch.

They are tuples: one or two are made for each event, and a frozen dataclass takes four times as
long.
"""

from typing import NamedTuple

from chatd.core.priority import URGENT


class NewEvent(NamedTuple):
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
    mention_all: bool = False
    """All members; then it is at least URGENT, too."""

    @property
    def is_urgent(self) -> bool:
        """True if it is so without mentioning anybody."""
        return self.priority > URGENT or (
            self.priority == URGENT and not self.mentions and not self.mention_all
        )


class StoredEvent(NamedTuple):
    """The answer to a sender about one event."""

    event_id: str
    room_id: str
    seq: int
    sent_at_us: int
    duplicate: bool
