"""RouterFront: native clients on a ZeroMQ ROUTER socket. One message is one frame, behind an empty
delimiter if the client has a REQ socket."""

import asyncio
from collections.abc import Callable

from chatd.errors import ChatdError, FrameTooLarge, MalformedFrame
from chatd.gateway.connection import ClientConnection
from chatd.gateway.link import Link
from chatd.transport.accepted import AcceptedConnection, AcceptedConnections
from chatd.transport.pump import Message, PeerFull, PeerGone, Pump
from chatd.transport.sockets import Context, bind_watched_router, endpoint

SEND_HWM = 100_000
"""Frames that may wait in libzmq for one client; then it counts as one that does not keep up."""
LINGER_MS = 1_000

OnFrame = Callable[[ClientConnection, bytes], None]
Refuse = Callable[[ClientConnection, ChatdError, int], None]
"""Gets the connection, the error and the size of the refused frame in bytes."""


class RouterLink(AcceptedConnection):
    """The ROUTER's way to one client. ``connection`` is replaced after each stream: a new stream
    begins with nothing of the old one."""

    __slots__ = ("_front", "connection", "delimiter")

    def __init__(self, front: "RouterFront", fd: int, inode: tuple[int, int], address: str) -> None:
        super().__init__(fd, inode, address)
        self._front = front
        self.connection: ClientConnection | None = None
        self.delimiter = False

    @property
    def in_use(self) -> bool:
        return self.connection is not None and self.connection.is_open

    def send(self, frame: bytes) -> bool:
        if self.chose_its_id:
            # Another client may have come with the id since the last look: the frame is not for it.
            self._front.accepted.look()
        if self.has_ended:
            return False
        try:
            self._front.pump.send(
                (self.routing_id, b"", frame) if self.delimiter else (self.routing_id, frame)
            )
        except (PeerGone, PeerFull):
            return False
        return True

    def hang_up(self) -> None:
        self._front.accepted.hang_up(self)


class RouterFront:
    """Made early, opened late: ``open`` binds the socket and begins. ``max_frame`` is the largest
    frame taken, in bytes. ``on_lost`` is told of connections that ended with a stream, or on the
    way to one, when everything that they said has been handed on."""

    pump: Pump
    accepted: AcceptedConnections[RouterLink]

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        max_frame: int,
        on_accepted: Callable[[Link, float], None],
        on_ended: Callable[[Link], None],
        on_lost: Callable[[ClientConnection], None],
    ) -> None:
        self._loop = loop
        self._max_frame = max_frame
        self._on_accepted = on_accepted
        self._on_ended = on_ended
        self._on_lost = on_lost
        self._is_open = False

    def open(
        self,
        context: Context,
        uri: str,
        *,
        on_frame: OnFrame,
        refuse: Refuse,
        after_batch: Callable[[], None],
    ) -> str:
        """The address bound. ``after_batch`` is called when everything that had come has been
        handed on. Raises ConfigError."""
        router, monitor = bind_watched_router(context, uri, max_frame=self._max_frame, send_hwm=SEND_HWM)
        self._on_frame, self._refuse, self._after_batch = on_frame, refuse, after_batch
        self.accepted = AcceptedConnections(
            self._loop,
            router,
            monitor,
            make=self._make,
            on_accepted=self._accept,
            on_ended=self._on_ended,
            on_gone=self._gone,
        )
        self.pump = Pump(self._loop, router, self._on_batch, strangers=self.accepted)
        self._is_open = True
        return endpoint(router)

    def _make(self, fd: int, inode: tuple[int, int], address: str) -> RouterLink:
        return RouterLink(self, fd, inode, address)

    def _accept(self, link: RouterLink) -> None:
        self._on_accepted(link, self._loop.time())

    def _gone(self, link: RouterLink) -> None:
        if link.connection is not None and link.connection.is_open:
            self._on_lost(link.connection)

    def _on_batch(self, batch: list[Message]) -> None:
        now = self._loop.time()
        known = self.accepted.known
        for frames in batch:
            link = known.get(frames[0])
            if link is None:
                continue  # hung up on for an earlier frame of this batch
            connection = link.connection
            if connection is None or not connection.is_open:
                connection = link.connection = ClientConnection(link, now)
            connection.heard_at = now
            link.delimiter = len(frames) == 3 and not frames[1]
            frame = frames[-1]
            if len(frames) != (3 if link.delimiter else 2):
                self._refuse(
                    connection, MalformedFrame(f"a message has one frame, not {len(frames) - 1}"), len(frame)
                )
            elif len(frame) > self._max_frame:
                self._refuse(
                    connection,
                    FrameTooLarge(f"{len(frame)} bytes; the limit is {self._max_frame}"),
                    len(frame),
                )
            else:
                self._on_frame(connection, frame)
        self._after_batch()

    def look(self) -> None:
        """Learn at once of connections that came and ended."""
        self.pump.read_now()

    def close(self) -> None:
        """Close the sockets; frames under way get a second to leave."""
        if self._is_open:
            self._is_open = False
            self.accepted.close()
            self.pump.close(linger_ms=LINGER_MS)
