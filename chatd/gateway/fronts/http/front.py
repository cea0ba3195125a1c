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
from chatd.gateway.fronts.batch import Batch
from chatd.gateway.fronts.bounds import UnfinishedFrames
from chatd.gateway.fronts.clogging import Unsent
from chatd.gateway.fronts.door import Door, FrontLimits, OnFrame, Refuse
from chatd.gateway.fronts.http.connection import HttpConnection, make_server
from chatd.gateway.fronts.http.events import EventStreams
from chatd.gateway.fronts.http.exchange import Exchange, Hearing
from chatd.gateway.fronts.http.origins import Origins
from chatd.gateway.fronts.http.page import page_routes
from chatd.gateway.fronts.http.site import CALLS, Route, Site
from chatd.gateway.fronts.http.statuses import error_response
from chatd.gateway.fronts.http.websocket import WebSockets
from chatd.gateway.fronts.port import Port
from chatd.gateway.fronts.proxies import Proxies
from chatd.gateway.fronts.request_link import RequestLink
from chatd.transport.sockets import Context

TLS_SECONDS = 10.0
"""For the handshake of TLS."""
LARGE_READ = 4_096
BYTES_A_LINE = 8
"""More ends of lines than this in more than LARGE_READ bytes are chunks of a body that have a byte
or two. Reading what has come at once of them would take a tenth of a second of everybody's."""
DRAIN_SECONDS = 1.0
"""For the answers to requests that have been heard."""


class HttpFront:
    """Made early, opened late: ``open`` listens and begins. ``tls``: every connection is encrypted.
    ``on_lost`` is told of connections that ended with a stream, or on the way to one."""

    _hearing: Hearing

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: FrontLimits,
        door: Door,
        *,
        on_lost: Callable[[ClientConnection], None],
        on_room: Callable[[ClientConnection], None],
        tls: ssl.SSLContext | None,
        origins: Origins,
        proxies: Proxies,
        has_page: bool,
    ) -> None:
        self._loop = loop
        self.limits = limits
        self.door = door
        self.on_room = on_room
        self.unsent = Unsent()
        self._on_lost = on_lost
        self.tls = tls
        self._proxies = proxies
        sockets, events = WebSockets(origins), EventStreams(loop.call_later, origins)
        streams: tuple[Route, ...] = (
            ("GET", "/v1/stream", sockets.stream),
            ("GET", "/v1/devices/{device}/events", events.stream),
            ("POST", "/v1/devices/{device}/ack", events.acknowledge),
        )
        self._site = Site((*CALLS, *streams, *(page_routes() if has_page else ())), origins)
        self._server = make_server(loop, self._answer)
        self._links: dict[RequestLink, None] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._batch = Batch(loop)
        self._port = Port(loop, limits, door, self._accept)
        self._unfinished: UnfinishedFrames[RequestLink] = UnfinishedFrames(
            is_stranger=door.is_stranger, end=door.broke
        )

    @property
    def connections(self) -> int:
        """Connections of clients, and requests that proxies have brought."""
        return len(self._links)

    @property
    def unsent_bytes(self) -> int:
        """Bytes that wait for clients that do not read."""
        return self.unsent.together

    def open(
        self,
        context: Context,
        uri: str,
        *,
        on_frame: OnFrame,
        refuse: Refuse,
        after_batch: Callable[[], None],
    ) -> str:
        """Listen at a tcp:// address; the one listened at. ``after_batch`` is called when
        everything that had come has been handed on. Raises ConfigError or StartFailed."""
        self._hearing = Hearing(
            self.door,
            self._unfinished,
            max_frame=self.limits.max_frame,
            on_frame=on_frame,
            refuse=refuse,
            heard=self._batch.heard,
            now=self._loop.time,
        )
        bound = self._port.open(context, uri, encrypts=self.tls is not None)
        self._batch.after = after_batch
        return bound

    def _accept(self, accepted: socket.socket, address: str) -> None:
        if self._proxies.trusts(address):
            self._begin(None, accepted, address)
            return
        link = RequestLink(self, address, hang_up=accepted.close)
        self._links[link] = None
        self.door.accepted(link, self._loop.time())
        self.door.come(link, partial(self._begin, link, accepted, address))

    def _begin(self, link: RequestLink | None, accepted: socket.socket, address: str) -> None:
        task: asyncio.Task[object] = self._loop.create_task(self._serve(link, accepted, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, link: RequestLink | None, accepted: socket.socket, address: str) -> None:
        if link is not None and link.has_ended:
            self._lost(link)
            return
        connection = HttpConnection(
            self._server,
            self._loop,
            link,
            address,
            on_bytes=self._received,
            is_stranger=self.door.is_stranger,
            on_read=self._read,
            on_lost=self._hung_up,
        )
        if link is not None:
            link.carried_by(connection.force_close)
        seconds = None if self.tls is None else TLS_SECONDS
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection, accepted, ssl=self.tls, ssl_handshake_timeout=seconds
            )
        except OSError:  # no TLS, among others
            accepted.close()
            self._hung_up(connection)

    def _received(self, connection: HttpConnection, data: bytes) -> bool:
        """False: nothing more is read of the connection. A stranger's bytes are counted: aiohttp
        keeps those of what has not ended."""
        link = connection.link
        if link is None:
            return True
        if (
            len(data) > LARGE_READ
            and data.count(b"\r\n") * BYTES_A_LINE > len(data)
            and not connection.is_proxys
        ):
            self.door.broke(link, "small chunks")
            return False
        if self.door.is_stranger(link):
            self._unfinished.note(link, self.limits.max_frame, connection.unheard, moved=False)
        return True

    def _read(self, link: RequestLink, seconds: float) -> None:
        if self.door.is_stranger(link):
            self.door.cost(link, seconds)

    def _hung_up(self, connection: HttpConnection) -> None:
        link = connection.link
        if link is not None and connection.is_proxys:
            link.ended()  # its request ends by itself
        elif link is not None:
            self._lost(link)

    def _lost(self, link: RequestLink) -> None:
        """A client has gone."""
        if link not in self._links:
            return
        del self._links[link]
        link.ended()
        self._unfinished.forget(link)
        self.unsent.note(link, 0)
        self.door.ended(link)
        if link.has_stream and link.connection is not None:
            link.is_full = True  # nothing is sent, if it stays
            self._loop.call_later(link.stays, self._end, link.connection)

    def _end(self, connection: ClientConnection) -> None:
        """The stream of a client that has gone ends, if it has not."""
        if connection.is_open:
            self._on_lost(connection)
            self._batch.heard()

    async def _answer(self, request: BaseRequest) -> StreamResponse:
        connection = cast(HttpConnection, request.protocol)
        connection.unheard = 0
        if connection.is_proxys or connection.link is None:
            return await self._answer_by_proxy(request, connection)
        self._unfinished.note(connection.link, 0, 0, moved=True)
        return await self._site.answer(Exchange(request, connection.link, self._hearing))

    async def _answer_by_proxy(self, request: BaseRequest, connection: HttpConnection) -> StreamResponse:
        """The request counts as a connection of its client."""
        address = self._proxies.client(connection.address, request.headers.getall("X-Forwarded-For", ()))
        link = RequestLink(self, address, hang_up=connection.force_close, is_request=True)
        self._links[link] = None
        connection.link = link
        come = asyncio.Event()
        try:
            self.door.accepted(link, self._loop.time())
            self.door.come(link, come.set)
            await come.wait()
            if link.has_ended:
                return error_response(Overloaded("too many connections"))
            return await self._site.answer(Exchange(request, link, self._hearing))
        finally:
            connection.link = None
            self._lost(link)

    def look(self) -> None:
        """To be called about once a second."""
        now = self._loop.time()
        self._unfinished.look(now)
        for link in self.unsent:
            link.look(now)

    def stop_accepting(self) -> None:
        """Let others that share the port have all newcomers."""
        self._port.close()

    def accept_again(self) -> None:
        """Have newcomers as before. Raises StartFailed."""
        self._port.accept_again()

    async def drain(self) -> None:
        """Accept nothing more; requests that have been heard get DRAIN_SECONDS to be answered."""
        self.stop_accepting()
        await self._server.shutdown(DRAIN_SECONDS)
        self.close()

    def close(self) -> None:
        """Accept nothing more, and end all connections."""
        self._batch.after = None
        self.stop_accepting()
        for connection in self._server.connections:
            connection.force_close()
        for link in list(self._links):
            link.hang_up()
