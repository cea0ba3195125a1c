"""Drain: a gateway that stops sends its devices away, one by one when there are other gateways to
take them."""

import asyncio
import random
from collections.abc import Callable
from functools import partial

from chatd.errors import Draining
from chatd.gateway.ack_flush import AckFlush
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.link import Link

SPREAD = 0.8
"""Share of the time to drain in which devices are sent away."""
RATE = 10.0
"""Devices a second, if that is quicker: a few of them are no crowd."""
FAREWELL = 1.0
"""Seconds that a device has to hang up after it was told."""


class Drain:
    """``stop_opening`` makes the gateway refuse Hellos and tell the nodes that it goes;
    ``calls_under_way`` is true while a node may still answer one."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connections: ConnectionManager,
        acks: AckFlush,
        sender: DeviceSender,
        *,
        calls_under_way: Callable[[], bool],
        stop_opening: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._connections = connections
        self._acks = acks
        self._sender = sender
        self._calls_under_way = calls_under_way
        self._stop_opening = stop_opening
        self._told: dict[Link, None] = {}
        self._told_at = 0.0  # the last of them

    async def run(self, seconds: float) -> None:
        """Send the devices away: spread over ``seconds`` when there are other gateways to take
        them, else at once. Each stream's acks are written before it is told. Then wait for calls
        under way, at most until ``seconds`` are over, and for the devices to hang up: a libzmq
        socket with IMMEDIATE drops what it has not read when the gateway does."""
        self._stop_opening()
        started = self._loop.time()
        peers = list(self._connections.peers)
        random.shuffle(peers)
        spread = min(seconds * SPREAD, len(peers) / RATE) if self._sender.elsewhere else 0.0
        for number, peer in enumerate(peers):
            while (left := started + spread * number / len(peers) - self._loop.time()) > 0:
                await asyncio.sleep(min(left, 0.05))
            self._acks.flush_one(peer, partial(self._send_away, peer))
        self._acks.flush()
        while self._calls_under_way() and self._loop.time() < started + seconds:
            await asyncio.sleep(0.01)
        # Streams that have no node to write their acks, and those that were opened meanwhile.
        for peer in list(self._connections.peers):
            self._send_away(peer)
        self._connections.flush()
        while self._loop.time() < self._told_at + FAREWELL:
            if all(link.has_ended for link in self._told):
                break
            await asyncio.sleep(0.005)

    def _send_away(self, peer: ClientConnection) -> None:
        if peer in self._connections.peers:
            self._sender.end(peer, Draining("this gateway is stopping; connect elsewhere"))
            self._told[peer.link] = None
            self._told_at = self._loop.time()
            self._connections.flush()
