"""Drain: a gateway that stops, or that an operator takes out of service, sends its devices away,
one by one when there are other gateways to take them."""

import asyncio
import random
from collections.abc import Callable
from functools import partial

import structlog

from chatd.errors import Draining
from chatd.gateway.ack_flush import AckFlush
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.link import Link
from chatd.pb.admin.v1.admin_pb2 import (
    DrainProcessRequest,
    DrainProcessResponse,
    ResumeProcessRequest,
    ResumeProcessResponse,
)

log = structlog.get_logger()

DRAINED = "an operator has drained this gateway; connect elsewhere"
STOPPING = "this gateway is stopping; connect elsewhere"
SPREAD = 0.8
"""Share of the time to drain in which devices are sent away."""
RATE = 10.0
"""Devices a second, if that is quicker: a few of them are no crowd."""
FAREWELL = 1.0
"""Seconds that a device has to hang up after it was told."""


class Drain:
    """``stop_opening`` makes the gateway refuse Hellos and tell the nodes that it goes; ``pause``
    and ``resume`` do the same for as long as an operator wants it. ``calls_under_way`` is true
    while a node may still answer one. An operator's drain is spread over ``seconds``."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connections: ConnectionManager,
        acks: AckFlush,
        sender: DeviceSender,
        *,
        calls_under_way: Callable[[], bool],
        stop_opening: Callable[[], None],
        pause: Callable[[], None],
        resume: Callable[[], None],
        seconds: float,
    ) -> None:
        self._loop = loop
        self._connections = connections
        self._acks = acks
        self._sender = sender
        self._calls_under_way = calls_under_way
        self._stop_opening = stop_opening
        self._pause = pause
        self._resume = resume
        self._seconds = seconds
        self._sending_away: asyncio.Task[None] | None = None
        self.is_drained = False
        """True while an operator has taken the gateway out of service."""
        self._told: dict[Link, None] = {}
        self._told_at = 0.0  # the last of them

    async def run(self, seconds: float) -> None:
        """Send the devices away: spread over ``seconds`` when there are other gateways to take
        them, else at once. Each stream's acks are written before it is told. Then wait for calls
        under way, at most until ``seconds`` are over, and for the devices to hang up: a libzmq
        socket with IMMEDIATE drops what it has not read when the gateway does."""
        self._cancel()
        self._stop_opening()
        started = self._loop.time()
        await self._send_all_away(seconds, STOPPING)
        while self._calls_under_way() and self._loop.time() < started + seconds:
            await asyncio.sleep(0.01)
        self._send_the_rest_away(STOPPING)
        while self._loop.time() < self._told_at + FAREWELL:
            if all(link.has_ended for link in self._told):
                break
            await asyncio.sleep(0.005)

    async def begin(self, request: DrainProcessRequest) -> DrainProcessResponse:
        """Take the gateway out of service; the devices are sent away meanwhile."""
        if not self.is_drained:
            self.is_drained = True
            log.info("An operator drains the gateway", streams=len(self._connections.streams))
            self._pause()
            self._sending_away = self._loop.create_task(self._drained(), name="drain")
        return DrainProcessResponse(left=len(self._connections.streams), elsewhere=self._sender.elsewhere)

    async def end(self, request: ResumeProcessRequest) -> ResumeProcessResponse:
        """Let it serve again; what has not been sent away stays."""
        was_drained, self.is_drained = self.is_drained, False
        if was_drained:
            self._cancel()
            self._resume()
            log.info("An operator lets the gateway serve again", streams=len(self._connections.streams))
        return ResumeProcessResponse(resumed=was_drained)

    def _cancel(self) -> None:
        if self._sending_away is not None:
            self._sending_away.cancel()
            self._sending_away = None
        self._told.clear()

    async def _drained(self) -> None:
        """Streams whose acks no node takes are sent away at the end of the time."""
        started = self._loop.time()
        await self._send_all_away(self._seconds, DRAINED)
        while self._connections.peers and self._loop.time() < started + self._seconds:
            await asyncio.sleep(0.05)
        self._send_the_rest_away(DRAINED)
        log.info("The gateway is drained", streams=len(self._connections.streams))

    async def _send_all_away(self, seconds: float, reason: str) -> None:
        started = self._loop.time()
        peers = list(self._connections.peers)
        random.shuffle(peers)
        spread = min(seconds * SPREAD, len(peers) / RATE) if self._sender.elsewhere else 0.0
        for number, peer in enumerate(peers):
            while (left := started + spread * number / len(peers) - self._loop.time()) > 0:
                await asyncio.sleep(min(left, 0.05))
            self._acks.flush_one(peer, partial(self._send_away, reason, peer))
        self._acks.flush()

    def _send_the_rest_away(self, reason: str) -> None:
        """Streams that have no node to write their acks, and those that were opened meanwhile."""
        for peer in list(self._connections.peers):
            self._send_away(reason, peer)
        self._connections.flush()

    def _send_away(self, reason: str, peer: ClientConnection) -> None:
        if peer in self._connections.peers:
            self._sender.end(peer, Draining(reason))
            self._told[peer.link] = None
            self._told_at = self._loop.time()
            self._connections.flush()
