"""Which commands go before others that wait for the writer: urgent sends, but never before what the same profile asked for earlier."""

from chatd.core.priority import URGENT
from chatd.store import commands as c

_OWNERS_KEPT = 10_000


class Turns:
    """Counts the commands that wait their turn."""

    def __init__(self) -> None:
        self._submitted = 0
        self._last: dict[str, int] = {}  # by profile: the number of its newest command that waits its turn, or did

    def is_first(self, command: c.Command, taken: int) -> bool:
        """Whether the command goes before what waits; else it takes its turn. ``taken``: how many that did have been taken up."""
        owner = _owner(command)
        urgent = isinstance(command, c.StoreEvents) and any(event.priority >= URGENT for event in command.events)
        if urgent and self._last.get(owner, 0) <= taken:
            return True
        self._submitted += 1
        if owner:
            if len(self._last) >= _OWNERS_KEPT:
                self._last = {profile_id: number for profile_id, number in self._last.items() if number > taken}
            self._last[owner] = self._submitted
        return False


def _owner(command: c.Command) -> str:
    """The profile that asked for it, of those commands that a client can see the order of."""
    match command:
        case c.StoreEvents(sender_id=profile_id) | c.CreateRoom(creator=profile_id):
            return profile_id
        case c.AddSubscriptions(by=profile_id) | c.RemoveSubscriptions(by=profile_id):
            return profile_id
        case _:
            return ""


def weight_of(command: c.Command) -> int:
    """How much of a transaction it makes up: a long one would keep everybody waiting, the urgent too."""
    return len(command.events) if isinstance(command, c.StoreEvents) else 1
