"""Submission: a command on its way through the writer, with what its caller gave it."""

from typing import NamedTuple

from chatd.core.deadline import Deadline
from chatd.store.command import Command
from chatd.store.worker import OnResult


class Submission(NamedTuple):
    """``on_result`` None: only a failure is reported. ``deadline`` None: it may be applied at any
    time."""

    command: Command[object]
    on_result: OnResult | None
    deadline: Deadline | None = None

    def is_late(self, now_us: int) -> bool:
        """True if it must not be applied any more. ``now_us``: of the steady clock."""
        return self.deadline is not None and self.deadline.has_passed(now_us)
