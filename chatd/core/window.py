"""What is in flight to one device: deliveries sent and not yet acknowledged, in messages and bytes."""

from collections import deque
from typing import NamedTuple

from chatd.errors import AckAhead


class _Segment(NamedTuple):
    """A run in flight: deliveries start+1 … end of the stream."""

    start: int
    end: int
    end_bytes: int
    room_id: str
    last_seq: int


class Window:
    """Counts deliveries from 1, maps a cumulative ack back to rooms.

    ``max_messages`` deliveries and ``max_bytes`` bytes may be in flight; one delivery larger than that
    may be sent when nothing else is.
    """

    __slots__ = ("_segments", "acked", "acked_bytes", "max_bytes", "max_messages", "sent", "sent_bytes")

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self.max_messages = max_messages
        self.max_bytes = max_bytes
        self.sent = 0
        self.acked = 0
        self.sent_bytes = 0
        self.acked_bytes = 0
        # Oldest first; never more than max_messages of them.
        self._segments: deque[_Segment] = deque()

    @property
    def free_messages(self) -> int:
        return self.max_messages - (self.sent - self.acked)

    @property
    def free_bytes(self) -> int:
        return self.max_bytes - (self.sent_bytes - self.acked_bytes)

    @property
    def half_free(self) -> bool:
        """True when a pull is worth its round trip."""
        return 2 * self.free_messages >= self.max_messages and 2 * self.free_bytes >= self.max_bytes

    def fits(self, count: int, size: int) -> bool:
        """Whether ``count`` deliveries of together ``size`` bytes may be sent now."""
        in_flight = self.sent - self.acked
        if in_flight == 0 and count == 1:
            return True
        return in_flight + count <= self.max_messages and self.sent_bytes - self.acked_bytes + size <= self.max_bytes

    def add(self, room_id: str, first_seq: int, last_seq: int, size: int) -> None:
        """Note that a run of one room was sent. ``size`` is its bytes."""
        start = self.sent
        self.sent = end = start + last_seq - first_seq + 1
        self.sent_bytes += size
        self._segments.append(_Segment(start, end, self.sent_bytes, room_id, last_seq))

    def ack(self, up_to: int) -> dict[str, int]:
        """Free everything up to the ``up_to``-th delivery: room → last acknowledged seq.

        Raises AckAhead if that many were never sent. An old ack frees nothing.
        """
        if up_to > self.sent:
            raise AckAhead(f"ack up to {up_to}, but {self.sent} were sent")
        if up_to <= self.acked:
            return {}
        moved: dict[str, int] = {}
        segments = self._segments
        while segments and segments[0].end <= up_to:
            done = segments.popleft()
            self.acked_bytes = done.end_bytes
            moved[done.room_id] = done.last_seq
        if segments and segments[0].start < up_to:
            # Partly acknowledged: its bytes are freed with its end.
            partly = segments[0]
            moved[partly.room_id] = partly.last_seq - (partly.end - up_to)
        self.acked = up_to
        return moved

    def rooms(self) -> set[str]:
        """The rooms that have something in flight."""
        return {segment.room_id for segment in self._segments}
