"""The order in which a device's rooms are read: first events that lead up to urgent ones, the
shortest way before longer ones, then rooms with a normal event, then rooms with nothing but bulk.
Inside a room the log's order is the only one."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

MAX_CURSORS = 10_000
"""Cursors in one answer: 1.5 MB. A gateway learns those of further rooms when something comes."""


class Range(NamedTuple):
    """An outbox entry with the room's log."""

    room_id: str
    start_seq: int
    acked_seq: int
    until_seq: int | None
    head_seq: int
    first_seq: int
    urgent_seq: int
    normal_seq: int
    replay_until: int = 0
    """Events up to this one have been given to the device before."""

    def after(self, sent: Mapping[str, int]) -> int:
        return max(self.acked_seq, sent.get(self.room_id, 0))

    @property
    def end(self) -> int:
        return self.head_seq if self.until_seq is None else min(self.until_seq, self.head_seq)


class Step(NamedTuple):
    """A range is to be read up to ``end``; the part that an earlier step read is not read again."""

    range: Range
    end: int


def in_order(ranges: Sequence[Range], sent: Mapping[str, int], *, urgent_within: int | None) -> list[Step]:
    """The steps for ``ranges``, which come by room and start. ``urgent_within``: only ways up to
    urgent events, of so many events at most."""
    ways = _ways(ranges, sent)
    urgent = sorted(
        (range_ for range_ in ranges if range_.room_id in ways), key=lambda range_: ways[range_.room_id]
    )
    steps = [Step(range_, min(range_.end, range_.urgent_seq)) for range_ in urgent]
    if urgent_within is not None:
        return [step for step in steps if ways[step.range.room_id] <= urgent_within]

    def is_bulk(range_: Range) -> bool:
        # A room's later range is never normal when an earlier one is not: they stay in order.
        return range_.normal_seq <= max(
            range_.after(sent), range_.urgent_seq if range_.room_id in ways else 0
        )

    return steps + [Step(range_, range_.end) for range_ in sorted(ranges, key=is_bulk)]


def _ways(ranges: Sequence[Range], sent: Mapping[str, int]) -> dict[str, int]:
    """Room → how many events are owed up to its newest urgent one; rooms that owe none are left
    out."""
    ways: dict[str, int] = {}
    owed: dict[str, int] = {}
    for range_ in ranges:
        after = range_.after(sent)
        before = owed.get(range_.room_id, 0)
        if after < range_.urgent_seq <= range_.end and range_.urgent_seq >= range_.first_seq:
            ways[range_.room_id] = before + range_.urgent_seq - max(after, range_.first_seq - 1)
        owed[range_.room_id] = before + max(0, range_.end - after)
    return ways


def cursors_of(stands: Mapping[Range, int]) -> dict[str, int]:
    """Room → seq, of rooms of which nothing more is owed. ``stands``: how far each range is
    read."""
    unfinished = {range_.room_id for range_, after in stands.items() if after < range_.end}
    cursors: dict[str, int] = {}
    for range_, after in stands.items():
        if range_.room_id not in unfinished:
            cursors[range_.room_id] = max(after, cursors.get(range_.room_id, 0))
    return dict(islice(cursors.items(), MAX_CURSORS))
