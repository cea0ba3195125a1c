"""CommitWindow: lets commands gather for the next transaction while many come, one at a time.

A send alone in its transaction takes three times the CPU of one among many. While sends come
quickly but each alone, as from many small rooms, the first waits up to WINDOW for others, or until
as many have come as their rate promises for that time. More than the largest transaction had lately
are not waited for: a few senders that each wait for their answers are then all there. Nobody waits
whose sends are alone in their transactions, and nothing when something urgent has come, or when no
send has.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sized

from chatd.store.command import Turn

WINDOW = 0.004
"""The longest wait, in seconds. Found by trying: with 1,250 sends/s to many rooms 4 ms take a tenth
off the default node's CPU time and 2 ms nothing that can be measured (make bench
ARGS=many-rooms)."""
ENOUGH = 16
"""Commands that do not wait for more: what a transaction costs is divided by so many already."""
TOGETHER = 1.3
"""Commands in a transaction, on the average, from which on it is likely that more come."""
REMEMBERED = 16
"""Transactions that the averages are about."""

_KEPT = 1 - 1 / REMEMBERED


class CommitWindow:
    """The time before a transaction takes commands from ``queues``. ``now`` is a clock in
    seconds."""

    def __init__(
        self,
        queues: Mapping[Turn, Sized],
        *,
        now: Callable[[], float] = time.monotonic,
        seconds: float = WINDOW,
    ) -> None:
        self._urgent, self._normal = queues[Turn.URGENT], queues[Turn.NORMAL]
        self._now = now
        self._longest = seconds
        self._wanted = 0  # NORMAL commands that end the wait; 0: nobody waits
        self._enough = threading.Event()
        self._is_urgent = False  # an urgent command has come, in whichever queue it is
        self._began_at = now()
        # Decaying: sums over the last transactions with NORMAL commands, and the largest of them.
        self._transactions = self._commands = self._seconds = 0.0
        self._most = 0.0

    def wait(self) -> None:
        """Return when the next transaction may take its commands. Call it on the writer's
        thread."""
        self._enough.clear()
        self._wanted = self.promised() if self._normal else 0
        if self._wanted and not self._has_enough():
            self._enough.wait(self._longest)
        self._wanted = 0
        self._is_urgent = False
        self.begin(len(self._normal))

    def look(self, turn: Turn) -> None:
        """A command with this turn has been queued, if only behind another of its owner's: end the
        wait if it was the last one wanted, or is urgent."""
        if turn is Turn.URGENT:
            self._is_urgent = True
        if self._wanted and self._has_enough():
            self._enough.set()

    def end(self) -> None:
        """Let nobody wait any more."""
        self._longest = 0.0
        self._enough.set()

    def promised(self) -> int:
        """The commands that are worth a wait; 0: it would not pay."""
        if self._commands <= TOGETHER * self._transactions:
            return 0
        rate = self._commands / (self._seconds + (self._now() - self._began_at))
        promised = round(min(rate * self._longest, self._most, ENOUGH))
        return promised if promised > 1 else 0

    def begin(self, commands: int) -> None:
        """A transaction begins with so many NORMAL commands; those with none do not count."""
        if commands:
            now = self._now()
            self._transactions = _KEPT * self._transactions + 1
            self._commands = _KEPT * self._commands + commands
            self._seconds = _KEPT * self._seconds + max(now - self._began_at, 1e-6)
            self._most = max(_KEPT * self._most, commands)
            self._began_at = now

    def _has_enough(self) -> bool:
        return len(self._normal) >= self._wanted or self._is_urgent or len(self._urgent) > 0
