"""FairQueue: what waits, taken from the owner that has used least.

Owners are charged with what their items have cost, so one that asks dear questions gets as much of
the time as others do, and not as many questions. A turn itself costs a little, so owners whose
items cost nothing follow each other. This is fair queueing by virtual time: ``_now`` is the use of
the owner whose turn it was last, and an owner that comes (again) begins there. Its share is not
saved up while it asks nothing; what it has used beyond others it still has to wait for.
"""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush, heapreplace
from itertools import count
from threading import Lock
from typing import Generic, Protocol, TypeVar

TURN = 1e-6
"""The cost of a turn, in seconds, whatever its item costs."""
OWNERS_KEPT = 1_000
"""Owners that are remembered before those that are to be forgotten are looked for."""

Item = TypeVar("Item")


class Queue(Protocol[Item]):
    """A queue that several threads use (``collections.deque``)."""

    def append(self, item: Item, /) -> None: ...

    def popleft(self) -> Item:
        """Raises IndexError if it is empty."""

    def __len__(self) -> int: ...


class FairQueue(Generic[Item]):
    """First in, first out for each owner. The next item is that of the owner that has been charged
    least, of two of those the one that came first."""

    def __init__(self, owner_of: Callable[[Item], str]) -> None:
        self._owner_of = owner_of
        self._lock = Lock()
        self._waiting: dict[str, deque[Item]] = {}  # by owner; the next one first
        self._turns: list[tuple[float, int, str]] = []  # a heap: use, number and owner, of all that wait
        self._numbers = count()
        self._used: dict[str, float] = {}
        self._now = 0.0
        self._look_at = OWNERS_KEPT
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, item: Item, /) -> None:
        """Queue an item."""
        owner = self._owner_of(item)
        with self._lock:
            mine = self._waiting.get(owner)
            if mine is None:
                mine = self._waiting[owner] = deque()
                used = self._used[owner] = max(self._used.get(owner, 0.0), self._now)
                heappush(self._turns, (used, next(self._numbers), owner))
            mine.append(item)
            self._size += 1

    def popleft(self) -> Item:
        """The oldest item of the owner whose turn it is. Raises IndexError if nothing waits."""
        with self._lock:
            if not self._turns:
                raise IndexError("nothing waits")
            used, number, owner = self._turns[0]
            while used < self._used[owner]:  # it was charged while it waited
                heapreplace(self._turns, (self._used[owner], number, owner))
                used, number, owner = self._turns[0]
            self._now = used
            self._used[owner] = used + TURN
            mine = self._waiting[owner]
            item = mine.popleft()
            self._size -= 1
            if mine:
                heapreplace(self._turns, (used + TURN, next(self._numbers), owner))
            else:
                heappop(self._turns)
                del self._waiting[owner]
            return item

    def waits(self, owner: str) -> bool:
        """True if an item of the owner's is in the queue."""
        return owner in self._waiting

    def charge(self, owner: str, seconds: float) -> None:
        """The owner's items have cost so much."""
        with self._lock:
            self._used[owner] = max(self._used.get(owner, 0.0), self._now) + seconds
            if len(self._used) > self._look_at:
                self._used = {
                    one: used for one, used in self._used.items() if used > self._now or one in self._waiting
                }
                self._look_at = OWNERS_KEPT + 2 * len(self._used)
