"""FairQueue: what waits, taken from one owner after the other."""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")


class Queue(Protocol[Item]):
    """A queue that several threads use (``collections.deque``)."""

    def append(self, item: Item, /) -> None: ...

    def popleft(self) -> Item:
        """Raises IndexError if it is empty."""

    def __len__(self) -> int: ...


class FairQueue(Generic[Item]):
    """First in, first out for each owner. Each owner that has something waiting is next when all
    others had their turn: one that asks a thousand questions waits for them himself."""

    def __init__(self, owner_of: Callable[[Item], str]) -> None:
        self._owner_of = owner_of
        self._lock = Lock()
        self._waiting: dict[str, deque[Item]] = {}  # by owner; the next one first
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, item: Item, /) -> None:
        """Queue an item."""
        owner = self._owner_of(item)
        with self._lock:
            self._waiting.setdefault(owner, deque()).append(item)
            self._size += 1

    def popleft(self) -> Item:
        """The next owner's oldest item. Raises IndexError if nothing waits."""
        with self._lock:
            owner = next(iter(self._waiting), None)
            if owner is None:
                raise IndexError("nothing waits")
            mine = self._waiting.pop(owner)
            item = mine.popleft()
            self._size -= 1
            if mine:
                self._waiting[owner] = mine  # behind the others
            return item
