"""What time does to streams: the silent are closed, the quiet are checked against the outbox now and then."""

import random

from chatd.errors import HeartbeatLost
from chatd.gateway.catch_up import CatchUp
from chatd.gateway.connection import ConnectionManager
from chatd.gateway.devices import Devices

MISSED_HEARTBEATS = 3


class Vigil:
    """``tick`` looks at every stream: a microsecond each, a few times a heartbeat. Times in seconds."""

    def __init__(
        self, connections: ConnectionManager, catch_up: CatchUp, devices: Devices, *, heartbeat_interval: float, repair_pull: float
    ) -> None:
        self._connections = connections
        self._catch_up = catch_up
        self._devices = devices
        self._silence = MISSED_HEARTBEATS * heartbeat_interval
        self._repair_pull = repair_pull

    def tick(self, now: float) -> None:
        """Close streams silent for three heartbeats; start repair pulls, which find what no gap can show: the lost last message."""
        for peer in list(self._connections.peers.values()):
            if peer.heard_at < now - self._silence:
                self._devices.end(peer, HeartbeatLost(f"nothing heard in {MISSED_HEARTBEATS} heartbeat intervals"))
            elif peer.stream is not None and peer.repair_at <= now:
                if peer.repair_at:
                    peer.stream.fall_behind()
                    self._catch_up.want(peer)
                # Spread, so that streams opened together do not pull together for ever.
                peer.repair_at = now + self._repair_pull * random.uniform(0.75, 1.25)
        self._connections.flush()
        self._catch_up.flush()
