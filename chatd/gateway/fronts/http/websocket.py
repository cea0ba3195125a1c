"""Device streams over WebSockets: one ClientFrame or ServerFrame in each message. aiohttp reads the
request; what comes after it is read here, without a task or a future for each message."""

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from time import monotonic

from aiohttp.web import StreamResponse

from chatd.core.websocket import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Message,
    WebSocketError,
    WebSocketReader,
    encode,
    encode_close,
)
from chatd.errors import ChatdError, InvalidArgument, PermissionDenied
from chatd.gateway.fronts.http.exchange import Exchange
from chatd.gateway.fronts.http.forms import Form, JsonForm, ProtobufForm
from chatd.gateway.fronts.http.origins import Origins
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame

PING_SECONDS = 25.0
"""Proxies end what has been silent for a minute."""
CLOSE_SECONDS = 1.0
"""For the client to say that it has heard of the end."""
FIRST_CLOSE_CODE = 4_000
"""A WebSocket is closed with so much more than the error's code."""
TURN_SECONDS = 0.005
LOOK_EACH = 64
"""Messages heard, and the time for them, before others have their turn."""
_CLOSED = b"\x2a"  # ServerFrame.closed: field 5
_VERSION = "13"
_KEY_BYTES = 16
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class WebSockets:
    """Opens them. A page may if ``origins`` says so."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._forms: Mapping[str, Form] = {form.subprotocol: form for form in (ProtobufForm(), JsonForm())}

    async def stream(self, exchange: Exchange) -> StreamResponse:
        """Speak until either side has enough. Raises ChatdError."""
        request = exchange.request
        if not self._origins.may(request):
            raise PermissionDenied("pages of this origin may not; HTTP_ORIGINS names those that may")
        offered = [part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        form = next((self._forms[name] for name in offered if name in self._forms), None)
        if form is None:
            raise InvalidArgument(f"a WebSocket speaks {' or '.join(self._forms)}: offer one of them")
        response = StreamResponse(
            status=101,
            headers={
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Accept": _accept(request.headers),
                "Sec-WebSocket-Protocol": form.subprotocol,
                "Server": "chatd",
            },
        )
        response.force_close()
        await response.prepare(request)
        await _Socket(exchange, form).speak()
        return response


def _accept(headers: Mapping[str, str]) -> str:
    """The answer to the client's key. Raises InvalidArgument if it asks for no WebSocket."""
    asked = (headers.get("Upgrade", "").lower(), headers.get("Sec-WebSocket-Version"))
    connection = [part.strip() for part in headers.get("Connection", "").lower().split(",")]
    key = headers.get("Sec-WebSocket-Key", "")
    try:
        is_key = len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except (ValueError, binascii.Error):
        is_key = False
    if asked != ("websocket", _VERSION) or "upgrade" not in connection or not is_key:
        raise InvalidArgument(f"this path takes WebSockets of version {_VERSION}")
    return base64.b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()).decode()


class _Socket:
    """A client's WebSocket."""

    def __init__(self, exchange: Exchange, form: Form) -> None:
        self._exchange = exchange
        self._form = form
        self._loop = asyncio.get_running_loop()
        self._transport = exchange.transport
        self._reader = WebSocketReader(exchange.max_frame)
        self._is_unfinished = False
        self._left: list[Message] = []
        """Came while the client was held."""
        self._going_on: asyncio.Task[None] | None = None
        self._has_heard = True
        self._is_pinged = False
        self._is_closing = False
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def speak(self) -> None:
        """Return when either side has had enough."""
        with self._exchange.speaking(self):
            self._ping_later()
            self._exchange.connection.hand_over(self._receive)
            try:
                await self._over
            finally:
                self._timer.cancel()

    def _ping_later(self) -> None:
        self._timer = self._loop.call_later(PING_SECONDS, self._look)

    def _look(self) -> None:
        """A client that has said nothing for a while is asked whether it lives."""
        if not self._has_heard and self._is_pinged:
            self._finish()
            return
        self._is_pinged = not self._has_heard
        if self._is_pinged:
            self._transport.write(encode(PING, b""))
        self._has_heard = False
        self._ping_later()

    def _receive(self, data: bytes) -> None:
        self._has_heard = True
        if self._over.done():
            return
        try:
            messages = self._reader.receive(data)
        except WebSocketError as exc:
            self._transport.write(encode_close(exc.code, str(exc)))
            self._finish()
            return
        unfinished = self._reader.unfinished
        if unfinished or self._is_unfinished:
            self._is_unfinished = unfinished > 0
            self._exchange.unfinished(unfinished, self._reader.kept, moved=bool(messages))
        if self._left:
            self._left += messages
        elif messages:
            self._hear(messages)

    def _hear(self, messages: Sequence[Message]) -> None:
        exchange, link = self._exchange, self._exchange.link
        end = monotonic() + TURN_SECONDS
        for at, (kind, data) in enumerate(messages):
            if link.is_held or (at % LOOK_EACH == LOOK_EACH - 1 and monotonic() > end):
                self._wait(messages[at:])
                return
            if link.has_ended or self._over.done():
                return
            if kind == CLOSE:
                self._left_by(data)
            elif kind in (TEXT, BINARY):
                if not self._is_closing:
                    self._hear_one(data)
            else:
                exchange.commanded()
                if kind == PING:
                    assert isinstance(data, bytes)
                    self._transport.write(encode(PONG, data))

    def _hear_one(self, data: bytes | str) -> None:
        try:
            frame = self._form.frame(data)
        except ChatdError as exc:
            self._exchange.refuse(exc, len(data))
        else:
            self._exchange.hear(frame)

    def _wait(self, left: Sequence[Message]) -> None:
        """Hear these, and read on, when it is the client's turn again."""
        self._left = list(left)
        if self._going_on is None:
            self._exchange.connection.pause_reading()
            self._going_on = self._loop.create_task(self._go_on())

    async def _go_on(self) -> None:
        while self._left and not self._over.done():
            await asyncio.sleep(0)
            await self._exchange.link.turn()
            left, self._left = self._left, []
            self._hear(left)
        self._going_on = None
        self._exchange.connection.resume_reading()

    def send(self, frame: bytes) -> bool:
        if self._is_closing or self._transport.is_closing():
            return False
        self._transport.write(self._form.wire(frame))
        if frame.startswith(_CLOSED):
            error = ServerFrame.FromString(frame).closed.error
            self._is_closing = True
            self._transport.write(encode_close(FIRST_CLOSE_CODE + error.code, error.message))
            self._loop.call_later(CLOSE_SECONDS, self._finish)
        return True

    def _left_by(self, said: bytes | str) -> None:
        """The client closes the socket, or has heard of the end."""
        if not self._is_closing:
            assert isinstance(said, bytes)
            self._transport.write(encode(CLOSE, said[:2]))
        self._finish()

    def _finish(self) -> None:
        """The connection is closed when what was written has left."""
        self._is_closing = True
        if not self._over.done():
            self._over.set_result(None)

    def ended(self) -> None:
        """The connection is closed by whoever ended it."""
        self._finish()
