"""Work on very many streams, a part at a time: the loop serves others in between."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

SPREAD_SECONDS = 1.0
AT_ONCE = 100
"""Items that are handled at once; many more are spread over SPREAD_SECONDS, a part each
STEP_SECONDS."""
STEP_SECONDS = 0.02

T = TypeVar("T")
Later = Callable[[float, Callable[[], None]], object]
"""Calls something in so many seconds."""


def in_steps(later: Later, items: Sequence[T], action: Callable[[Sequence[T]], None]) -> None:
    """Call ``action`` with all the items, now and later."""
    size = max(AT_ONCE, round(len(items) * STEP_SECONDS / SPREAD_SECONDS))
    action(items[:size])
    for number, start in enumerate(range(size, len(items), size), 1):
        later(number * STEP_SECONDS, partial(action, items[start : start + size]))
