"""ZMTP 3.1 as a DEALER, with NULL or CURVE: what a native client speaks that has no libzmq
(rfc.zeromq.org/spec/37).

A connection costs one descriptor and no thread; libzmq's would cost two, and the load tool more CPU
than the daemon.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from chatd.core.curve import COMMAND as SEALED_COMMAND
from chatd.core.curve import CurveClientHandshake, CurveSession, encode_metadata, new_key_pair

_GREETING = {
    mechanism: b"\xff" + bytes(8) + b"\x7f\x03\x01" + mechanism.ljust(20, b"\0") + bytes(32)
    for mechanism in (b"NULL", b"CURVE")
}
_GREETING_BYTES = 64
_LONG, _COMMAND = 0x02, 0x04
_READY = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
_PING, _PONG, _ERROR = b"\x04PING", b"\x04PONG", b"\x05ERROR"
_TTL_BYTES = 2


def frame(body: bytes, flags: int = 0) -> bytes:
    """A message of one frame."""
    if len(body) < 256:
        return bytes((flags, len(body))) + body
    return bytes((flags | _LONG,)) + len(body).to_bytes(8, "big") + body


class Dealer(asyncio.Protocol):
    """``on_messages`` gets the messages (of one frame each) that have arrived at once."""

    def __init__(self, on_messages: Callable[[list[bytes]], None]) -> None:
        self._on_messages = on_messages
        self._rest = b""
        self._greeted = False
        self._handshake: CurveClientHandshake | None = None
        self._session: CurveSession | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self, uri: str) -> "Dealer":
        """``uri``: tcp://host:port, with #KEY for CURVE. Returns when the peer has said that it is
        ready. Raises OSError."""
        endpoint, _, key = uri.partition("#")
        if key:
            metadata = encode_metadata({"Socket-Type": b"DEALER"})
            self._handshake = CurveClientHandshake(bytes.fromhex(key), new_key_pair(), metadata)
        host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        await asyncio.get_running_loop().create_connection(lambda: self, host, int(port))
        await self._ready
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._handshake is None:
            self._transport.write(_GREETING[b"NULL"] + frame(_READY, _COMMAND))
        else:
            self._transport.write(_GREETING[b"CURVE"] + frame(self._handshake.hello(), _COMMAND))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ready.done():
            self._ready.set_exception(exc or ConnectionResetError("the peer hung up"))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at, size = 0, len(data)
        if not self._greeted:
            if size < _GREETING_BYTES:
                self._rest = data
                return
            self._greeted, at = True, _GREETING_BYTES
        messages = []
        while at + 2 <= size:
            flags = data[at]
            if flags & _LONG:
                start = at + 9
                end = start + int.from_bytes(data[at + 1 : start], "big")
            else:
                start = at + 2
                end = start + data[at + 1]
            if start > size or end > size:
                break
            if flags & _COMMAND:
                self._obey(data[start:end])
            elif self._session is None:
                messages.append(data[start:end])
            else:
                kind, body = self._session.open(data[start:end])
                if kind & SEALED_COMMAND:
                    self._obey(body)
                else:
                    messages.append(body)
            at = end
        self._rest = data[at:]
        if messages:
            self._on_messages(messages)

    def _obey(self, command: bytes) -> None:
        if command.startswith(_PING):
            self._say(_PONG + command[len(_PING) + _TTL_BYTES :], _COMMAND)
        elif command.startswith(_ERROR):
            raise RuntimeError(f"the peer refused the connection: {command!r}")
        elif not self._ready.done():
            initiate = self._handshake.command(command) if self._handshake is not None else None
            if initiate is not None:
                self._transport.write(frame(initiate, _COMMAND))
                return
            if self._handshake is not None:
                self._session = self._handshake.session
            self._ready.set_result(None)

    def send(self, body: bytes) -> None:
        self._say(body, 0)

    def _say(self, body: bytes, flags: int) -> None:
        if self._session is None:
            self._transport.write(frame(body, flags))
        else:
            self._transport.write(frame(self._session.seal(body, SEALED_COMMAND if flags else 0)))

    def stop_reading(self) -> None:
        self._transport.pause_reading()

    def close(self) -> None:
        self._transport.close()
