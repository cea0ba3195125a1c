"""HttpConnection: a connection that aiohttp speaks over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp.web import BaseRequest, RequestHandler, Server, StreamResponse

from chatd.gateway.fronts.http.link import HttpLink

IDLE_SECONDS = 75.0
"""A connection that asks nothing for so long is closed; proxies close theirs after 60 s."""

_SILENT = logging.getLogger("chatd.http")
"""aiohttp would log what strangers say, word for word."""
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False

Handle = Callable[[BaseRequest], Awaitable[StreamResponse]]


class HttpConnection(RequestHandler):
    """``link`` is the client's; None: a trusted proxy's, whose requests are of many clients, and
    ``address`` is its own. ``on_lost`` is called when it has ended."""

    __slots__ = ("_on_lost", "address", "link")

    def __init__(
        self,
        server: Server,
        loop: asyncio.AbstractEventLoop,
        link: HttpLink | None,
        address: str,
        on_lost: Callable[[], None],
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
        self.address = address
        self._on_lost = on_lost

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._on_lost()


def make_server(loop: asyncio.AbstractEventLoop, handle: Handle) -> Server:
    """Keeps the connections, and has ``handle`` answer their requests."""
    return Server(handle, loop=loop)
