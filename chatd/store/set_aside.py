"""Commands that wait for a row which another session holds, so that all others need not.

They keep their order: a command waits as well when it needs a held row, or when an earlier one of
its owner waits that names one of its rooms. They are tried again with later batches, and refused
after SET_ASIDE_SECONDS.
"""

from collections.abc import Callable, Sequence

from chatd.store.held_rows import HeldRows
from chatd.store.submission import Submission

SET_ASIDE_SECONDS = 7.0
"""A command waits this long at most, a call's until its deadline if that comes first: longer than a
session may stand still (postgres.IDLE_MS), and less than a gateway waits for its answer
(CALL_TIMEOUT_MS)."""
RETRY_SECONDS = 0.05
"""Between two tries; more when a try takes longer than a tenth of it."""
MAX_FREE = 1_000
"""Commands of one transaction: all that waited for a row become free at once."""
ALERT_SECONDS = 5.0
"""So long after a row was last found held, transactions take only locks that are free."""

_Name = tuple[str, str, str]
"""Kind, owner (empty: anybody) and id."""


class SetAside:
    """``now`` is a steady clock, in seconds. Used by the writer's thread alone."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._waiting: dict[int, Submission] = {}  # by identity, in order
        self._since: dict[int, float] = {}
        self._behind: set[_Name] = set()
        self._alert_until = 0.0
        self._trying = False
        self._tried_at = 0.0
        self._pause = RETRY_SECONDS
        self._full = False
        self._held = HeldRows()

    def __len__(self) -> int:
        return len(self._waiting)

    def raise_alert(self) -> None:
        """A row is held for long: from now on, look before waiting."""
        self._alert_until = self._now() + ALERT_SECONDS

    @property
    def alert(self) -> bool:
        """True while rows may be held for long, and as long as commands wait."""
        return bool(self._waiting) or self._now() < self._alert_until

    def idle(self) -> float | None:
        """Seconds after which waiting commands are to be tried even if no other comes; None when
        none waits."""
        return self._pause if self._waiting else None

    def due(self) -> list[Submission]:
        """The commands to try before those of a new batch: all that wait, or none when they were
        tried just now."""
        self._trying = bool(self._waiting) and self._now() - self._tried_at >= self._pause
        if not self._trying:
            return []
        self._tried_at = self._now()
        return list(self._waiting.values())

    def take_expired(self, steady_us: int) -> list[Submission]:
        """Commands that have waited too long, here or by their deadlines, removed."""
        before = self._now() - SET_ASIDE_SECONDS
        expired = [
            one for key, one in self._waiting.items() if self._since[key] <= before or one.is_late(steady_us)
        ]
        self.settle(expired)
        return expired

    def take_all(self) -> list[Submission]:
        """All commands, removed."""
        waiting = list(self._waiting.values())
        self.settle(waiting)
        return waiting

    def divide(
        self, batch: Sequence[Submission], held: HeldRows
    ) -> tuple[list[Submission], list[Submission]]:
        """``batch`` that can be applied now, and those that have to wait. Begins with what was
        ``due``."""
        self._held = held
        if held:
            self.raise_alert()
        before = set[_Name]() if self._trying else self._behind
        behind: set[_Name] = set()
        free: list[Submission] = []
        wait: list[Submission] = []
        for one in batch:
            locks, names = one.command.locks(), _names(one)
            if (
                len(free) >= MAX_FREE
                or held.stop(locks)
                or not (behind.isdisjoint(names) and before.isdisjoint(names))
            ):
                behind.update(self._names_behind(one))
                wait.append(one)
            else:
                free.append(one)
        self._full = len(free) >= MAX_FREE
        return free, wait

    def release(self, batch: Sequence[Submission]) -> None:
        """These no longer wait, but for a moment; they keep their age."""
        if [one for one in batch if self._waiting.pop(id(one), None) is not None]:
            self._behind = {name for one in self._waiting.values() for name in self._names_behind(one)}

    def settle(self, batch: Sequence[Submission]) -> None:
        """These have their results."""
        if self._since:
            self.release(batch)
            for one in batch:
                self._since.pop(id(one), None)

    def add(self, batch: Sequence[Submission]) -> None:
        """Let these wait, behind those that do; one that waits already keeps its place, and each
        its age."""
        now = self._now()
        for one in batch:
            self._waiting.setdefault(id(one), one)
            self._since.setdefault(id(one), now)
            self._behind.update(self._names_behind(one))
        if self._trying:
            self._trying = False
            self._pause = 0.0 if self._full else max(RETRY_SECONDS, 10 * (now - self._tried_at))

    def _names_behind(self, one: Submission) -> list[_Name]:
        """Names with which later commands wait for this one: its owner's in its rooms, everybody's
        for the held rows it needs."""
        command, held = one.command, self._held
        owner, locks = command.owner(), command.locks()
        names: list[_Name] = [("room", owner, room_id) for room_id in locks.rooms] if owner else []
        names += [("room", "", room_id) for room_id in locks.rooms if room_id in held.rooms]
        names += [("profile", "", profile_id) for profile_id in locks.profiles if profile_id in held.profiles]
        return names


def _names(one: Submission) -> list[_Name]:
    """Names with which a command may have to wait for an earlier one."""
    owner, locks = one.command.owner(), one.command.locks()
    names: list[_Name] = [("room", owner, room_id) for room_id in locks.rooms] if owner else []
    if not locks.partial:
        names += [("room", "", room_id) for room_id in locks.rooms]
    return names + [("profile", "", profile_id) for profile_id in locks.profiles]
