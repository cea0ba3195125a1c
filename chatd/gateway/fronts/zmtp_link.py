"""ZmtpLink: one connection of a client that speaks ZMTP."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic, thread_time
from typing import cast

from chatd.core.audit import LOCAL
from chatd.core.rate_limit import address_key
from chatd.core.zmtp import (
    DELIMITER,
    MORE,
    Answer,
    Connection,
    Delimited,
    Event,
    ProtocolError,
    Refused,
)
from chatd.gateway.connection import ClientConnection
from chatd.gateway.fronts.clogging import CLEAR_BYTES, CLOGGED_BYTES, Clogging
from chatd.gateway.fronts.link_owner import LinkOwner
from chatd.gateway.link import Tap

READ_BYTES = 4_096
"""Taken apart before any of it is heard: a connection that floods is ended before it has cost much
of the loop's time."""
TURN_SECONDS = 0.005
"""The rest of what a client has said is heard when others have been."""
LOOK_EACH = 32
"""Frames between two looks at the time."""
LINGER = 1.0
"""Seconds for the last frames of a connection that is ended to leave."""


class ZmtpLink(asyncio.Protocol):
    """One connection. ``connection`` is replaced after each stream: a new stream begins with
    nothing of the old one."""

    is_request = False
    __slots__ = (
        "_accepted",
        "_clogging",
        "_delimited",
        "_holds",
        "_is_unfinished",
        "_left",
        "_outgoing",
        "_owner",
        "_peer",
        "_rest",
        "_transport",
        "address",
        "connection",
        "has_ended",
        "is_full",
        "origin",
        "refuses_calls",
        "stranger_cost",
        "tap",
    )

    def __init__(self, owner: LinkOwner, accepted: socket.socket, address: str) -> None:
        """``address``: the client's IP address; empty for local sockets."""
        self._owner = owner
        self._accepted: socket.socket | None = accepted  # until it is the transport's
        self._peer = Connection(max_body=owner.limits.max_frame, handshake=owner.handshake())
        self._transport: asyncio.Transport | None = None
        self._delimited = False
        self._clogging: Clogging | None = None
        self._is_unfinished = False  # a frame has come in part
        self._holds = 0
        self._left: Sequence[Event] = ()
        self._rest = b""  # behind these
        self._outgoing: list[bytes | bytearray] = []  # in this turn of the loop
        self.address = address_key(address)
        self.origin = address or LOCAL
        self.connection: ClientConnection | None = None
        self.is_full = False
        self.refuses_calls = False
        self.has_ended = False
        self.stranger_cost = 0.0
        self.tap: Tap | None = None

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
        self._left, self._rest = (), b""
        self._owner.lost(self)

    def data_received(self, data: bytes) -> None:
        connection = self.connection
        if connection is not None and connection.stream is not None:
            message = self._peer.lone(data)
            if message is not None and not (self._holds or self._left or self._rest or self.has_ended):
                self._delimited = False
                owner = self._owner
                connection.heard_at = owner.now()
                owner.on_frame(connection, message)
                owner.heard()
                return
        began = self._stranger_begins()
        self._receive_all(data)
        self._charge(began)

    def _stranger_begins(self) -> float:
        """The time at which it does, 0.0: it is no stranger."""
        return thread_time() if self._owner.door.is_stranger(self) else 0.0

    def _charge(self, began: float) -> None:
        """Charge for all that was heard since then, unless it was who this is."""
        if began and (self.has_ended or self._owner.door.is_stranger(self)):
            self._owner.door.cost(self, thread_time() - began)

    def _receive_all(self, data: bytes) -> None:
        if self._rest:
            self._rest += data
        elif len(data) <= READ_BYTES or len(data) <= self._peer.unfinished - self._peer.kept:
            self._receive(data)
        else:
            self._receive_in_steps(data)

    def _receive_in_steps(self, data: bytes) -> None:
        end = monotonic() + TURN_SECONDS
        for at in range(0, len(data), READ_BYTES):
            if self.has_ended:
                return
            if at and not self._holds and monotonic() > end:
                self._let_others()
            if self._holds:
                self._rest = data[at:]
                return
            self._receive(data[at : at + READ_BYTES])

    def _let_others(self) -> None:
        """Others have their turn before more of this client is heard."""
        self.hold()
        self._owner.later(0.0, self.go_on)

    def _receive(self, data: bytes) -> None:
        peer = self._peer
        try:
            events = peer.receive(data)
        except ProtocolError as exc:
            self._break_off(exc)
            return
        if peer.commands:
            self._owner.door.commanded(self, peer.commands, self._owner.now())
        unfinished = peer.unfinished
        if unfinished or self._is_unfinished:
            self._is_unfinished = unfinished > 0
            self._owner.unfinished.note(self, unfinished, peer.kept, moved=bool(events))
        if self._left:
            self._left = [*self._left, *events]
        elif events:
            self._hear(events)

    def _break_off(self, error: ProtocolError) -> None:
        if error.answer:
            self._write(error.answer)
        self._owner.door.broke(self, error.kind)

    def _hear(self, events: Sequence[Event]) -> None:
        owner = self._owner
        now = owner.now()
        end = monotonic() + TURN_SECONDS
        for at, event in enumerate(events):
            if at % LOOK_EACH == LOOK_EACH - 1 and not self._holds and monotonic() > end:
                self._let_others()
            if self._holds:
                self._left = events[at:]
                break
            if self.has_ended:
                return
            if type(event) is bytes:
                self._delimited = False
                owner.on_frame(self._heard(now), event)
            elif isinstance(event, Delimited):
                self._delimited = True
                owner.on_frame(self._heard(now), event.body)
            elif isinstance(event, Refused):
                self._delimited = event.is_delimited
                owner.refuse(self._heard(now), event.error, event.size)
            elif isinstance(event, Answer):
                self._write(event.wire)
        owner.heard()

    def _heard(self, now: float) -> ClientConnection:
        connection = self.connection
        if connection is None or not connection.is_open:
            connection = self.connection = ClientConnection(self, now)
            self.tap = None
        connection.heard_at = now
        return connection

    def send(self, body: bytes) -> bool:
        transport = self._transport
        if transport is None or self.has_ended:
            return False
        if self.tap is not None:
            self.tap.sent(body)
        peer, owner, outgoing = self._peer, self._owner, self._outgoing
        is_plain = peer.is_plain
        if not outgoing:
            owner.flush_soon(self)
        if self._delimited:
            outgoing.append(DELIMITER if is_plain else peer.seal(b"", MORE))
        outgoing.append(owner.prepare(body) if is_plain else peer.seal(body))
        return True

    def _write(self, wire: bytes | bytearray) -> None:
        """With the rest of this turn of the loop."""
        if not self._outgoing:
            self._owner.flush_soon(self)
        self._outgoing.append(wire)

    def flush(self) -> None:
        """Write what was sent in this turn of the loop."""
        outgoing = self._outgoing
        transport = self._transport
        if transport is not None and outgoing and not transport.is_closing():
            transport.write(outgoing[0] if len(outgoing) == 1 else b"".join(outgoing))
            if self._clogging is not None and self._clogging.is_on:
                self._clogging.measure(transport)
        outgoing.clear()

    def pause_writing(self) -> None:
        """The client does not read as quickly as it is written to."""
        if self._clogging is None:
            self._clogging = Clogging(self, self._owner)
        if self._transport is not None:
            self._clogging.begin(self._transport)

    def resume_writing(self) -> None:
        """All that waited has been sent."""
        if self._clogging is not None:
            self._clogging.end()

    @property
    def client_key(self) -> bytes:
        return self._peer.client_key

    @property
    def unfinished(self) -> int:
        """Bytes of the frame that has begun to come."""
        return self._peer.unfinished

    def look(self, now: float) -> None:
        """To be called about once a second, for things that only time shows."""
        if self._clogging is not None and self._transport is not None:
            self._clogging.look(self._transport, now)

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
        if self._left or self._rest:
            self._owner.later(0.0, self._hear_left)
        else:
            self._transport.resume_reading()

    def _hear_left(self) -> None:
        """No more is read until all that has been is heard: it would gather without a bound."""
        began = self._stranger_begins()
        if not self._holds and not self.has_ended:
            left, self._left = self._left, ()
            self._hear(left)
        if not self._holds and not self.has_ended:
            rest, self._rest = self._rest, b""
            self._receive_in_steps(rest)
        if not self._holds and not self.has_ended and self._transport is not None:
            self._transport.resume_reading()
        self._charge(began)

    def finish(self) -> None:
        """Send nothing more, and leave it to the client to hang up: a socket that is closed with
        unread input resets the connection, and frames that are still on their way are lost."""
        self.has_ended = True
        self.flush()
        if self._transport is not None and not self._transport.is_closing():
            with suppress(OSError):  # the client was quicker
                self._transport.write_eof()

    def hang_up(self) -> None:
        """Frames that were sent have LINGER seconds to leave."""
        self.has_ended = True
        self.flush()
        self._owner.unsent.note(self, 0)
        if self._accepted is not None:
            self._accepted.close()  # now: thousands may be accepted in this turn of the loop
        if self._transport is not None:
            self._transport.close()
            self._owner.later(LINGER, self._transport.abort)
