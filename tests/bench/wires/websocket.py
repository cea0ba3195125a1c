"""Devices on WebSockets, binary and JSON (RFC 6455)."""

import asyncio
import json
from typing import cast
from urllib.parse import urlsplit

from google.protobuf.json_format import MessageToJson

from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello
from tests.bench.wires.native import HEARTBEAT, ack_frame
from tests.bench.wires.wire import Arrived, OnMessages, Wire, parse_frame, stamp_in

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
_MASKED = 0x80
_NO_MASK = bytes(4)
"""Masks nothing: a browser's mask costs the browser time, and the gateway the same."""


def message(head: int, body: bytes) -> bytes:
    """A whole message as a client sends it."""
    size = len(body)
    if size < 126:
        return bytes((head, _MASKED | size)) + _NO_MASK + body
    return bytes((head, _MASKED | 126)) + size.to_bytes(2, "big") + _NO_MASK + body


class _Socket(asyncio.Protocol):
    """``subprotocol`` is asked for; messages go to ``on_messages``."""

    def __init__(self, on_messages: OnMessages, subprotocol: str) -> None:
        self._on_messages = on_messages
        self._subprotocol = subprotocol
        self._rest = b""
        self._is_open = False
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self, uri: str) -> None:
        """Return when the gateway has agreed. Raises OSError."""
        at = urlsplit(uri)
        self._host = at.netloc
        await asyncio.get_running_loop().create_connection(lambda: self, at.hostname or "", at.port or 0)
        await self._ready

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own
        self.transport.write(
            f"GET /v1/stream HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Protocol: {self._subprotocol}\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ready.done():
            self._ready.set_exception(exc or ConnectionResetError("the gateway hung up"))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at, size = 0, len(data)
        if not self._is_open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101 "):
                raise RuntimeError(f"the gateway refused: {data!r}")
            self._is_open, at = True, end + 4
            self._ready.set_result(None)
        messages = []
        while at + 2 <= size:
            head, length = data[at], data[at + 1]
            start = at + 2
            if length == 126:
                start = at + 4
                length = int.from_bytes(data[at + 2 : start], "big")
            elif length == 127:
                start = at + 10
                length = int.from_bytes(data[at + 2 : start], "big")
            end = start + length
            if start > size or end > size:
                break
            if head in (_BINARY, _TEXT):
                messages.append(data[start:end])
            elif head == _PING:
                self.transport.write(message(_PONG, data[start:end]))
            elif head == _CLOSE:
                raise RuntimeError(f"the gateway closed: {data[start:end]!r}")
            at = end
        self._rest = data[at:]
        if messages:
            self._on_messages(messages)


class BinaryDevice:
    def __init__(self, on_messages: OnMessages) -> None:
        self._socket = _Socket(on_messages, "chatd.v1.proto")

    async def connect(self, uri: str, hello: Hello) -> None:
        await self._socket.open(uri)
        self._say(ClientFrame(hello=hello).SerializeToString())

    def ack(self, up_to: int) -> None:
        self._say(ack_frame(up_to))

    def heartbeat(self) -> None:
        self._say(HEARTBEAT)

    def _say(self, frame: bytes) -> None:
        self._socket.transport.write(message(_BINARY, frame))

    def stop_reading(self) -> None:
        self._socket.transport.pause_reading()

    def close(self) -> None:
        self._socket.transport.close()


class JsonDevice:
    def __init__(self, on_messages: OnMessages) -> None:
        self._socket = _Socket(on_messages, "chatd.v1.json")

    async def connect(self, uri: str, hello: Hello) -> None:
        await self._socket.open(uri)
        self._say(MessageToJson(ClientFrame(hello=hello), indent=None))

    def ack(self, up_to: int) -> None:
        self._say(f'{{"ack":{{"up_to":"{up_to}"}}}}')

    def heartbeat(self) -> None:
        self._say('{"heartbeat":{}}')

    def _say(self, text: str) -> None:
        self._socket.transport.write(message(_TEXT, text.encode()))

    def close(self) -> None:
        self._socket.transport.close()


def _parse(data: bytes) -> Arrived:
    said = json.loads(data)
    if "closed" in said or "error" in said:
        raise RuntimeError(f"the gateway refused: {said}")
    return Arrived(tuple(map(stamp_in, said.get("deliveries", ()))), "caught_up" in said)


BINARY = Wire(BinaryDevice, parse_frame)
JSON = Wire(JsonDevice, _parse)
