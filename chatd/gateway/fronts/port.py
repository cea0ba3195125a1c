"""Port: the address at which a front's clients connect. Other gateways may share it."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial

from chatd.gateway.fronts.door import Door, FrontLimits
from chatd.transport.listener import Listener, address_of, listen
from chatd.transport.sockets import Context


class Port:
    """Made early, opened late. ``accept`` gets each connection and its IP address, empty for a
    local one."""

    _listen: Callable[[str], socket.socket]
    _bound: str

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: FrontLimits,
        door: Door,
        accept: Callable[[socket.socket, str], None],
    ) -> None:
        self._loop = loop
        self._limits = limits
        self._newcomers = door.newcomers
        self._accept = accept
        self._listener: Listener | None = None

    def open(self, context: Context, uri: str, *, encrypts: bool) -> str:
        """Listen; the address, wildcards resolved. ``encrypts``: every connection is encrypted.
        Raises ConfigError or StartFailed."""
        self._listen = partial(
            listen,
            claim=context.claim,
            share_port=self._limits.share_port,
            encrypts=encrypts,
            passed=context.passed,
        )
        self._bound = uri
        self.accept_again()
        return self._bound

    def accept_again(self) -> None:
        """Accept newcomers, if none are accepted. Raises ConfigError or StartFailed."""
        if self._listener is None:
            listening = self._listen(self._bound)
            self._bound = address_of(listening)
            self._listener = Listener(self._loop, listening, self._accept, newcomers=self._newcomers)

    def close(self) -> None:
        """Accept nothing more: others that share the port have all newcomers."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
