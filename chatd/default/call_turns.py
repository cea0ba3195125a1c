"""CallTurns: calls that have come, answered in the order of what their profiles have cost.

To check a request may take a thousand times as long as to send it, and everybody waits for the
loop meanwhile. So the loop does something else after TURN_SECONDS of it, and the next call is that
of the profile which has used least.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from chatd.store.fair_queue import FairQueue

TURN_SECONDS = 0.002

Call = TypeVar("Call")


class CallTurns(Generic[Call]):
    """``answer`` answers a call, or has begun to, and raises nothing. ``owner_of`` is the profile
    that makes it; empty: a gateway for itself, whose calls are not charged, and so come next."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        answer: Callable[[Call], None],
        *,
        owner_of: Callable[[Call], str],
    ) -> None:
        self._loop = loop
        self._answer = answer
        self._owner_of = owner_of
        self._queue: FairQueue[Call] = FairQueue(owner_of)
        self._goes_on = False

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, calls: Sequence[Call]) -> None:
        """Answer calls now, or when it is their turn: those that find nothing waiting are answered
        as they came, for one turn."""
        answered = 0 if self._goes_on else self._answer_at_once(calls)
        for call in calls[answered:]:
            self._queue.append(call)
        if self._queue and not self._goes_on:
            self._goes_on = True
            self._loop.call_soon(self._take_turn)

    def _answer_at_once(self, calls: Sequence[Call]) -> int:
        """The number of calls that were answered."""
        used: dict[str, float] = {}
        began = now = time.monotonic()
        answered = 0
        for call in calls:
            if now - began >= TURN_SECONDS:
                break
            before = now
            self._answer(call)
            now = time.monotonic()
            owner = self._owner_of(call)
            used[owner] = used.get(owner, 0.0) + now - before
            answered += 1
        for owner, seconds in used.items():
            if owner:
                self._queue.charge(owner, seconds)
        return answered

    def _take_turn(self) -> None:
        self._goes_on = False
        began = now = time.monotonic()
        while self._queue:
            if now - began >= TURN_SECONDS:
                self._goes_on = True
                self._loop.call_soon(self._take_turn)
                return
            call, before = self._queue.popleft(), now
            self._answer(call)
            now = time.monotonic()
            if owner := self._owner_of(call):
                self._queue.charge(owner, now - before)
