"""Listening sockets that outlive the process: the service manager keeps a copy of each and passes
it to the next process. Connections that come while none runs wait in the kernel, and none is
refused.

systemd's words for it are the file descriptor store and LISTEN_FDS (sd_listen_fds(3)); a socket
unit's come the same way.
"""

import os
import socket
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass

FIRST = 3
"""The first descriptor that is passed."""


@dataclass(frozen=True, slots=True)
class PassedSocket:
    """``name`` is the service manager's for it."""

    socket: socket.socket
    name: str


def passed_to_this_process(environment: MutableMapping[str, str]) -> list[PassedSocket]:
    """The listening sockets that this process was given. Its children are not given them, and are
    told of none."""
    count, pid = environment.pop("LISTEN_FDS", ""), environment.pop("LISTEN_PID", "")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    if not count.isdigit() or pid != str(os.getpid()):
        return []
    found = []
    for number in range(int(count)):
        descriptor = FIRST + number
        os.set_inheritable(descriptor, False)
        try:
            one = socket.socket(fileno=descriptor)
        except OSError:
            os.close(descriptor)  # no socket
            continue
        found.append(PassedSocket(one, names[number] if number < len(names) else ""))
    return found


class PassedSockets:
    """``keep`` gives the service manager a copy under a name, ``drop`` has it forget a name."""

    def __init__(
        self,
        passed: Sequence[PassedSocket] = (),
        *,
        keep: Callable[[socket.socket, str], None] = lambda kept, name: None,
        drop: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._left: Mapping[tuple[object, ...], PassedSocket] = {
            address: one for one in passed if (address := _listens_at(one.socket)) is not None
        }
        self._taken: set[str] = set()
        self._keep = keep
        self._drop = drop

    def take(self, address: tuple[object, ...]) -> socket.socket | None:
        """The socket that listens at this address, if there is one."""
        one = self._left.get(address[:2])
        if one is None:
            return None
        self._taken.add(one.name)
        return one.socket.dup()

    def keep(self, listening: socket.socket) -> None:
        """Have it passed to the next process."""
        host, port = listening.getsockname()[:2]
        name = f"{host} {port}".replace(":", "-")
        self._taken.add(name)
        self._keep(listening, name)

    def close(self) -> None:
        """All that this process needs has been taken: nobody waits at the addresses of the rest."""
        for one in self._left.values():
            one.socket.close()
            if one.name not in self._taken:
                self._drop(one.name)
        self._left = {}


def _listens_at(one: socket.socket) -> tuple[object, ...] | None:
    """Host and port at which a TCP socket listens; None for any other socket."""
    try:
        if one.family in (socket.AF_INET, socket.AF_INET6) and one.getsockopt(
            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
        ):
            name: tuple[object, ...] = one.getsockname()
            return name[:2]
    except OSError:
        return None
    return None
