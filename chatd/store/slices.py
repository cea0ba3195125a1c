"""A question that takes long is answered in slices, so that others have their turns in between."""

import time

from chatd.store.command import Query

SLICE_SECONDS = 0.01
"""A query that can be interrupted ends its slice when so much time has passed."""


class Unfinished(Exception):
    """Raised by a query at the end of its slice. ``rest`` is asked when it is its owner's turn
    again; its answer is the query's."""

    def __init__(self, rest: Query[object]) -> None:
        super().__init__(type(rest).__name__)
        self.rest = rest


class Slice:
    """The time of one slice, from now."""

    def __init__(self) -> None:
        self._end = time.monotonic() + SLICE_SECONDS

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end
