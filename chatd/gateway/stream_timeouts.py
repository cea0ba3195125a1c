"""StreamTimeouts: silent streams are closed, and quiet ones checked against the outbox now and
then."""

import math
import random
from collections.abc import Callable, Collection

from chatd.errors import ChatdError, HeartbeatLost
from chatd.gateway.catch_up import Pulls
from chatd.gateway.connection import ClientConnection

MISSED_HEARTBEATS = 3
ROUNDS = 4
"""Each stream is looked at so many times a heartbeat (and a retry time)."""
PERIOD = 0.25
"""Seconds between two looks, at a part of the streams each: all 10,000 at once would hold up
deliveries for 15 ms; fewer at once would pull in small batches."""


class StreamTimeouts:
    """``tick`` is to be called every ``period``; it looks at some of the streams, less than a
    microsecond each. Times in seconds."""

    def __init__(
        self,
        peers: Collection[ClientConnection],
        pulls: Pulls,
        *,
        end: Callable[[ClientConnection, ChatdError], None],
        failed: Callable[[ClientConnection], None],
        after_tick: Callable[[], None],
        heartbeat_interval: float,
        repair_pull: float,
        delivery_retry: float,
    ) -> None:
        self._peers = peers
        self._pulls = pulls
        self._end = end
        self._failed = failed
        self._after_tick = after_tick
        self._silence = MISSED_HEARTBEATS * heartbeat_interval
        self._repair_pull = repair_pull
        self._delivery_retry = delivery_retry
        look = min(heartbeat_interval, delivery_retry) / ROUNDS
        self.period = min(look, PERIOD)
        self._parts = round(look / self.period)
        self._left: list[ClientConnection] = []
        self._part = 0
        self._ticked_at = 0.0
        self._stood_still = 0.0  # seconds in all
        self._standstills: list[
            tuple[float, float]
        ] = []  # when each ended, and how long it took; those that still excuse somebody

    def tick(self, now: float) -> None:
        """Close streams silent for three heartbeats; count what is not acknowledged in time as
        failed, to be sent again; start repair pulls, a last safety beside QueueWatch."""
        self._note_standstill(now)
        steady, silent = now - self._stood_still, now - self._silence
        for peer in self._next_part():
            if peer.heard_at < silent and peer.heard_at + self._excuse_of(peer) < silent:
                self._end(peer, HeartbeatLost(f"nothing heard in {MISSED_HEARTBEATS} heartbeat intervals"))
                continue
            stream = peer.stream
            if stream is None:
                continue
            if (
                not stream.window.empty
                and stream.overdue(steady, self._delivery_retry * peer.retry_jitter)
                and stream.oldest_failed(send_again=True)
            ):
                self._failed(peer)
            if peer.repair_at <= now:
                if peer.repair_at:
                    stream.fall_behind()
                    self._pulls.want(peer)
                # Spread, so that streams opened together do not pull together for ever.
                peer.repair_at = now + self._repair_pull * random.uniform(0.75, 1.25)
        self._after_tick()
        self._pulls.flush()

    def _next_part(self) -> list[ClientConnection]:
        """The connections whose turn it is, of those that are still there."""
        if not self._left:
            self._left = list(self._peers)
            self._part = math.ceil(len(self._left) / self._parts)
        part = self._left[-self._part :]
        del self._left[-self._part :]
        return [peer for peer in part if peer in self._peers]

    def _note_standstill(self, now: float) -> None:
        """When this process itself stood still, what devices said meanwhile has not been read yet:
        that time does not count against them."""
        gap = now - self._ticked_at if self._ticked_at else 0.0
        self._ticked_at = now
        if gap > self._silence / MISSED_HEARTBEATS:
            self._stood_still += gap
            self._standstills.append((now, gap))
        elif self._standstills and self._standstills[-1][0] < now - self._silence:
            self._standstills.clear()  # everybody has been heard since the last one, or has been ended

    def _excuse_of(self, peer: ClientConnection) -> float:
        """Seconds for which this process stood still since the connection was heard."""
        return sum(gap for ended_at, gap in self._standstills if peer.heard_at < ended_at)
