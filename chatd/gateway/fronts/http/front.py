"""HttpFront: clients that speak HTTP. Each is let in, counted and sent away as native clients
are."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import cast

from aiohttp.web import BaseRequest, StreamResponse

from chatd.errors import Overloaded
from chatd.gateway.connection import ClientConnection
from chatd.gateway.fronts.bounds import UnfinishedFrames
from chatd.gateway.fronts.door import Door, FrontLimits, OnFrame
from chatd.gateway.fronts.http.connection import HttpConnection, make_server
from chatd.gateway.fronts.http.exchange import Exchange, Hearing
from chatd.gateway.fronts.http.link import HttpLink
from chatd.gateway.fronts.http.origins import Origins
from chatd.gateway.fronts.http.proxies import Proxies
from chatd.gateway.fronts.http.site import CALLS, Site
from chatd.gateway.fronts.http.statuses import error_response
from chatd.transport.listener import Listener, address_of, listen
from chatd.transport.sockets import Context

TLS_SECONDS = 10.0
"""For the handshake of TLS."""
DRAIN_SECONDS = 1.0
"""For the answers to requests that have been heard."""


class HttpFront:
    """Made early, opened late: ``open`` listens and begins. ``tls``: every connection is encrypted.
    ``on_lost`` is told of connections that ended with a stream, or on the way to one."""

    _listener: Listener
    _hearing: Hearing
    _after_batch: Callable[[], None]

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: FrontLimits,
        door: Door,
        *,
        on_lost: Callable[[ClientConnection], None],
        tls: ssl.SSLContext | None,
        origins: Origins,
        proxies: Proxies,
    ) -> None:
        self._loop = loop
        self._limits = limits
        self._door = door
        self._on_lost = on_lost
        self.tls = tls
        self._proxies = proxies
        self._site = Site(CALLS, origins)
        self._server = make_server(loop, self._answer)
        self._links: dict[HttpLink, None] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_open = self._is_accepting = False
        self._has_heard = False
        self._unfinished: UnfinishedFrames[HttpLink] = UnfinishedFrames(
            is_stranger=door.is_stranger, end=door.broke
        )

    @property
    def connections(self) -> int:
        """Connections of clients, and requests that proxies have brought."""
        return len(self._links)

    def open(self, context: Context, uri: str, *, on_frame: OnFrame, after_batch: Callable[[], None]) -> str:
        """Listen at a tcp:// address; the one listened at. ``after_batch`` is called when
        everything that had come has been handed on. Raises ConfigError or StartFailed."""
        listening = listen(
            uri, context.claim, share_port=self._limits.share_port, encrypts=self.tls is not None
        )
        self._after_batch = after_batch
        self._hearing = Hearing(
            self._door,
            self._unfinished,
            max_frame=self._limits.max_frame,
            on_frame=on_frame,
            heard=self._heard,
            now=self._loop.time,
        )
        bound = address_of(listening)
        self._listener = Listener(self._loop, listening, self._accept, newcomers=self._door.newcomers)
        self._is_open = self._is_accepting = True
        return bound

    def _accept(self, accepted: socket.socket, address: str) -> None:
        if self._proxies.trusts(address):
            self._begin(None, accepted, address)
            return
        link = HttpLink(address, hang_up=accepted.close)
        self._links[link] = None
        self._door.accepted(link, self._loop.time())
        self._door.come(link, partial(self._begin, link, accepted, address))

    def _begin(self, link: HttpLink | None, accepted: socket.socket, address: str) -> None:
        task: asyncio.Task[object] = self._loop.create_task(self._serve(link, accepted, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, link: HttpLink | None, accepted: socket.socket, address: str) -> None:
        if link is not None and link.has_ended:
            self._lost(link)
            return
        connection = HttpConnection(self._server, self._loop, link, address, partial(self._lost, link))
        if link is not None:
            link.carried_by(connection.force_close)
        seconds = None if self.tls is None else TLS_SECONDS
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection, accepted, ssl=self.tls, ssl_handshake_timeout=seconds
            )
        except OSError:  # no TLS, among others
            accepted.close()
            self._lost(link)

    def _lost(self, link: HttpLink | None) -> None:
        """A client has gone; None: a proxy's connection."""
        if link is None or link not in self._links:
            return
        del self._links[link]
        link.ended()
        self._unfinished.forget(link)
        self._door.ended(link)
        if link.has_stream and link.connection is not None:
            self._on_lost(link.connection)
            self._heard()

    async def _answer(self, request: BaseRequest) -> StreamResponse:
        connection = cast(HttpConnection, request.protocol)
        if connection.link is not None:
            return await self._site.answer(Exchange(request, connection.link, self._hearing))
        return await self._answer_by_proxy(request, connection)

    async def _answer_by_proxy(self, request: BaseRequest, connection: HttpConnection) -> StreamResponse:
        """The request counts as a connection of its client."""
        address = self._proxies.client(connection.address, request.headers.get("X-Forwarded-For", ""))
        link = HttpLink(address, hang_up=connection.force_close)
        self._links[link] = None
        come = asyncio.Event()
        try:
            self._door.accepted(link, self._loop.time())
            self._door.come(link, come.set)
            await come.wait()
            if link.has_ended:
                return error_response(Overloaded("too many connections"))
            return await self._site.answer(Exchange(request, link, self._hearing))
        finally:
            self._lost(link)

    def _heard(self) -> None:
        """Something was handed on: ``after_batch`` is called when this turn's rest has been,
        too."""
        if not self._has_heard:
            self._has_heard = True
            self._loop.call_soon(self._after)

    def _after(self) -> None:
        self._has_heard = False
        if self._is_open:
            self._after_batch()

    def look(self) -> None:
        """To be called about once a second."""
        self._unfinished.look(self._loop.time())

    def stop_accepting(self) -> None:
        """Let others that share the port have all newcomers."""
        if self._is_accepting:
            self._is_accepting = False
            self._listener.close()

    async def drain(self) -> None:
        """Accept nothing more; requests that have been heard get DRAIN_SECONDS to be answered."""
        self.stop_accepting()
        await self._server.shutdown(DRAIN_SECONDS)
        self.close()

    def close(self) -> None:
        """Accept nothing more, and end all connections."""
        self._is_open = False
        self.stop_accepting()
        for connection in self._server.connections:
            connection.force_close()
        for link in list(self._links):
            link.hang_up()
