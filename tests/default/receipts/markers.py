"""Events of room r and markers, as tests make them."""

from chatd.default.receipts.store import SetReadMarker
from tests.store.driver import Store, event, send


def say(store: Store, count: int, start: int = 0) -> None:
    """Send ``count`` events of alice's to room r; ``start`` numbers the first one's id."""
    store.do(send("alice", *(event("r", f"e{number}") for number in range(start, start + count))))


def mark(store: Store, profile: str, seq: int, room: str = "r") -> tuple[int, bool, int]:
    """Move a marker: where it is now, whether it has moved, how many events are unread."""
    marker = store.do(SetReadMarker(profile, room, seq, "d"))
    assert (marker.profile_id, marker.room_id) == (profile, room)
    return marker.seq, marker.moved, marker.unread
