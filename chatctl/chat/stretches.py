"""The stretches of a room's log that others have received, as receipts tell them."""

from bisect import bisect_right


class Stretches:
    """A set of seqs, kept as ranges: neighbours become one."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def add(self, first: int, last: int) -> None:
        """All from ``first`` to ``last`` are in it."""
        apart = [one for one in self._ranges if one[1] < first - 1 or one[0] > last + 1]
        joined = [one for one in self._ranges if one not in apart]
        self._ranges = sorted(
            [*apart, (min([first, *(one[0] for one in joined)]), max([last, *(one[1] for one in joined)]))]
        )

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._ranges, (seq, 1 << 63))
        return at > 0 and self._ranges[at - 1][0] <= seq <= self._ranges[at - 1][1]
