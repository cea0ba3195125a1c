"""Deliveries in flight to one device, sent and not yet acknowledged: their number, bytes and
rooms."""

from collections import deque
from enum import Enum, auto
from typing import NamedTuple

from chatd.errors import AckAhead

URGENT_SHARE = 8
"""A window of 8 deliveries or more is larger by an eighth for urgent events, in deliveries and in
bytes."""


class RunKind(Enum):
    """The meaning of a run's ack."""

    NEW = auto()
    """Next in the room's log: the ack moves the room's cursor."""
    AGAIN = auto()
    """The oldest delivery in flight, sent once more."""
    MARKER = auto()
    """The marker of an event that is given up, sent in its place: as AGAIN."""
    REPLAY = auto()
    """A dead letter, behind the cursor or not: the ack ends the replay."""
    REMOVED = auto()
    """A marker of removed events, one delivery for many seqs: as NEW, but none of them was
    delivered."""


_NEW, _REMOVED = RunKind.NEW, RunKind.REMOVED  # an enum looks its members up at each use
_new_tuple = tuple.__new__
_NONE: frozenset[tuple[str, int]] = frozenset()


class Segment(NamedTuple):
    """A run in flight: deliveries ``start`` + 1 to ``end``. A REMOVED one is one delivery for many
    seqs."""

    start: int
    end: int
    end_bytes: int
    """Bytes sent on the stream, with this run."""
    room_id: str
    first_seq: int
    last_seq: int
    kind: RunKind

    def seq_at(self, delivery: int) -> int:
        return self.last_seq - (self.end - delivery)


class Window:
    """Counts deliveries from 1, and maps a cumulative ack back to rooms.

    ``messages`` deliveries and ``size`` bytes may be in flight; with urgent ones ``max_messages``
    and ``max_bytes``. A single delivery larger than that may be sent when nothing else is in
    flight.
    """

    __slots__ = (
        "_given_up",
        "_normal_bytes",
        "_normal_messages",
        "_segments",
        "acked",
        "acked_bytes",
        "handled",
        "max_bytes",
        "max_messages",
        "removed",
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
        """Deliveries that are not waited for: the device has acknowledged them, or they are given
        up."""
        self.handled = 0
        """Deliveries that the device has acknowledged."""
        self.sent_bytes = 0
        self.acked_bytes = 0
        # Nearly always empty, as these three are: a look at them is then a look at nothing else.
        self.replayed: tuple[tuple[str, int], ...] = ()
        """Room and seq of replays that were acknowledged, until ``take_replayed``."""
        self.removed: tuple[tuple[str, int, int], ...] = ()
        """Room, first and last seq of REMOVED runs that were acknowledged, until
        ``take_removed``."""
        self._given_up = _NONE  # room and seq; copies of it may be in flight
        # Oldest first; never more than max_messages of them, and a few sent again.
        self._segments: deque[Segment] = deque()

    @property
    def free_messages(self) -> int:
        """Urgent deliveries that may be sent."""
        return max(0, self.max_messages - (self.sent - self.acked))

    @property
    def free_bytes(self) -> int:
        return max(0, self.max_bytes - (self.sent_bytes - self.acked_bytes))

    @property
    def free_normal_messages(self) -> int:
        """Deliveries that may be sent and are not urgent."""
        return max(0, self._normal_messages - (self.sent - self.acked))

    @property
    def free_normal_bytes(self) -> int:
        return max(0, self._normal_bytes - (self.sent_bytes - self.acked_bytes))

    @property
    def half_free(self) -> bool:
        """True when a pull is worth its round trip."""
        messages, size = 2 * self.free_normal_messages, 2 * self.free_normal_bytes
        return messages >= self._normal_messages and size >= self._normal_bytes

    @property
    def empty(self) -> bool:
        """True if nothing is in flight."""
        return self.sent == self.acked

    @property
    def oldest(self) -> tuple[str, int] | None:
        """Room and seq of the oldest delivery in flight; None if nothing is."""
        return self.at(self.acked + 1)

    def fits(self, count: int, size: int, *, urgent: bool = False) -> bool:
        """True if ``count`` deliveries of ``size`` bytes together may be sent now."""
        in_flight = self.sent - self.acked
        if in_flight == 0 and count == 1:
            return True
        messages, limit = self._normal_messages, self._normal_bytes
        if urgent:
            messages, limit = self.max_messages, self.max_bytes
        return in_flight + count <= messages and self.sent_bytes - self.acked_bytes + size <= limit

    def add(
        self,
        room_id: str,
        first_seq: int,
        last_seq: int,
        size: int,
        kind: RunKind = RunKind.NEW,
    ) -> None:
        """Note that a run of ``size`` bytes was sent."""
        start = self.sent
        self.sent = end = start + (1 if kind is _REMOVED else last_seq - first_seq + 1)
        self.sent_bytes += size
        # Twice as quick as the class called, for every delivery.
        self._segments.append(
            _new_tuple(Segment, (start, end, self.sent_bytes, room_id, first_seq, last_seq, kind))
        )

    def ack(self, up_to: int) -> dict[str, int]:
        """Free everything up to the ``up_to``-th delivery: room → last acknowledged seq.

        An old ack frees nothing. Raises AckAhead if that many were never sent.
        """
        if up_to > self.sent:
            raise AckAhead(f"ack up to {up_to}, but {self.sent} were sent")
        if up_to > self.handled:
            self.handled = up_to
        if up_to <= self.acked:
            return {}
        moved: dict[str, int] = {}
        segments = self._segments
        while segments:
            start, end, end_bytes, room_id, first_seq, last_seq, kind = segments[0]
            if end > up_to:
                if start < up_to:
                    # A run that is acknowledged in part frees its bytes with its last delivery.
                    moved[room_id] = segments[0].seq_at(up_to)
                break
            segments.popleft()
            self.acked_bytes = end_bytes
            if kind is _NEW:
                moved[room_id] = last_seq
            elif kind in (RunKind.AGAIN, RunKind.MARKER):
                # Later events of the room may have been acknowledged before the copy.
                moved[room_id] = max(last_seq, moved.get(room_id, 0))
            elif kind is RunKind.REPLAY:
                self.replayed += ((room_id, last_seq),)
            else:
                moved[room_id] = last_seq
                self.removed += ((room_id, first_seq, last_seq),)
        self.acked = up_to
        if self._given_up and up_to == self.sent:
            self._given_up = _NONE
        return moved

    def give_up(self, room_id: str, seq: int) -> None:
        """Wait no longer for a delivery and its copies: each is dropped when it is the oldest."""
        self._given_up |= {(room_id, seq)}
        self.drop_given_up()

    def take_up(self, room_id: str, seq: int) -> None:
        """Send anew what was given up."""
        self._given_up -= {(room_id, seq)}

    def drop_given_up(self) -> None:
        """Drop what is given up from the front, up to the first delivery that is waited for. A
        marker is."""
        segments = self._segments
        while segments and segments[0].kind is not RunKind.MARKER and self.oldest in self._given_up:
            self.acked += 1
            if segments[0].end == self.acked:
                self.acked_bytes = segments.popleft().end_bytes

    def marks(self, room_id: str, seq: int) -> bool:
        """True if the marker of an event is in flight."""
        return any(
            one.kind is RunKind.MARKER and (one.room_id, one.last_seq) == (room_id, seq)
            for one in self._segments
        )

    @property
    def oldest_kind(self) -> RunKind | None:
        """The kind of the oldest delivery in flight."""
        return self._segments[0].kind if self._segments else None

    def has_room_for_copy(self, size: int) -> bool:
        """True if the device itself, by what it has acknowledged, expects one more delivery of
        ``size`` bytes."""
        return self.sent - self.handled < self._normal_messages and self.fits(1, size)

    def take_replayed(self) -> tuple[tuple[str, int], ...]:
        replayed, self.replayed = self.replayed, ()
        return replayed

    def take_removed(self) -> tuple[tuple[str, int, int], ...]:
        removed, self.removed = self.removed, ()
        return removed

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
        """Room and seq of the replays in flight that are waited for."""
        return {
            (one.room_id, one.last_seq) for one in self._segments if one.kind is RunKind.REPLAY
        } - self._given_up
