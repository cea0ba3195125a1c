"""HttpConnection: a connection that aiohttp speaks over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import thread_time
from typing import cast

from aiohttp.http_websocket import WebSocketReader
from aiohttp.web import BaseRequest, RequestHandler, Server, StreamResponse

from chatd.errors import Internal, MalformedFrame
from chatd.gateway.fronts.clogging import CLEAR_BYTES, CLOGGED_BYTES
from chatd.gateway.fronts.http.statuses import error_response
from chatd.gateway.fronts.request_link import RequestLink

IDLE_SECONDS = 75.0
"""A connection that asks nothing for so long is closed; proxies close theirs after 60 s."""

_SILENT = logging.getLogger("chatd.http")
"""aiohttp would log what strangers say, word for word."""
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class _Parser:
    """Takes the bytes that aiohttp has kept."""

    def __init__(self, receive: Callable[[bytes], None]) -> None:
        self._receive = receive

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._receive(data)
        return False, b""

    def feed_eof(self) -> None:
        """The connection has ended, which is told otherwise."""


Handle = Callable[[BaseRequest], Awaitable[StreamResponse]]


class HttpConnection(RequestHandler):
    """``link`` is the client's that it serves. A trusted proxy's, from ``address``, serves one
    after the other. ``on_bytes`` gets what has come and says whether it is to be read,
    ``on_read`` is told how many seconds a stranger's took, ``on_lost`` that the connection has
    ended."""

    __slots__ = (
        "_is_stranger",
        "_on_bytes",
        "_on_lost",
        "_on_read",
        "_receive",
        "address",
        "is_proxys",
        "link",
        "unheard",
    )

    def __init__(
        self,
        server: Server,
        loop: asyncio.AbstractEventLoop,
        link: RequestLink | None,
        address: str,
        *,
        on_bytes: "Callable[[HttpConnection, bytes], bool]",
        is_stranger: Callable[[RequestLink], bool],
        on_read: Callable[[RequestLink, float], None],
        on_lost: "Callable[[HttpConnection], None]",
    ) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=IDLE_SECONDS,
            tcp_keepalive=False,
            access_log=None,  # type: ignore[arg-type]  # None is what turns it off
            logger=_SILENT,
            auto_decompress=False,
        )
        self.link = link
        self.is_proxys = link is None
        self.address = address
        self.unheard = 0
        """Bytes that have come since the last request was heard."""
        self._on_bytes = on_bytes
        self._is_stranger = is_stranger
        self._on_read = on_read
        self._on_lost = on_lost
        self._receive: Callable[[bytes], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.WriteTransport, transport).set_write_buffer_limits(CLOGGED_BYTES, CLEAR_BYTES)
        super().connection_made(transport)

    def hand_over(self, receive: Callable[[bytes], None]) -> None:
        """No more HTTP is spoken: ``receive`` gets all that comes from now on, and what has come
        behind the request."""
        self._receive = receive
        self.set_parser(cast(WebSocketReader, _Parser(receive)))

    def data_received(self, data: bytes) -> None:
        receive = self._receive
        if receive is None:
            self.unheard += len(data)
            if data and not self._on_bytes(self, data):  # aiohttp calls it with nothing to go on
                return
            receive = super().data_received
        if self.link is None or not self._is_stranger(self.link):
            receive(data)
            return
        began = thread_time()
        receive(data)
        self._on_read(self.link, thread_time() - began)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        """Refuse what is no HTTP as everything is refused; aiohttp would quote it."""
        if request.writer.output_size:
            raise ConnectionError("an answer has begun already")
        error = MalformedFrame("that is no HTTP/1.1") if status < 500 else Internal("the request failed")
        response = error_response(error, status=status)
        response.headers["Server"] = "chatd"
        response.force_close()
        return response

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.link is not None and self.transport is not None:
            self.link.clogged(self.transport)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.link is not None:
            self.link.cleared()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._on_lost(self)


def make_server(loop: asyncio.AbstractEventLoop, handle: Handle) -> Server:
    """Keeps the connections, and has ``handle`` answer their requests."""
    return Server(handle, loop=loop)
