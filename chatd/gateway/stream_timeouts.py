"""What time does to streams: the silent are closed, the quiet are checked against the outbox now and then."""

import math
import random

from chatd.errors import HeartbeatLost
from chatd.gateway.ack_flush import AckFlush
from chatd.gateway.catch_up import CatchUp
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.gateway.device_sender import DeviceSender

MISSED_HEARTBEATS = 3
ROUNDS = 4
"""Each stream is looked at so many times a heartbeat (and a retry time)."""
PERIOD = 0.25
"""Seconds between two looks, at a part of the streams each: all 10,000 at once would hold up deliveries for 15 ms; fewer at once would pull in
small batches."""


class StreamTimeouts:
    """``tick`` is to be called every ``period``; it looks at some of the streams, some two microseconds each. Times in seconds."""

    def __init__(
        self,
        connections: ConnectionManager,
        catch_up: CatchUp,
        devices: DeviceSender,
        acks: AckFlush,
        *,
        heartbeat_interval: float,
        repair_pull: float,
        delivery_retry: float,
    ) -> None:
        self._connections = connections
        self._catch_up = catch_up
        self._devices = devices
        self._silence = MISSED_HEARTBEATS * heartbeat_interval
        self._acks = acks
        self._repair_pull = repair_pull
        self._delivery_retry = delivery_retry
        look = min(heartbeat_interval, delivery_retry) / ROUNDS
        self.period = min(look, PERIOD)
        self._parts = round(look / self.period)
        self._left: list[ClientConnection] = []
        self._part = 0
        self._ticked_at = 0.0
        self._stood_still = 0.0

    def tick(self, now: float) -> None:
        """Close streams silent for three heartbeats; count what is not acknowledged in time as failed, to be sent again; start repair pulls,
        which find what no gap can show: the lost last message."""
        self._excuse(now)
        steady = now - self._stood_still
        for peer in self._next_part():
            if peer.heard_at < now - self._silence:
                self._devices.end(peer, HeartbeatLost(f"nothing heard in {MISSED_HEARTBEATS} heartbeat intervals"))
                continue
            if peer.stream is None:
                continue
            if peer.stream.overdue(steady, self._delivery_retry * peer.retry_jitter) and peer.stream.oldest_failed(send_again=True):
                self._acks.acked(peer)
            if peer.repair_at <= now:
                if peer.repair_at:
                    peer.stream.fall_behind()
                    self._catch_up.want(peer)
                # Spread, so that streams opened together do not pull together for ever.
                peer.repair_at = now + self._repair_pull * random.uniform(0.75, 1.25)
        self._connections.flush()
        self._catch_up.flush()

    def _next_part(self) -> list[ClientConnection]:
        """The peers whose turn it is, of those that are still there."""
        peers = self._connections.peers
        if not self._left:
            self._left = list(peers.values())
            self._part = math.ceil(len(self._left) / self._parts)
        part = self._left[-self._part :]
        del self._left[-self._part :]
        return [peer for peer in part if peers.get(peer.routing_id) is peer]

    def _excuse(self, now: float) -> None:
        """When this process itself stood still, what devices said meanwhile has not been read yet: that time does not count against them."""
        gap = now - self._ticked_at if self._ticked_at else 0.0
        self._ticked_at = now
        if gap > self._silence / MISSED_HEARTBEATS:
            self._stood_still += gap
            for peer in self._connections.peers.values():
                peer.heard_at += gap
