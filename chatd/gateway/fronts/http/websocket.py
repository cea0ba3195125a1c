"""Device streams over WebSockets: one ClientFrame or ServerFrame in each message."""

import asyncio
from collections.abc import Mapping

from aiohttp import WSMsgType
from aiohttp.web import StreamResponse, WebSocketResponse

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
MAX_REASON_BYTES = 123  # of a close frame
_CLOSED = b"\x2a"  # ServerFrame.closed: field 5


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
        socket = WebSocketResponse(
            timeout=CLOSE_SECONDS,
            protocols=(form.subprotocol,),
            heartbeat=PING_SECONDS,
            autoping=False,
            compress=False,
            max_msg_size=exchange.max_frame,
        )
        if not socket.can_prepare(request):
            raise InvalidArgument("this path takes WebSockets")
        await socket.prepare(request)
        speaker = _Speaker(socket, form, exchange.transport)
        with exchange.speaking(speaker):
            await self._hear(exchange, socket, form)
        return socket

    async def _hear(self, exchange: Exchange, socket: WebSocketResponse, form: Form) -> None:
        async for message in socket:
            exchange.came()
            await exchange.link.turn()
            if exchange.link.has_ended:
                return
            if message.type in (WSMsgType.BINARY, WSMsgType.TEXT):
                try:
                    frame = form.frame(message.data)
                except ChatdError as exc:
                    exchange.refuse(exc, len(message.data))
                else:
                    exchange.hear(frame)
            elif message.type in (WSMsgType.PING, WSMsgType.PONG):
                exchange.commanded()
                if message.type is WSMsgType.PING:
                    await socket.pong(message.data)


class _Speaker:
    """Writes to the transport itself: a WebSocketResponse makes a coroutine for each message."""

    def __init__(self, socket: WebSocketResponse, form: Form, transport: asyncio.WriteTransport) -> None:
        self._socket = socket
        self._form = form
        self._transport = transport
        self._closing: asyncio.Task[object] | None = None

    def send(self, frame: bytes) -> bool:
        if self._closing is not None or self._transport.is_closing():
            return False
        self._transport.write(self._form.wire(frame))
        if frame.startswith(_CLOSED):
            self._close(ServerFrame.FromString(frame))
        return True

    def _close(self, frame: ServerFrame) -> None:
        error = frame.closed.error
        code = FIRST_CLOSE_CODE + error.code
        reason = error.message[:MAX_REASON_BYTES].encode()
        if len(reason) > MAX_REASON_BYTES:
            reason = error.message[: MAX_REASON_BYTES // 4].encode()  # four bytes a character at most
        self._closing = asyncio.ensure_future(self._socket.close(code=code, message=reason))

    def ended(self) -> None:
        """The connection is closed by whoever ended it."""
