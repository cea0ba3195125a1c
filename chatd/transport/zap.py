"""The guard of a context's encrypted sockets: libzmq asks it about the key of everybody who wants
to connect (ZeroMQ RFC 27, ZAP), and lets nobody in without its answer."""

import asyncio
from collections.abc import Callable, Sequence

import zmq

from chatd.errors import StartFailed
from chatd.text import one_line
from chatd.transport.pump import Message, PeerFull, PeerGone, Pump
from chatd.transport.sockets import DOMAIN, Context

_ADDRESS = "inproc://zeromq.zap.01"
_VERSION, _OK = b"1.0", b"200"
_COME_AGAIN = b"300"
"""Refused, and the connection is closed. After any other refusal libzmq's client never tries again,
and would not notice that it is trusted by now."""

IsKnown = Callable[[bytes, str], bool]
"""Gets a peer's public key and its address; True: it may connect."""


class Guard:
    """Answers while it is open; a connection that is accepted has its key, in hexadecimal digits,
    as its User-Id. Raises StartFailed if it cannot be asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop, context: Context, is_known: IsKnown) -> None:
        self._is_known = is_known
        socket = context.socket(zmq.ROUTER)
        try:
            socket.bind(_ADDRESS)
        except zmq.ZMQError as exc:
            socket.close(0)
            raise StartFailed(f"nobody can decide which keys may connect: {exc}") from exc
        self._pump = Pump(loop, socket, self._on_requests)
        context.is_guarded = True

    def close(self) -> None:
        """From now on nobody can connect."""
        self._pump.close()

    def _on_requests(self, batch: list[Message]) -> None:
        for message in batch:
            envelope, request = message[: message.index(b"") + 1], message[message.index(b"") + 1 :]
            status, user = self._answer(request)
            reply = (_VERSION, request[1] if len(request) > 1 else b"", status, b"", user, b"")
            try:
                self._pump.send((*envelope, *reply))
            except (PeerGone, PeerFull):
                continue  # it has given up meanwhile

    def _answer(self, request: Sequence[bytes]) -> tuple[bytes, bytes]:
        """The status, and the User-Id."""
        match request:
            case [version, _, domain, address, _, b"CURVE", key] if (version, domain) == (_VERSION, DOMAIN):
                if self._is_known(key, one_line(address.decode("ascii", "backslashreplace"))):
                    return _OK, key.hex().encode()
        return _COME_AGAIN, b""
