"""ZmtpFront: native clients, whose DEALER or REQ sockets find here the ROUTER that they expect.
Inside, a peer is its connection.

A connection's frames are taken as they come. The bytes that it has yet to read are bounded: its
deliveries stay in the outbox, then its calls wait.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial

from chatd.core.curve import CurveServer, KeyPair
from chatd.core.zmtp import CurveHandshake, Handshake, NullHandshake, frame
from chatd.gateway.connection import ClientConnection
from chatd.gateway.fronts.batch import Batch
from chatd.gateway.fronts.bounds import UnfinishedFrames
from chatd.gateway.fronts.clogging import Unsent
from chatd.gateway.fronts.door import Door, FrontLimits, OnFrame, Refuse
from chatd.gateway.fronts.port import Port
from chatd.gateway.fronts.self_test import check_encryption
from chatd.gateway.fronts.zmtp_link import LINGER, ZmtpLink
from chatd.transport.sockets import Context


class ZmtpFront:
    """Made early, opened late: ``open`` listens and begins. ``on_lost`` is told of connections that
    ended with a stream, or on the way to one; ``on_room`` of those whose deliveries need no longer
    stay in the outbox. ``curve``: every connection is encrypted, with these keys."""

    on_frame: OnFrame
    refuse: Refuse

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
        self._batch = Batch(loop)
        self.heard = self._batch.heard
        self._port = Port(loop, limits, door, self._accept)
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
        self.on_frame, self.refuse = on_frame, refuse
        bound = self._port.open(context, uri, encrypts=self._curve is not None)
        self._batch.after = after_batch
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
        """The body as it is sent. A body that goes to many connections one after the other is made
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
        self._port.close()

    def accept_again(self) -> None:
        """Have newcomers as before. Raises StartFailed."""
        self._port.accept_again()

    async def drain(self) -> None:
        """Accept nothing more; what was sent gets LINGER seconds to leave."""
        self._batch.after = None
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
        self._batch.after = None
        self.stop_accepting()
        for link in list(self._links):
            link.hang_up()
