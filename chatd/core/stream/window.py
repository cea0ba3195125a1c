"""What is in flight to one device: deliveries sent and not yet acknowledged, in messages and bytes."""

from collections import deque
from enum import Enum, auto
from typing import NamedTuple

from chatd.errors import AckAhead

URGENT_SHARE = 8
"""One part in so many of a window, in deliveries and in bytes, may be in flight besides when it is urgent; besides smaller windows nothing."""


class RunKind(Enum):
    """What a run in flight means for the room's cursor."""

    NEW = auto()
    """Next in the room's log: its ack moves the cursor."""
    AGAIN = auto()
    """The oldest delivery in flight, sent once more."""
    REPLAY = auto()
    """A dead letter: behind the cursor, or not; its ack ends the replay."""


class Segment(NamedTuple):
    """A run in flight: deliveries start+1 … end of the stream. A marker is one delivery for many seqs."""

    start: int
    end: int
    end_bytes: int
    room_id: str
    last_seq: int
    kind: RunKind

    def seq_at(self, delivery: int) -> int:
        return self.last_seq - (self.end - delivery)


class Window:
    """Counts deliveries from 1, maps a cumulative ack back to rooms.

    ``messages`` deliveries and ``size`` bytes may be in flight, and a part more if that is urgent (``URGENT_SHARE``: ``max_messages`` and
    ``max_bytes`` are with it); one delivery larger than that may be sent when nothing else is.
    """

    __slots__ = (
        "_normal_bytes",
        "_normal_messages",
        "_segments",
        "acked",
        "acked_bytes",
        "max_bytes",
        "max_messages",
        "replayed",
        "sent",
        "sent_bytes",
    )

    def __init__(self, messages: int, size: int) -> None:
        self._normal_messages = messages
        self._normal_bytes = size
        more = messages >= URGENT_SHARE
        self.max_messages = messages + more * (messages // URGENT_SHARE)
        self.max_bytes = size + more * (size // URGENT_SHARE)
        self.sent = 0
        self.acked = 0
        self.sent_bytes = 0
        self.acked_bytes = 0
        self.replayed: list[tuple[str, int]] = []
        """Replays that were acknowledged, until somebody takes them away."""
        # Oldest first; never more than max_messages of them, and a few sent again.
        self._segments: deque[Segment] = deque()

    @property
    def free_messages(self) -> int:
        return max(0, self.max_messages - (self.sent - self.acked))

    @property
    def free_bytes(self) -> int:
        return max(0, self.max_bytes - (self.sent_bytes - self.acked_bytes))

    @property
    def free_normal_messages(self) -> int:
        """How many deliveries that are not urgent may be sent."""
        return max(0, self._normal_messages - (self.sent - self.acked))

    @property
    def free_normal_bytes(self) -> int:
        return max(0, self._normal_bytes - (self.sent_bytes - self.acked_bytes))

    @property
    def half_free(self) -> bool:
        """True when a pull is worth its round trip."""
        return 2 * self.free_normal_messages >= self._normal_messages and 2 * self.free_normal_bytes >= self._normal_bytes

    @property
    def empty(self) -> bool:
        """Whether nothing is in flight."""
        return self.sent == self.acked

    def fits(self, count: int, size: int, *, urgent: bool = False) -> bool:
        """Whether ``count`` deliveries of together ``size`` bytes may be sent now."""
        in_flight = self.sent - self.acked
        if in_flight == 0 and count == 1:
            return True
        messages, limit = (self.max_messages, self.max_bytes) if urgent else (self._normal_messages, self._normal_bytes)
        return in_flight + count <= messages and self.sent_bytes - self.acked_bytes + size <= limit

    def add(self, room_id: str, first_seq: int, last_seq: int, size: int, *, marker: bool = False, kind: RunKind = RunKind.NEW) -> None:
        """Note that a run of one room was sent. ``size`` is its bytes. A ``marker`` is one delivery, whatever its range."""
        start = self.sent
        self.sent = end = start + (1 if marker else last_seq - first_seq + 1)
        self.sent_bytes += size
        self._segments.append(Segment(start, end, self.sent_bytes, room_id, last_seq, kind))

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
            if done.kind is RunKind.NEW:
                moved[done.room_id] = done.last_seq
            elif done.kind is RunKind.AGAIN:
                moved.setdefault(done.room_id, done.last_seq)  # later events of the room may have been acknowledged before it
            else:
                self.replayed.append((done.room_id, done.last_seq))
        if segments and segments[0].start < up_to:
            # Partly acknowledged: its bytes are freed with its end.
            moved[segments[0].room_id] = segments[0].seq_at(up_to)
        self.acked = up_to
        return moved

    def at(self, delivery: int) -> tuple[str, int] | None:
        """Room and seq of the ``delivery``-th of the stream; None unless it is in flight."""
        if not self.acked < delivery <= self.sent:
            return None
        segment = next(segment for segment in self._segments if segment.end >= delivery)
        return segment.room_id, segment.seq_at(delivery)

    def rooms(self) -> set[str]:
        """The rooms that have something in flight."""
        return {segment.room_id for segment in self._segments if segment.kind is not RunKind.REPLAY}

    def replays(self) -> set[tuple[str, int]]:
        """The replays in flight."""
        return {(segment.room_id, segment.last_seq) for segment in self._segments if segment.kind is RunKind.REPLAY}
