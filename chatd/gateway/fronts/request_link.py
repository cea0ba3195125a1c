"""RequestLink: a client that makes requests, over HTTP or gRPC, as the gateway sees it. How it is
spoken to depends on what it has asked for: an answer, or a stream."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from chatd.core.audit import LOCAL
from chatd.core.rate_limit import address_key
from chatd.gateway.connection import ClientConnection
from chatd.gateway.fronts.clogging import Buffer, Clogging, ClogOwner
from chatd.gateway.link import Tap


class Speaker(Protocol):
    """Speaks to the client for as long as a request of its lasts."""

    def send(self, frame: bytes) -> bool:
        """One encoded ServerFrame. False: nothing was sent."""

    def ended(self) -> None:
        """The client has gone, or was sent away."""


class RequestLink:
    """One connection; or one request or stream, or one caller, where a connection brings those of
    many clients. ``hang_up`` ends what carries it."""

    __slots__ = (
        "_buffer",
        "_clogging",
        "_go_on",
        "_hang_up",
        "_holds",
        "_owner",
        "address",
        "client_key",
        "connection",
        "has_ended",
        "is_full",
        "is_request",
        "origin",
        "refuses_calls",
        "speaker",
        "stays",
        "stranger_cost",
        "tap",
        "unfinished",
    )

    def __init__(
        self, owner: ClogOwner, address: str, *, hang_up: Callable[[], object], is_request: bool = False
    ) -> None:
        """``address``: the client's IP address. ``is_request``: it lasts as long as one request,
        which a proxy has brought."""
        self._owner = owner
        self._hang_up = hang_up
        self._clogging: Clogging | None = None
        self._buffer: Buffer | None = None  # once it has clogged
        self._holds = 0
        self._go_on: asyncio.Event | None = None
        self.address = address_key(address)
        self.origin = address or LOCAL
        self.client_key = b""
        self.connection: ClientConnection | None = None
        self.speaker: Speaker | None = None
        self.is_full = False
        self.is_request = is_request
        self.refuses_calls = False
        self.has_ended = False
        self.stays = 0.0
        """Seconds for which its stream stays when the client has gone."""
        self.stranger_cost = 0.0
        self.tap: Tap | None = None
        self.unfinished = 0
        """Bytes that the body will have which has begun to come, as far as that is known."""

    @property
    def has_stream(self) -> bool:
        return self.connection is not None and self.connection.is_open

    def heard(self, now: float) -> ClientConnection:
        """The connection whose frame has come."""
        connection = self.connection
        if connection is None or not connection.is_open:
            connection = self.connection = ClientConnection(self, now)
            self.tap = None
        connection.heard_at = now
        return connection

    def send(self, frame: bytes) -> bool:
        if self.has_ended or self.speaker is None:
            return False
        if self.tap is not None:
            self.tap.sent(frame)
        sent = self.speaker.send(frame)
        if self._clogging is not None and self._clogging.is_on and self._buffer is not None:
            self._clogging.measure(self._buffer)
        return sent

    def clogged(self, buffer: Buffer) -> None:
        """The client does not read as quickly as it is written to."""
        if self._clogging is None:
            self._clogging = Clogging(self, self._owner)
        self._buffer = buffer
        self._clogging.begin(buffer)

    def cleared(self) -> None:
        """All that waited has been sent."""
        if self._clogging is not None:
            self._clogging.end()

    def look(self, now: float) -> None:
        """To be called about once a second, for things that only time shows."""
        if self._clogging is not None and self._buffer is not None:
            self._clogging.look(self._buffer, now)

    @property
    def is_held(self) -> bool:
        return self._holds > 0

    def hold(self) -> None:
        self._holds += 1

    def go_on(self) -> None:
        self._holds -= 1
        if not self._holds and self._go_on is not None:
            self._go_on.set()

    def carried_by(self, hang_up: Callable[[], None]) -> None:
        """Something else carries it from now on."""
        self._hang_up = hang_up

    async def turn(self) -> None:
        """Return when the client may be heard."""
        while self._holds and not self.has_ended:
            if self._go_on is None or self._go_on.is_set():
                self._go_on = asyncio.Event()  # of all that wait
            await self._go_on.wait()

    def hang_up(self) -> None:
        self.ended()
        self._hang_up()

    def ended(self) -> None:
        """Nothing more is heard of the client."""
        self.has_ended = True
        if self._go_on is not None:
            self._go_on.set()
        if self.speaker is not None:
            self.speaker.ended()
