"""Listening sockets of chatd's own, for clients that may be anybody: opened, and accepted from at a
pace."""

import asyncio
import errno
import os
import socket
import stat
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import structlog

from chatd.core.address import Listening
from chatd.core.outage import Outage
from chatd.errors import ConfigError, Overloaded, os_error
from chatd.transport.passed_sockets import PassedSockets

log = structlog.get_logger()

BACKLOG = 4_096
"""Connections that may wait in the kernel, which cuts it to net.core.somaxconn: with 100, 2,000
devices that come at once need up to 29 s."""
ACCEPTS_A_TURN = 128
TURN_SECONDS = 0.002
"""Connections accepted, and the time for it, before others have their turn."""
PASSING_FACTOR = 10
"""When most of a turn's connections have ended already, nobody is accepted for so many times as
long as the turn took: to pass them over must not take the time of those who stay."""
PAUSE_SECONDS = 0.05
"""For so long nobody is accepted after a turn in which not all could be, or when descriptors are
missing. A turn for each pause is 2,560 connections a second at most: a core does more, so the
others have most of it."""
KEEPALIVE = {
    socket.TCP_KEEPIDLE: 30,
    socket.TCP_KEEPINTVL: 10,
    socket.TCP_KEEPCNT: 3,
}
"""The kernel asks after 30 s, as streams do by their heartbeats: more often would wake phones. It
finds hosts that vanished within a minute."""
USER_TIMEOUT_MS = 45_000
"""For so long may bytes be unacknowledged; then the connection is lost."""
_ESTABLISHED = 1  # in the first byte of struct tcp_info
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def listen(
    uri: str,
    claim: Callable[[str], None],
    *,
    share_port: bool = False,
    encrypts: bool = False,
    passed: PassedSockets | None = None,
) -> socket.socket:
    """A socket that listens at a tcp:// or ipc:// address. ``claim`` takes an ipc path for this
    process, or raises. ``share_port``: other processes that say so too may listen at the same port.
    ``passed``: a port that is not shared may be listened at already, and is kept for the next
    process; those who come to a shared one meanwhile go to the others. ``encrypts``: the caller
    encrypts every connection. Raises ConfigError if the address can never be listened at,
    StartFailed if it cannot be now."""
    listening = Listening.parse(uri)
    if listening.is_encrypted and not encrypts:
        raise ConfigError(f"{uri!r}: others can reach it, so it needs encryption, and there is no key")
    uri = listening.endpoint
    try:
        if uri.startswith("ipc://"):
            return _listen_at_path(uri.removeprefix("ipc://"), claim)
        if uri.startswith("tcp://"):
            return _listen_at_port(uri, share_port, passed or PassedSockets())
    except OSError as exc:
        number = exc.errno or errno.EINVAL  # without one, Python found the address impossible
        raise os_error(f"cannot bind {uri}", OSError(number, os.strerror(number))) from exc
    raise ConfigError(f"{uri!r}: clients connect by tcp:// or ipc://")


def _listen_at_port(uri: str, share_port: bool, passed: PassedSockets) -> socket.socket:
    host, _, port = urlsplit(uri).netloc.rpartition(":")
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    _, _, _, _, address = socket.getaddrinfo(
        bare, 0 if port == "*" else int(port), family, socket.SOCK_STREAM
    )[0]
    known = None if share_port else passed.take(address)
    made = known or socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share_port:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Accepted sockets have these from here.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE.items():
            made.setsockopt(socket.IPPROTO_TCP, option, value)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if known is None:
            made.bind(address)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    if not share_port:
        passed.keep(made)
    return made


def _listen_at_path(path: str, claim: Callable[[str], None]) -> socket.socket:
    if path.startswith("*"):
        raise ConfigError("ipc://* names no path that clients could know")
    abstract = path.startswith("@")
    if not abstract:
        claim(path)
        if os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)  # of a process that has ended: the claim is ours
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(made.fileno(), 0o600)  # before anybody can connect
        made.bind("\0" + path[1:] if abstract else path)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _has_ended(accepted: socket.socket) -> bool:
    """True if the peer has hung up already, whatever it said before."""
    if accepted.family == socket.AF_UNIX:
        return False
    return accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED


def address_of(listening: socket.socket) -> str:
    """The address that a socket listens at, wildcards resolved."""
    name = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        path = name.decode() if isinstance(name, bytes) else name
        return f"ipc://{path.replace(chr(0), '@', 1)}"
    host = f"[{name[0]}]" if listening.family == socket.AF_INET6 else name[0]
    return f"tcp://{host}:{name[1]}"


class Listener:
    """Accepts from a listening socket and closes it. ``on_accepted`` gets each connection and its
    IP address, empty for a local socket; those that have ended while they waited are passed over.
    ``newcomers`` says how many of so many may come now; the others wait in the kernel."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listening: socket.socket,
        on_accepted: Callable[[socket.socket, str], None],
        *,
        newcomers: Callable[[int], int],
    ) -> None:
        self._loop = loop
        self._listening = listening
        self._on_accepted = on_accepted
        self._newcomers = newcomers
        self._pause: asyncio.TimerHandle | None = None
        self._failing = Outage(
            log, "No connection can be accepted", "Connections are accepted again", now=loop.time
        )
        listening.setblocking(False)
        loop.add_reader(listening.fileno(), self._accept)

    def _accept(self) -> None:
        most = self._newcomers(ACCEPTS_A_TURN)
        came = gone = 0
        began = now = time.monotonic()
        for _ in range(ACCEPTS_A_TURN):
            try:
                connection, peer = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as exc:
                if exc.errno not in _NO_ROOM:
                    continue  # that connection had ended before it was accepted
                self._failing.failed(Overloaded(os.strerror(exc.errno)))
                self._wait()
                return
            self._failing.worked()
            if _has_ended(connection):
                connection.close()
                gone += 1
            else:
                self._on_accepted(connection, peer[0] if isinstance(peer, tuple) else "")
                came += 1
                if came == most < ACCEPTS_A_TURN:
                    self._wait()
                    return
            now = time.monotonic()
            if now >= began + TURN_SECONDS:
                break
        if gone > came:
            self._wait(PASSING_FACTOR * (now - began))

    def _wait(self, seconds: float | None = None) -> None:
        self._loop.remove_reader(self._listening.fileno())
        self._pause = self._loop.call_later(PAUSE_SECONDS if seconds is None else seconds, self._go_on)

    def _go_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening.fileno(), self._accept)

    def close(self) -> None:
        """Accept nothing more. An ipc path is removed."""
        if self._pause is None:
            self._loop.remove_reader(self._listening.fileno())
        else:
            self._pause.cancel()
        if self._listening.family == socket.AF_UNIX:
            path = self._listening.getsockname()
            if isinstance(path, str) and os.path.exists(path):
                os.unlink(path)  # nobody else can have it: the claim lasts as long as the process
        self._listening.close()
