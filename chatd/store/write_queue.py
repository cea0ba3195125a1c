"""The order of commands that wait for the writer: urgent sends first, but never before what the
same profile asked for earlier; then those of the profile that has used least of the writer's time;
acks and Hellos last, since nobody waits for an ack and Hellos come by the thousand when a gateway
was lost."""

from collections import deque
from collections.abc import Mapping, Sequence

from chatd.store.command import Command, Turn
from chatd.store.fair_queue import FairQueue, Queue
from chatd.store.submission import Submission

MAX_BACKGROUND = 256
"""Weight of background commands in one transaction: some 5 ms."""


class WriteQueue:
    """Commands by their owners. Those that no profile asked for are not charged: they are next."""

    def __init__(self) -> None:
        self._normal: FairQueue[Submission] = FairQueue(lambda one: one.command.owner())
        self.queues: Mapping[Turn, Queue[Submission]] = {
            Turn.URGENT: deque(),
            Turn.NORMAL: self._normal,
            Turn.BACKGROUND: deque(),
        }

    def turn_of(self, command: Command[object]) -> Turn:
        """When the command is taken. Call it from the thread that submits."""
        turn = command.turn()
        return Turn.NORMAL if turn is Turn.URGENT and self._normal.waits(command.owner()) else turn

    def charge(self, batch: Sequence[Submission], seconds: float) -> None:
        """The commands have taken so long together: their owners have used it, by their weights."""
        weights: dict[str, int] = {}
        for one in batch:
            owner = one.command.owner()
            weights[owner] = weights.get(owner, 0) + one.command.weight()
        share = seconds / max(1, sum(weights.values()))
        for owner, weight in weights.items():
            if owner:
                self._normal.charge(owner, share * weight)
