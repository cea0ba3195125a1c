"""Sees every packet between the hosts, as tcpdump does."""

import socket
from threading import Event, Thread
from types import TracebackType
from typing import Self

from tests.system.two_machines.hosts import Namespace

_ALL = 0x0003  # ETH_P_ALL
_ROOM = 256 * 1_048_576
_RCVBUFFORCE = 33


class Sniffer:
    """While it is entered it looks for ``words`` in the packets on the switch."""

    def __init__(self, switch: Namespace, *words: bytes) -> None:
        self.packets = 0
        self.seen: set[bytes] = set()
        self._words = words
        self._end = Event()
        self._socket = switch.run(
            lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        )
        self._socket.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _ROOM)
        self._socket.settimeout(0.05)
        self._thread = Thread(target=self._read)

    def _read(self) -> None:
        while not self._end.is_set():
            try:
                packet = self._socket.recv(65_536)
            except TimeoutError:
                continue
            self.packets += 1
            self.seen.update(word for word in self._words if word in packet)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()
        self._socket.close()
