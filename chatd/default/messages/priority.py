"""The priority that a sender gives an event, and the profiles it mentions. A mentioned profile that
is no member never sees it."""

from chatd.core.ids import check_id
from chatd.core.priority import BULK, HIGHEST, URGENT
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1.chat_pb2 import RoomEvent

MAX_MENTIONS = 100


def validate_priority(event: RoomEvent) -> tuple[int, tuple[str, ...]]:
    """Priority and mentions, each profile once; an event that mentions somebody, or all, is at
    least URGENT. Raises InvalidArgument, InvalidId."""
    priority = event.priority
    if not BULK <= priority <= HIGHEST:
        raise InvalidArgument(f"priority {priority}; it goes from {BULK} to {HIGHEST}")
    if not event.mentions and not event.mention_all:
        return priority, ()
    if len(event.mentions) > MAX_MENTIONS:
        raise InvalidArgument(f"{len(event.mentions)} mentions; an event has at most {MAX_MENTIONS}")
    return max(priority, URGENT), tuple(
        dict.fromkeys(check_id("mentions", profile_id) for profile_id in event.mentions)
    )
