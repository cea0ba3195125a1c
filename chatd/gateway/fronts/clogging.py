"""Clogging: a client that does not read as quickly as it is written to. Its deliveries stay in the
outbox, then its calls wait, and at last somebody goes."""

from collections.abc import Callable, Iterator
from typing import Protocol

from chatd.gateway.connection import ClientConnection
from chatd.gateway.fronts.door import Door, FrontLimits
from chatd.gateway.link import Link

CLOGGED_BYTES = 65_536
"""Bytes that may wait for a client behind the kernel's own buffers before it is looked at
closely."""
CLEAR_BYTES = 16_384
MAX_UNSENT = 1_048_576
"""Bytes waiting for one client; then its deliveries stay in the outbox."""
MAX_UNSENT_ANSWERS = 4 * MAX_UNSENT
"""The same with its answers: then its calls wait too. Deliveries alone never come to this: a pull
brings at most as much as MAX_UNSENT."""
HARD_UNSENT_FACTOR = 2
"""When so many times ``max_unsent`` wait, the connection goes that has the most: calls that were
under way on many of them may all have large answers."""


class Buffer(Protocol):
    """Bytes that wait for a client: an asyncio transport, or a queue of frames."""

    def get_write_buffer_size(self) -> int: ...


class ClogLink(Link, Protocol):
    """A link whose front knows what is connected by it."""

    connection: ClientConnection | None

    def look(self, now: float) -> None:
        """To be called about once a second, for things that only time shows."""


class Unsent:
    """Bytes that wait for clients that do not read as quickly as they are written to."""

    def __init__(self) -> None:
        self._by: dict[ClogLink, int] = {}
        self.together = 0

    def note(self, link: ClogLink, size: int) -> None:
        """Take down the bytes that wait for the link's client now."""
        self.together += size - self._by.pop(link, 0)
        if size:
            self._by[link] = size

    def __iter__(self) -> Iterator[ClogLink]:
        return iter(tuple(self._by))

    def by(self, link: ClogLink) -> int:
        """The size that was noted last."""
        return self._by.get(link, 0)

    def most(self) -> ClogLink:
        """The link with the most. Raises ValueError if nothing waits."""
        return max(self._by, key=self.by)


class ClogOwner(Protocol):
    """The front, as far as it matters here."""

    limits: FrontLimits
    door: Door
    unsent: Unsent
    on_room: Callable[[ClientConnection], None]


class Clogging:
    """The state of one link, from the first time that its transport pauses."""

    __slots__ = ("_calls_wait", "_link", "_owner", "is_on")

    def __init__(self, link: ClogLink, owner: ClogOwner) -> None:
        self._link = link
        self._owner = owner
        self._calls_wait = False
        self.is_on = False
        """True while more waits than may without being looked at."""

    def begin(self, buffer: Buffer) -> None:
        """The client does not read as quickly as it is written to."""
        self.is_on = True
        self.measure(buffer)

    def measure(self, buffer: Buffer) -> None:
        """More has been written."""
        link, owner = self._link, self._owner
        if link.has_ended:
            return
        size = buffer.get_write_buffer_size()
        unsent = owner.unsent
        unsent.note(link, size)
        link.refuses_calls = link.refuses_calls or unsent.together > owner.limits.max_unsent
        link.is_full = link.is_full or link.refuses_calls or size > MAX_UNSENT
        if unsent.together > HARD_UNSENT_FACTOR * owner.limits.max_unsent:
            owner.door.broke(unsent.most(), "unread")
        if size > MAX_UNSENT_ANSWERS and not self._calls_wait:
            self._calls_wait = True
            link.hold()

    def end(self) -> None:
        """All that waited has been sent."""
        link = self._link
        self.is_on = False
        self._owner.unsent.note(link, 0)
        if self._calls_wait:
            self._calls_wait = False
            link.go_on()
        if link.is_full:
            link.is_full = link.refuses_calls = False
            if link.connection is not None:
                self._owner.on_room(link.connection)

    def look(self, buffer: Buffer, now: float) -> None:
        """A client whose calls wait until it has read counts as heard while it reads."""
        link, unsent = self._link, self._owner.unsent
        if self._calls_wait and link.connection is not None:
            size = buffer.get_write_buffer_size()
            if size < unsent.by(link):
                link.connection.heard_at = now
            unsent.note(link, size)
