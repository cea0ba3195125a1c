"""Devices on gRPC's GatewayService.Connect: HTTP/2 with as much of it as one stream needs (RFC
9113). The headers that come are not looked at."""

import asyncio
from typing import cast
from urllib.parse import urlsplit

from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello
from tests.bench.wires.native import HEARTBEAT, ack_frame
from tests.bench.wires.wire import OnMessages, Wire, parse_frame

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_ACK, _END_STREAM, _END_HEADERS = 1, 1, 4
_INITIAL_WINDOW_SIZE = 4
_MOST = (1 << 31) - 1
_HEAD = 9
_PATH = b"/gateway.v1.GatewayService/Connect"


def _frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    return len(body).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + body


def _header(name: bytes, value: bytes) -> bytes:
    """A literal that is not indexed (RFC 7541, section 6.2.2)."""
    return b"\0" + bytes((len(name),)) + name + bytes((len(value),)) + value


_SETTINGS_BODY = _INITIAL_WINDOW_SIZE.to_bytes(2, "big") + _MOST.to_bytes(4, "big")
_OPENING = (
    _PREFACE
    + _frame(_SETTINGS, 0, 0, _SETTINGS_BODY)
    + _frame(_WINDOW_UPDATE, 0, 0, (_MOST - 65_535).to_bytes(4, "big"))
)
"""Windows are so large that none is ever refilled."""


def _call(host: bytes) -> bytes:
    headers = (
        b"\x83\x86"  # :method POST, :scheme http
        + b"\x04"  # :path, by its index
        + bytes((len(_PATH),))
        + _PATH
        + _header(b":authority", host)
        + _header(b"te", b"trailers")
        + _header(b"content-type", b"application/grpc")
    )
    return _frame(_HEADERS, _END_HEADERS, 1, headers)


class GrpcDevice(asyncio.Protocol):
    def __init__(self, on_messages: OnMessages) -> None:
        self._on_messages = on_messages
        self._rest = b""
        self._message = b""  # of which a part has come
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self, uri: str, hello: Hello) -> None:
        at = urlsplit(uri)
        await asyncio.get_running_loop().create_connection(lambda: self, at.hostname or "", at.port or 0)
        # At once grpcio 1.85 would sometimes read it, and do nothing.
        await self._ready
        self._transport.write(_call(at.netloc.encode()))
        self._say(ClientFrame(hello=hello).SerializeToString())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own
        self._transport.write(_OPENING)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ready.done():
            self._ready.set_exception(exc or ConnectionResetError("the gateway hung up"))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at, size = 0, len(data)
        parts = [self._message]
        while at + _HEAD <= size:
            end = at + _HEAD + int.from_bytes(data[at : at + 3], "big")
            if end > size:
                break
            kind, flags = data[at + 3], data[at + 4]
            if kind == _DATA:
                parts.append(data[at + _HEAD : end])
            elif kind in (_SETTINGS, _PING) and not flags & _ACK:
                body = data[at + _HEAD : end] if kind == _PING else b""
                self._transport.write(_frame(kind, _ACK, 0, body))
            elif kind == _SETTINGS and not self._ready.done():
                self._ready.set_result(None)
            elif kind in (_RST_STREAM, _GOAWAY) or (kind == _HEADERS and flags & _END_STREAM):
                raise RuntimeError(f"the gateway refused: {data[at:end]!r}")
            at = end
        self._rest = data[at:]
        if len(parts) > 1:
            self._take(b"".join(parts))

    def _take(self, data: bytes) -> None:
        """The messages in it: a byte that says whether it is compressed, its size, itself."""
        messages, at = [], 0
        while at + 5 <= len(data):
            end = at + 5 + int.from_bytes(data[at + 1 : at + 5], "big")
            if end > len(data):
                break
            messages.append(data[at + 5 : end])
            at = end
        self._message = data[at:]
        if messages:
            self._on_messages(messages)

    def ack(self, up_to: int) -> None:
        self._say(ack_frame(up_to))

    def heartbeat(self) -> None:
        self._say(HEARTBEAT)

    def _say(self, frame: bytes) -> None:
        self._transport.write(_frame(_DATA, 0, 1, b"\0" + len(frame).to_bytes(4, "big") + frame))

    def close(self) -> None:
        self._transport.close()


GRPC = Wire(GrpcDevice, parse_frame)
