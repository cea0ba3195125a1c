"""The order of commands that wait for the writer: urgent sends first, but never before what the
same profile asked for earlier; acks and Hellos last, since nobody waits for an ack and Hellos come
by the thousand when a gateway was lost."""

from chatd.store.command import Command, Turn

MAX_BACKGROUND = 256
"""Weight of background commands in one transaction: some 5 ms."""
_OWNERS_KEPT = 10_000


class WriteQueue:
    """Knows which owners have a command waiting."""

    def __init__(self) -> None:
        self._submitted = 0
        self._last: dict[str, int] = {}  # owner → number of its newest NORMAL command

    def turn_of(self, command: Command[object], taken: int) -> Turn:
        """When the command is taken. ``taken``: how many NORMAL commands the writer has taken so
        far."""
        turn, owner = command.turn(), command.owner()
        if turn is Turn.BACKGROUND or (turn is Turn.URGENT and self._last.get(owner, 0) <= taken):
            return turn
        self._submitted += 1
        if owner:
            if len(self._last) >= _OWNERS_KEPT:
                self._last = {
                    profile_id: number for profile_id, number in self._last.items() if number > taken
                }
            self._last[owner] = self._submitted
        return Turn.NORMAL
