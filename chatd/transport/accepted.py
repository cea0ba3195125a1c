"""The connections that a bound ROUTER has accepted: where each comes from, by which routing id it is heard, and how to hang up on it.

libzmq tells of connections only by their descriptors (the socket's monitor, and SRCFD of a message), and a ROUTER cannot disconnect a peer: so
the connection is shut down below it, and libzmq takes it for one that the peer has ended.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Callable

import zmq

from chatd.core.rate_limit import address_key
from chatd.transport.pump import Message, Pump

_ACCEPTED, _DISCONNECTED = int(zmq.EVENT_ACCEPTED), int(zmq.EVENT_DISCONNECTED)
_EVENT = struct.Struct("=HI")  # what happened, to which descriptor
_EVERYTHING = 1 << 30
_NO_FD = -1


class Accepted:
    """One connection. ``address`` is what limits of addresses count by, empty for local sockets; what follows it belongs to the doorkeeper."""

    __slots__ = ("address", "admitted", "failures", "fd", "hung_up", "inode", "routing_id", "since")

    def __init__(self, fd: int, inode: tuple[int, int], address: str, now: float) -> None:
        self.fd = fd
        self.inode = inode
        self.routing_id = b""
        self.hung_up = False
        self.address = address
        self.since = now
        self.admitted = False
        self.failures = 0


class AcceptedConnections:
    """Follows a ROUTER's monitor. ``known`` is asked for each message (``Pump``), ``meet`` once a connection.

    A message may be read after its connection has ended and the descriptor has become another's: then that other one, the newest, is taken for the
    sender until it says something itself. Nobody is authenticated by that; it may only be spared the doorkeeper.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        router: "zmq.Socket[bytes]",
        monitor: "zmq.Socket[bytes]",
        *,
        on_accepted: Callable[[Accepted], None],
        on_ended: Callable[[Accepted], None],
    ) -> None:
        self._loop = loop
        self._router = router
        self._on_accepted = on_accepted
        self._on_ended = on_ended
        self._by_fd: dict[int, Accepted] = {}
        self._passing: list[bytes] = []
        self.known: dict[bytes, Accepted] = {}
        """Connections that are listened to, by routing id."""
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
        # If the descriptor is no longer this connection's, the word that it has ended is behind this one, and is read before anything is done.
        inode, address = (0, 0), ""
        connection = _copy(fd)
        if connection is not None:
            with connection:
                inode, address = _inode(connection), _peer(connection)
        one = self._by_fd[fd] = Accepted(fd, inode, address, self._loop.time())
        self._on_accepted(one)

    def _ended(self, fd: int) -> None:
        one = self._by_fd.pop(fd, None)
        if one is not None:
            if self.known.get(one.routing_id) is one:
                del self.known[one.routing_id]
            self._on_ended(one)

    def meet(self, routing_id: bytes, fd: int, address: str) -> bool:
        """A message has come from an unknown routing id. Whether to listen to it. ``fd`` is negative for inproc."""
        self._monitor.read_now()
        one = self._by_fd.get(fd)
        if one is not None and one.routing_id and one.routing_id != routing_id:
            self._ended(fd)
            self._accepted(fd)
            one = self._by_fd[fd]
        if one is None:
            one = Accepted(_NO_FD, (0, 0), address_key(address), self._loop.time())
            self._passing.append(routing_id)
        elif one.hung_up:
            return False
        one.routing_id = routing_id
        self.known[routing_id] = one
        return True

    def look(self) -> None:
        """Learn what has happened by now; call it now and then: it also forgets those who were heard after they had gone."""
        self._monitor.read_now()
        for routing_id in self._passing:
            one = self.known.get(routing_id)
            if one is not None and one.fd == _NO_FD:
                del self.known[routing_id]
        self._passing.clear()

    def hang_up(self, one: Accepted) -> None:
        """End the connection, if it has not ended already; what it still says is not heard. A connection without a descriptor is only forgotten."""
        self.known.pop(one.routing_id, None)
        one.hung_up = True
        connection = _copy(one.fd) if one.fd != _NO_FD else None
        if connection is None:
            return
        with connection:
            # What is looked at is what is shut down, whatever libzmq does with the descriptor meanwhile.
            if _inode(connection) == one.inode:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the peer was quicker

    def close(self) -> None:
        """Before the router is closed: libzmq would wait for somebody to read of the connections that it ends."""
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
    """What tells a socket from all others, whatever its descriptor."""
    status = os.fstat(connection.fileno())
    return status.st_dev, status.st_ino


def _peer(connection: socket.socket) -> str:
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return ""
    try:
        return address_key(connection.getpeername()[0])
    except OSError:
        return ""  # it has ended already
