"""The connections that a bound ROUTER has accepted: where each comes from, by which routing id it
is heard, and how to hang up on it.

libzmq tells of connections only by their descriptors (the socket's monitor, and SRCFD of a
message), and a ROUTER cannot disconnect a peer: so the connection is shut down below it, and libzmq
takes it for one that the peer has ended.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from typing import Generic, TypeVar

import zmq

from chatd.core.rate_limit import address_key
from chatd.transport.pump import Message, Pump

_ACCEPTED, _DISCONNECTED = int(zmq.EVENT_ACCEPTED), int(zmq.EVENT_DISCONNECTED)
_EVENT = struct.Struct("=HI")  # what happened, to which descriptor
_EVERYTHING = 1 << 30
MANY_GONE = 100_000
_NO_FD = -1
"""The descriptor of a connection of this process (inproc)."""


class AcceptedConnection:
    """One connection. ``address`` is what limits of addresses count by, empty for local sockets."""

    __slots__ = ("address", "fd", "has_ended", "hung_up", "inode", "routing_id")

    def __init__(self, fd: int, inode: tuple[int, int], address: str) -> None:
        self.fd = fd
        self.inode = inode
        self.routing_id = b""
        self.has_ended = False
        self.hung_up = False
        self.address = address

    @property
    def chose_its_id(self) -> bool:
        """True if another connection may come with the same routing id. libzmq's own begin with a
        zero byte and are given once; where they begin is random (``new_context``)."""
        return not self.routing_id.startswith(b"\0")

    @property
    def in_use(self) -> bool:
        """True while the owner holds on to a connection of this process (inproc), of whose end
        libzmq does not tell."""
        return False


C = TypeVar("C", bound=AcceptedConnection)
Make = Callable[[int, tuple[int, int], str], C]
"""Makes a connection of its descriptor, its inode and its address."""


class AcceptedConnections(Generic[C]):
    """Follows a ROUTER's monitor; its pump's ``ConnectionTracker``. ``make`` makes the objects that
    stand for connections.

    A connection may end, and its descriptor become another's, before all that it said has been
    read: so its routing id stays known until it has. Only of a connection that ended before any of
    its messages was read, these may be taken for the first ones of its successor. libzmq gives a
    routing id to another connection only when all that the first one said has been read.

    ``on_ended`` is called as soon as the end is known, ``on_gone`` when everything that the
    connection said has been read, too.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        router: "zmq.Socket[bytes]",
        monitor: "zmq.Socket[bytes]",
        *,
        make: "Make[C]",
        on_accepted: Callable[[C], None],
        on_ended: Callable[[C], None],
        on_gone: Callable[[C], None],
    ) -> None:
        self._router = router
        self._make = make
        self._on_accepted = on_accepted
        self._on_ended = on_ended
        self._on_gone = on_gone
        self._by_fd: dict[int, C] = {}
        self._hung_up: dict[bytes, C] = {}
        self._gone: list[C] = []
        self._can_go = 0
        """So many of them can be forgotten when the socket has been read to its end."""
        self.known: dict[bytes, C] = {}
        """Connections that are listened to, by routing id."""
        self.settled: set[bytes] = set()
        """Routing ids of those that live and did not choose their id."""
        self._monitor = Pump(loop, monitor, self._on_events, frames=2, max_batch=_EVERYTHING)

    def __len__(self) -> int:
        return len(self._by_fd)

    def _on_events(self, batch: list[Message]) -> None:
        for frames in batch:
            event, fd = _EVENT.unpack(frames[0])
            self._ended(fd)
            if event == _ACCEPTED:
                self._accepted(fd)

    def _accepted(self, fd: int) -> None:
        # If the descriptor is no longer this connection's, the word that it has ended is behind
        # this one, and is read before anything is done.
        inode, address = (0, 0), ""
        connection = _copy(fd)
        if connection is not None:
            with connection:
                inode, address = _inode(connection), _peer(connection)
        one = self._by_fd[fd] = self._make(fd, inode, address)
        self._on_accepted(one)

    def _ended(self, fd: int) -> None:
        one = self._by_fd.pop(fd, None)
        if one is not None:
            one.has_ended = True
            self.settled.discard(one.routing_id)
            self._gone.append(one)
            self._on_ended(one)

    def begin(self) -> None:
        """Look for connections that have ended: when the socket has been read to its end, so has
        all that they said."""
        self._monitor.read_now()
        self._can_go = len(self._gone)
        if self._can_go > MANY_GONE:
            self.drained()  # a gateway that never comes to an end of reading remembers only so many

    def is_taken_over(self, routing_id: bytes, fd: int) -> bool:
        """True if the id, chosen by a client, is not that of the connection it was last heard
        from."""
        self._monitor.read_now()
        older = self.known.get(routing_id)
        return older is not None and not self._is_of(older, routing_id, fd)

    def _is_of(self, one: C, routing_id: bytes, fd: int) -> bool:
        """True if a message with these is the connection's, which had the id before."""
        if not one.chose_its_id:
            return True  # its descriptor may be another's by now, its id is not
        living = self._living(routing_id, fd)
        return living is one if living is not None else one.fd == fd

    def _living(self, routing_id: bytes, fd: int) -> C | None:
        one = self._by_fd.get(fd)
        return one if one is not None and one.routing_id in (b"", routing_id) else None

    def identify(self, routing_id: bytes, fd: int, address: str) -> bool:
        """A message has come whose routing id is new, chosen by the client, or that of a connection
        that has ended."""
        hung_up = self._hung_up.get(routing_id)
        if hung_up is not None and self._is_of(hung_up, routing_id, fd):
            return False
        if self.is_taken_over(routing_id, fd):
            self._on_gone(self.known.pop(routing_id))
        if routing_id in self.known:
            return True
        one = self._living(routing_id, fd)
        if one is None:
            # Its connection has ended already, or it comes from this process.
            one = self._make(fd, (0, 0), address_key(address))
            one.has_ended = fd != _NO_FD
            self._gone.append(one)
        one.routing_id = routing_id
        if one.hung_up:
            self._hung_up[routing_id] = one
            return False
        self.known[routing_id] = one
        if not one.chose_its_id:
            self.settled.add(routing_id)
        return True

    def drained(self) -> None:
        """Everything that connections said which had ended when reading began has been read: forget
        them."""
        if not self._can_go:
            return
        gone, self._gone = self._gone[: self._can_go], self._gone[self._can_go :]
        self._can_go = 0
        for one in gone:
            if one.fd == _NO_FD and one.in_use:
                self._gone.append(one)
                continue
            if self._hung_up.get(one.routing_id) is one:
                del self._hung_up[one.routing_id]
            if self.known.get(one.routing_id) is one:
                del self.known[one.routing_id]
                self.settled.discard(one.routing_id)
            self._on_gone(one)

    def look(self) -> None:
        """Learn which connections have ended by now."""
        self._monitor.read_now()

    def hang_up(self, one: C) -> None:
        """End the connection, if it has not ended already; what it still says is not heard. Without
        a descriptor: nothing of this batch is."""
        one.hung_up = True
        self.settled.discard(one.routing_id)
        if self.known.pop(one.routing_id, None) is not None:
            self._hung_up[one.routing_id] = one
        connection = _copy(one.fd) if one.fd != _NO_FD else None
        if connection is None:
            return
        with connection:
            # What is looked at is what is shut down, whatever libzmq does with the descriptor
            # meanwhile.
            if _inode(connection) == one.inode:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the peer was quicker

    def close(self) -> None:
        """Before the router is closed: libzmq would wait for somebody to read of the connections
        that it ends."""
        self._router.disable_monitor()
        self._monitor.close()


def _copy(fd: int) -> socket.socket | None:
    """A descriptor of our own for the same socket; None if it is none, or no longer."""
    try:
        copy = os.dup(fd)
    except OSError:
        return None
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        return None


def _inode(connection: socket.socket) -> tuple[int, int]:
    """Tell a socket from all others, whatever its descriptor."""
    status = os.fstat(connection.fileno())
    return status.st_dev, status.st_ino


def _peer(connection: socket.socket) -> str:
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return ""
    try:
        return address_key(connection.getpeername()[0])
    except OSError:
        return ""  # it has ended already
