"""The client's side of a stream, without any I/O: what was shown, what to acknowledge and when, when to give a connection up.

``now`` is in seconds of any steady clock.
"""

import random
from collections.abc import Sequence

from chatd.client.delivery import Delivery
from chatd.errors import WIRE_ERRORS, ChatdError, Internal
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.pb.gateway.v1.gateway_pb2 import Error, Welcome

ACK_DELAY = 0.05
"""Seconds an ack may wait for company: a gateway's work for an ack frame is worth several deliveries."""
MISSED_HEARTBEATS = 3
FIRST_BACKOFF, LAST_BACKOFF = 0.05, 5.0


class Resume:
    """What survives a reconnect (the last shown seq of each room) and what begins anew with each Welcome."""

    def __init__(self) -> None:
        self._shown: dict[str, int] = {}
        self._failures = 0
        self.epoch = 0
        self.repeats = 0
        """Deliveries that had been shown before and were dropped."""
        self._begin(heartbeat=10.0, window=64, now=0.0)

    def _begin(self, *, heartbeat: float, window: int, now: float) -> None:
        self.heartbeat = heartbeat
        self._ack_every = max(1, window // 4)
        self.received = 0
        self._handled = 0
        self._acked = 0
        self._unacked_since: float | None = None
        self._heard_at = now
        self._said_at = now

    def welcomed(self, welcome: Welcome, now: float) -> None:
        """A connection's stream is open; counting begins at 1."""
        self.epoch = welcome.epoch
        self._failures = 0
        self._begin(heartbeat=welcome.heartbeat_interval_ms / 1e3, window=welcome.window_messages, now=now)

    def receive(self, deliveries: Sequence[EventDelivery], now: float) -> list[Delivery]:
        """Count what has come; what is to be shown of it, repeats dropped."""
        self._heard_at = now
        self.received += len(deliveries)
        shown = self._shown
        fresh = []
        for message in deliveries:
            delivery = Delivery(message)
            if delivery.seq <= shown.get(delivery.room_id, 0):
                self.repeats += 1
                continue
            shown[delivery.room_id] = delivery.seq
            fresh.append(delivery)
        return fresh

    def heard(self, now: float) -> None:
        self._heard_at = now

    def said(self, now: float) -> None:
        self._said_at = now

    def handled(self, up_to: int, now: float) -> None:
        """The application is done with the first ``up_to`` deliveries of this connection."""
        if up_to > self._handled:
            self._handled = up_to
            if self._unacked_since is None:
                self._unacked_since = now

    def take_ack(self, now: float, *, force: bool = False) -> int | None:
        """The ack to send now, if one is due: a quarter of the window gathered, or 50 ms gone by."""
        if self._unacked_since is None or self._handled <= self._acked:
            return None
        if not force and self._handled - self._acked < self._ack_every and now - self._unacked_since < ACK_DELAY:
            return None
        self._acked = self._handled
        self._unacked_since = None
        self._said_at = now
        return self._acked

    @property
    def has_unacked(self) -> bool:
        """Whether something handled waits for its ack."""
        return self._unacked_since is not None

    def heartbeat_due(self, now: float) -> bool:
        return now - self._said_at >= self.heartbeat / 2

    def peer_is_silent(self, now: float) -> bool:
        return now - self._heard_at >= MISSED_HEARTBEATS * self.heartbeat

    def next_look(self) -> float:
        """Seconds until something may be due."""
        return 1.05 * ACK_DELAY if self._unacked_since is not None else min(self.heartbeat / 4, 1.0)

    def backoff(self) -> float:
        """Seconds to wait before the next attempt; grows, with jitter so that clients do not come back together."""
        self._failures += 1
        ceiling: float = min(LAST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(self._failures, 10))
        return ceiling * random.uniform(0.5, 1.0)


def from_pb(error: Error) -> ChatdError:
    """An error the gateway sent, as the exception it stands for."""
    return WIRE_ERRORS.get(error.code, Internal)(error.message or error.name)
