"""The content of a room, as far as the log, the acks and the changes of membership tell, and who is
owed which part of it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

Span = tuple[int, int | None]
"""First and last seq of a membership; None while it lasts."""


@dataclass
class Room:
    """``values``: seq → (event id, body hash). ``attempted``: the values somebody sent and was not
    refused; ``in_doubt``: those sent before a restore and refused after it, which a log before may
    have had; ``trusted``: the seqs that hold one of them. ``changes``: the seqs of changes of
    membership, roles and bans, whose events the daemon makes itself. ``owed`` and ``owed_acked``:
    seqs, ascending. ``lowest``: where the log begins."""

    values: dict[int, tuple[str, str]] = field(default_factory=dict)
    attempted: set[tuple[str, str]] = field(default_factory=set)
    in_doubt: set[tuple[str, str]] = field(default_factory=set)
    changes: set[int] = field(default_factory=set)
    trusted: set[int] = field(default_factory=set)
    acked: set[int] = field(default_factory=set)
    owed: list[int] = field(default_factory=list)
    owed_acked: list[int] = field(default_factory=list)
    from_log: bool = False
    lowest: int = 0


def within(seqs: list[int], first: int, last: int | None) -> list[int]:
    """Those of ascending ``seqs`` from ``first`` to ``last``, or to the end."""
    return seqs[bisect_left(seqs, first) : None if last is None else bisect_right(seqs, last)]


class Ranges:
    """Ranges of seqs, both ends included, merged: to be asked once all have been given."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in sorted(ranges):
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(self._lasts[-1], last)
            elif first <= last:
                self._firsts.append(first)
                self._lasts.append(last)

    def __contains__(self, seq: int) -> bool:
        place = bisect_right(self._firsts, seq) - 1
        return place >= 0 and seq <= self._lasts[place]

    def outside(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The parts of ``first`` to ``last`` that no range covers."""
        place = max(bisect_right(self._firsts, first) - 1, 0)
        while first <= last and place < len(self._firsts):
            if self._firsts[place] > last:
                break
            if first < self._firsts[place]:
                yield first, self._firsts[place] - 1
            first = max(first, self._lasts[place] + 1)
            place += 1
        if first <= last:
            yield first, last
