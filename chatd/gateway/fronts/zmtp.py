"""ZmtpFront: native clients, whose DEALER or REQ sockets find here the ROUTER that they expect.
Inside, a peer is its connection.

What a connection has said is taken as it comes. What it has yet to read is bounded: its deliveries
stay in the outbox, then its calls wait.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial

from chatd.core.curve import CurveServer, KeyPair
from chatd.core.zmtp import CurveHandshake, Handshake, NullHandshake, frame
from chatd.gateway.connection import ClientConnection
from chatd.gateway.fronts.bounds import UnfinishedFrames
from chatd.gateway.fronts.clogging import Unsent
from chatd.gateway.fronts.door import Door, FrontLimits, OnFrame, Refuse
from chatd.gateway.fronts.self_test import check_encryption
from chatd.gateway.fronts.zmtp_link import LINGER, ZmtpLink
from chatd.transport.listener import Listener, address_of, listen
from chatd.transport.sockets import Context


class ZmtpFront:
    """Made early, opened late: ``open`` listens and begins. ``on_lost`` is told of connections that
    ended with a stream, or on the way to one; ``on_room`` of those whose deliveries need no longer
    stay in the outbox. ``curve``: every connection is encrypted, with these keys."""

    on_frame: OnFrame
    refuse: Refuse
    _after_batch: Callable[[], None]
    _listener: Listener

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: FrontLimits,
        door: Door,
        *,
        on_lost: Callable[[ClientConnection], None],
        on_room: Callable[[ClientConnection], None],
        curve: CurveServer | None = None,
    ) -> None:
        self._loop = loop
        self._curve = curve
        self.limits = limits
        self.door = door
        self._on_lost = on_lost
        self.on_room = on_room
        self.now = loop.time
        self.later = loop.call_later
        self._links: dict[ZmtpLink, None] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_open = self._is_accepting = False
        self._has_heard = False
        self._sending: list[ZmtpLink] = []
        self._prepared = b""
        self._prepared_wire = frame(b"")
        self.unsent: Unsent = Unsent()
        self.unfinished: UnfinishedFrames[ZmtpLink] = UnfinishedFrames(
            is_stranger=door.is_stranger, end=door.broke
        )

    @property
    def connections(self) -> int:
        """The number of clients that are connected."""
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
        """The address listened at. ``after_batch`` is called when everything that had come has been
        handed on. Raises ConfigError or StartFailed."""
        if self._curve is not None:
            check_encryption(self.handshake, self._curve.public)
        listening = listen(
            uri, context.claim, share_port=self.limits.share_port, encrypts=self._curve is not None
        )
        self.on_frame, self.refuse, self._after_batch = on_frame, refuse, after_batch
        bound = address_of(listening)
        self._listener = Listener(self._loop, listening, self._accept, newcomers=self.door.newcomers)
        self._is_open = self._is_accepting = True
        return bound

    def _accept(self, accepted: socket.socket, address: str) -> None:
        link = ZmtpLink(self, accepted, address)
        self._links[link] = None
        self.door.accepted(link, self.now())
        self.door.come(link, partial(self._begin, link, accepted))

    def _begin(self, link: ZmtpLink, accepted: socket.socket) -> None:
        task: asyncio.Task[object] = self._loop.create_task(self._serve(link, accepted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, link: ZmtpLink, accepted: socket.socket) -> None:
        if link.has_ended:
            self.lost(link)
            return
        try:
            await self._loop.connect_accepted_socket(lambda: link, accepted)
        except OSError:
            accepted.close()
            link.connection_lost(None)

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """The keys by which clients know it, the newest last; none if connections are plain."""
        return () if self._curve is None else tuple(pair.public for pair in self._curve.pairs)

    def change_keys(self, pairs: Sequence[KeyPair]) -> None:
        """Connections that come from now on are encrypted with these keys, if they are
        encrypted."""
        if self._curve is not None:
            self._curve.pairs = tuple(pairs)

    def handshake(self) -> Handshake:
        """The handshake of a new connection."""
        return NullHandshake() if self._curve is None else CurveHandshake(self._curve, self.now)

    def lost(self, link: ZmtpLink) -> None:
        """A connection has ended."""
        self._links.pop(link, None)
        self.unfinished.forget(link)
        self.unsent.note(link, 0)
        self.door.ended(link)
        connection = link.connection
        if connection is not None and connection.is_open:
            self._on_lost(connection)
            self.heard()

    def heard(self) -> None:
        """Something was handed on: ``after_batch`` is called when this turn's rest has been,
        too."""
        if not self._has_heard:
            self._has_heard = True
            self._loop.call_soon(self._after)

    def _after(self) -> None:
        self._has_heard = False
        if self._is_open:
            self._after_batch()

    def flush_soon(self, link: ZmtpLink) -> None:
        """The link has something to write: once for all that it is given in this turn."""
        if not self._sending:
            self._loop.call_soon(self._flush)
        self._sending.append(link)

    def _flush(self) -> None:
        sending, self._sending = self._sending, []
        for link in sending:
            link.flush()

    def prepare(self, body: bytes) -> bytes:
        """The body as it is sent. What goes to many connections one after the other is made
        once."""
        if body is not self._prepared:
            self._prepared, self._prepared_wire = body, frame(body)
        return self._prepared_wire

    def look(self) -> None:
        """To be called about once a second, for what only time shows."""
        now = self.now()
        self.unfinished.look(now)
        for link in self.unsent:
            link.look(now)
        if self._curve is not None:
            self._curve.discard_cookie_keys(now)

    def stop_accepting(self) -> None:
        """Let others that share the port have all newcomers."""
        if self._is_accepting:
            self._is_accepting = False
            self._listener.close()

    async def drain(self) -> None:
        """Accept nothing more; what was sent gets LINGER seconds to leave."""
        self._is_open = False
        self.stop_accepting()
        for link in list(self._links):
            link.finish()
        end = self.now() + LINGER
        while (self._links or self._tasks) and self.now() < end:
            await asyncio.sleep(0.005)
        self.close()

    def close(self) -> None:
        """Accept nothing more, and end all connections; their last frames leave if the loop goes
        on."""
        self._is_open = False
        self.stop_accepting()
        for link in list(self._links):
            link.hang_up()
