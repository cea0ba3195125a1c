"""ZmtpFront: native clients, whose DEALER or REQ sockets find here the ROUTER that they expect.
Inside, a peer is its connection.

What a connection has said is taken as it comes. What it has yet to read is bounded: its deliveries
stay in the outbox, then its calls wait.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from chatd.core.curve import CurveServer
from chatd.core.rate_limit import address_key
from chatd.core.zmtp import (
    DELIMITER,
    MORE,
    Answer,
    Connection,
    Delimited,
    Event,
    NotZmtp3,
    ProtocolError,
    Refused,
    frame,
)
from chatd.core.zmtp_security import CurveHandshake, Handshake, NullHandshake
from chatd.errors import ChatdError
from chatd.gateway.connection import ClientConnection
from chatd.gateway.link import Link
from chatd.transport.listener import Listener, address_of, listen
from chatd.transport.sockets import Context

CLOGGED_BYTES = 65_536
"""What may wait for a client behind the kernel's own buffers before it is looked at closely."""
CLEAR_BYTES = 16_384
MAX_UNSENT = 1_048_576
"""Bytes waiting for one client; then its deliveries stay in the outbox."""
MAX_UNSENT_ANSWERS = 4 * MAX_UNSENT
"""The same with its answers: then its calls wait too. Deliveries alone never come to this: a pull
brings at most as much as MAX_UNSENT."""
STRANGER_BYTES = 16_384
"""Kept of the frame that a client sends before it has authenticated; beyond this it has a share
in STRANGERS_BYTES."""
STRANGERS_BYTES = 32 * 1_048_576
"""Kept of such frames of all of them together: a first call has its token in it and may be large.
The oldest goes when it is too much."""
FRAME_SECONDS = 30.0
FRAME_BYTES_PER_SECOND = 8_192
"""A frame must have come FRAME_SECONDS after it began, and a large one at this rate."""
READ_BYTES = 4_096
"""Taken apart before any of it is heard: a connection that floods is ended before it has cost much
of the loop's time."""
LONGEST_STEP = 2.0
"""Seconds between two looks that count, at most."""
LINGER = 1.0
"""Seconds for the last frames of a connection that is ended to leave."""

OnFrame = Callable[[ClientConnection, bytes], None]
Refuse = Callable[[ClientConnection, ChatdError, int], None]
"""Gets the connection, the error and the size of the refused frame in bytes."""


@dataclass(frozen=True, slots=True)
class FrontLimits:
    """``max_frame``: the largest frame taken, in bytes. ``max_unsent``: bytes that may wait for all
    clients together, of those that do not keep up. ``share_port``: other gateways of this machine
    may listen at the same address."""

    max_frame: int
    max_unsent: int
    share_port: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """The doorkeeper, as a front sees it (``Doorkeeper``)."""

    accepted: Callable[[Link, float], None]
    ended: Callable[[Link], None]
    broke: Callable[[Link, str], None]
    """Ends a connection that broke a rule of the protocol, and counts it under this reason."""
    commanded: Callable[[Link, int, float], None]
    """Ends a connection that sends too many commands of its transport."""
    is_stranger: Callable[[Link], bool]
    newcomers: Callable[[int], int]


class ZmtpLink(asyncio.Protocol):
    """One connection. ``connection`` is replaced after each stream: a new stream begins with
    nothing of the old one."""

    __slots__ = (
        "_accepted",
        "_delimited",
        "_front",
        "_holds",
        "_is_clogged",
        "_left",
        "_outgoing",
        "_peer",
        "_transport",
        "_unread",
        "address",
        "calls_under_way",
        "connection",
        "has_ended",
        "is_full",
    )

    def __init__(self, front: "ZmtpFront", accepted: socket.socket) -> None:
        self._front = front
        self._accepted: socket.socket | None = accepted  # until it is the transport's
        self._peer = Connection(max_body=front.limits.max_frame, handshake=front.handshake())
        self._transport: asyncio.Transport | None = None
        self._delimited = False
        self._is_clogged = False
        self._unread = False  # so many answers wait that calls do too
        self._holds = 0
        self._left: list[Event] = []
        self._outgoing: list[bytes] = []  # in this turn of the loop
        self.address = _address(accepted)
        self.connection: ClientConnection | None = None
        self.calls_under_way = 0
        self.is_full = False
        self.has_ended = False
        """True as soon as nothing more is heard of it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._accepted = None
        if self.has_ended:
            transport.close()
            return
        self._transport = made = cast(asyncio.Transport, transport)
        made.set_write_buffer_limits(CLOGGED_BYTES, CLEAR_BYTES)
        made.write(self._peer.opening)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.has_ended = True
        self._left = []
        self._front.lost(self)

    def data_received(self, data: bytes) -> None:
        if len(data) <= max(READ_BYTES, self._peer.unfinished - self._peer.kept):
            self._receive(data)
            return
        for at in range(0, len(data), READ_BYTES):
            self._receive(data[at : at + READ_BYTES])

    def _receive(self, data: bytes) -> None:
        if self.has_ended:
            return
        peer = self._peer
        try:
            events = peer.receive(data)
        except ProtocolError as exc:
            self._break_off(exc)
            return
        if peer.commands:
            self._front.door.commanded(self, peer.commands, self._front.now())
        self._front.note_unfinished(self, peer.unfinished, peer.kept, moved=bool(events))
        if self._left:
            self._left += events
        elif events:
            self._hear(events)

    def _break_off(self, error: ProtocolError) -> None:
        if error.answer:
            self._write(error.answer)
        self._front.door.broke(
            self, "old or foreign protocol" if isinstance(error, NotZmtp3) else "broken protocol"
        )

    def _hear(self, events: Sequence[Event]) -> None:
        front = self._front
        now = front.now()
        for at, event in enumerate(events):
            if self._holds:
                self._left = list(events[at:])
                return
            if self.has_ended:
                return
            if type(event) is bytes:
                self._delimited = False
                front.on_frame(self._heard(now), event)
            elif isinstance(event, Delimited):
                self._delimited = True
                front.on_frame(self._heard(now), event.body)
            elif isinstance(event, Refused):
                front.refuse(self._heard(now), event.error, event.size)
            elif isinstance(event, Answer):
                self._write(event.wire)
        front.heard()

    def _heard(self, now: float) -> ClientConnection:
        connection = self.connection
        if connection is None or not connection.is_open:
            connection = self.connection = ClientConnection(self, now)
        connection.heard_at = now
        return connection

    def send(self, body: bytes) -> bool:
        transport = self._transport
        if transport is None or self.has_ended:
            return False
        peer = self._peer
        if self._delimited:
            self._write(DELIMITER if peer.is_plain else peer.seal(b"", MORE))
        self._write(self._front.prepare(body) if peer.is_plain else peer.seal(body))
        return True

    def _write(self, wire: bytes) -> None:
        """With the rest of this turn of the loop."""
        if not self._outgoing:
            self._front.flush_soon(self)
        self._outgoing.append(wire)

    def flush(self) -> None:
        """Write what was sent in this turn of the loop."""
        outgoing = self._outgoing
        transport = self._transport
        if transport is not None and outgoing:
            transport.write(outgoing[0] if len(outgoing) == 1 else b"".join(outgoing))
            if self._is_clogged:
                self._measure(transport)
        outgoing.clear()

    def pause_writing(self) -> None:
        """The client does not read as quickly as it is written to."""
        self._is_clogged = True
        if self._transport is not None:
            self._measure(self._transport)

    def _measure(self, transport: asyncio.Transport) -> None:
        size = transport.get_write_buffer_size()
        together = self._front.note_unsent(self, size)
        self.is_full = self.is_full or size > MAX_UNSENT or together > self._front.limits.max_unsent
        if size > MAX_UNSENT_ANSWERS and not self._unread:
            self._unread = True
            self.hold()

    def resume_writing(self) -> None:
        """What waited has been sent."""
        self._is_clogged = False
        self._front.note_unsent(self, 0)
        if self._unread:
            self._unread = False
            self.go_on()
        if self.is_full:
            self.is_full = False
            if self.connection is not None:
                self._front.on_room(self.connection)

    @property
    def unfinished(self) -> int:
        """Bytes of the frame that has begun to come."""
        return self._peer.unfinished

    def look(self, now: float) -> None:
        """A client whose calls wait until it has read counts as heard while it reads."""
        if self._unread and self._transport is not None and self.connection is not None:
            size = self._transport.get_write_buffer_size()
            if size < self._front.unsent_by(self):
                self.connection.heard_at = now
            self._front.note_unsent(self, size)

    @property
    def has_stream(self) -> bool:
        return self.connection is not None and self.connection.is_open

    @property
    def is_held(self) -> bool:
        return self._holds > 0

    def hold(self) -> None:
        self._holds += 1
        if self._holds == 1 and self._transport is not None and not self.has_ended:
            self._transport.pause_reading()

    def go_on(self) -> None:
        self._holds -= 1
        if self._holds or self._transport is None or self.has_ended:
            return
        self._transport.resume_reading()
        if self._left:
            self._front.soon(self._hear_left)

    def _hear_left(self) -> None:
        if not self._holds and not self.has_ended:
            left, self._left = self._left, []
            self._hear(left)

    def hang_up(self) -> None:
        """What was sent has LINGER seconds to leave."""
        self.has_ended = True
        self.flush()
        if self._accepted is not None:
            self._accepted.close()  # now: thousands may be accepted in this turn of the loop
        if self._transport is not None:
            self._transport.close()
            self._front.later(LINGER, self._transport.abort)


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
        self.soon = loop.call_soon
        self.later = loop.call_later
        self._links: dict[ZmtpLink, None] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_open = self._is_accepting = False
        self._has_heard = False
        self._sending: list[ZmtpLink] = []
        self._prepared = b""
        self._prepared_wire = frame(b"")
        self._unsent: dict[ZmtpLink, int] = {}
        self._unsent_together = 0
        self._unfinished: dict[ZmtpLink, float] = {}  # for how long a frame has been coming
        self._looked_at = loop.time()
        self._large: dict[ZmtpLink, int] = {}  # bytes kept of strangers; the oldest first
        self._large_together = 0

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
        listening = listen(uri, context.claim, share_port=self.limits.share_port)
        self.on_frame, self.refuse, self._after_batch = on_frame, refuse, after_batch
        bound = address_of(listening)
        self._listener = Listener(self._loop, listening, self._accept, newcomers=self.door.newcomers)
        self._is_open = self._is_accepting = True
        return bound

    def _accept(self, accepted: socket.socket) -> None:
        link = ZmtpLink(self, accepted)
        self._links[link] = None
        self.door.accepted(link, self.now())
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

    def handshake(self) -> Handshake:
        """Of a new connection."""
        return NullHandshake() if self._curve is None else CurveHandshake(self._curve, self.now)

    def lost(self, link: ZmtpLink) -> None:
        """A connection has ended."""
        self._links.pop(link, None)
        self._unfinished.pop(link, None)
        self._large_together -= self._large.pop(link, 0)
        self.note_unsent(link, 0)
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

    def note_unsent(self, link: ZmtpLink, size: int) -> int:
        """So many bytes wait for the link's client. Returns those that wait for all that do not
        keep up."""
        self._unsent_together += size - self._unsent.pop(link, 0)
        if size:
            self._unsent[link] = size
        return self._unsent_together

    def unsent_by(self, link: ZmtpLink) -> int:
        """The size that was noted last."""
        return self._unsent.get(link, 0)

    def note_unfinished(self, link: ZmtpLink, expected: int, kept: int, *, moved: bool) -> None:
        """A frame of so many bytes has come in part, or none has. ``moved``: an earlier one has
        come to its end since the last note."""
        if moved or not expected:
            self._unfinished.pop(link, None)
        if expected:
            self._unfinished.setdefault(link, 0.0)
        if kept > STRANGER_BYTES or link in self._large:
            self._bound_strangers(link, kept)

    def _bound_strangers(self, link: ZmtpLink, kept: int) -> None:
        self._large_together -= self._large.pop(link, 0)
        if kept > STRANGER_BYTES and self.door.is_stranger(link):
            self._large[link] = kept
            self._large_together += kept
        while self._large_together > STRANGERS_BYTES:
            oldest = next(iter(self._large))
            self._large_together -= self._large.pop(oldest)
            self.door.broke(oldest, "large before its token")

    def look(self) -> None:
        """To be called about once a second: end connections whose frame does not come to an end."""
        now = self.now()
        # While this process stood still, or did not read, nothing could come.
        step, self._looked_at = min(now - self._looked_at, LONGEST_STEP), now
        for link in self._unfinished:
            if not link.is_held:
                self._unfinished[link] += step
        late = [
            link
            for link, seconds in self._unfinished.items()
            if seconds > FRAME_SECONDS + link.unfinished / FRAME_BYTES_PER_SECOND
        ]
        for link in late:
            self.door.broke(link, "unfinished frame")
        for link in list(self._unsent):
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
        self.close()
        end = self.now() + LINGER
        while self._links and self.now() < end:
            await asyncio.sleep(0.005)

    def close(self) -> None:
        """Accept nothing more, and end all connections; their last frames leave if the loop goes
        on."""
        self._is_open = False
        self.stop_accepting()
        for link in list(self._links):
            link.hang_up()


def _address(accepted: socket.socket) -> str:
    if accepted.family == socket.AF_UNIX:
        return ""
    try:
        return address_key(accepted.getpeername()[0])
    except OSError:
        return ""  # it has ended already
