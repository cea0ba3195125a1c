"""Which commands go before others that wait for the writer: urgent sends, but never before what the same profile asked for earlier. And which go
behind: acks and Hellos, in their order; nobody waits for acks, and Hellos come by the thousand when a gateway was lost."""

from chatd.core.priority import URGENT
from chatd.store import commands as c
from chatd.store.worker import Turn

MAX_BACKGROUND = 256
"""With so many acks and Hellos a transaction takes no more of them: some 5 ms."""
_BACKGROUND = (c.AckCursors, c.OpenStreams, c.RegisterConnections, c.TouchConnections, c.ForgetConnections)
_OWNERS_KEPT = 10_000


class WriteQueue:
    """Counts the commands that wait their turn."""

    def __init__(self) -> None:
        self._submitted = 0
        self._last: dict[str, int] = {}  # by profile: the number of its newest command that waits its turn, or did

    def turn_of(self, command: c.Command, taken: int) -> Turn:
        """When the command is taken. ``taken``: how many of those that waited their turn have been taken up."""
        if isinstance(command, _BACKGROUND):
            return Turn.BACKGROUND
        owner = _owner(command)
        urgent = isinstance(command, c.StoreEvents) and any(event.priority >= URGENT for event in command.events)
        if urgent and self._last.get(owner, 0) <= taken:
            return Turn.URGENT
        self._submitted += 1
        if owner:
            if len(self._last) >= _OWNERS_KEPT:
                self._last = {profile_id: number for profile_id, number in self._last.items() if number > taken}
            self._last[owner] = self._submitted
        return Turn.NORMAL


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
    match command:
        case c.StoreEvents(events=parts):
            return len(parts)
        case c.AckCursors(acks=parts):
            return len(parts)
        case c.OpenStreams(devices=parts):
            return len(parts)
        case _:
            return 1
