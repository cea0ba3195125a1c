"""Acks that wait to be written: at once while few streams have any, or have had any lately; else
seldom and together.

A cursor is a row, and rows that are near to each other are on one page. So the streams are divided
by their profiles into as many shares as there are ticks in the longest wait. Each tick writes one
share: every stream has its turn in time, its acks up to then are one row, and the rows of a batch
are neighbours. A device that was given hundreds of events costs one row.

An ack is sent to a node within the longest wait and a tick, because turns go by the clock: a look
that comes late takes the shares of all ticks since the last one. A stream whose last acks are still
under way then does not wait for another round, but for the answer.
"""

import math
from bisect import bisect_right
from typing import NamedTuple

from chatd.core.model import StreamAcks
from chatd.core.stream import DeviceStream
from chatd.gateway.connection import ClientConnection

TICK = 0.05
"""Seconds between two looks at what waits."""
AT_ONCE = 16
"""Streams that do not wait for their turns, at most."""
QUIET = 128
"""Nor do so many, if they are all that were written in this round and the one before, or wait: when
a room that was quiet is told something, its receipts are not late by the longest wait."""
ALIVE_SECONDS = 1.0
"""Streams that only live are written together, so often: a batch by itself costs a transaction."""
_SAMPLE = 1_000
"""Profiles by which the shares are divided anew."""


class Flushed(NamedTuple):
    """The acks of one stream; none (``acks`` is None) says that it lives."""

    peer: ClientConnection
    stream: DeviceStream
    acks: StreamAcks | None


class UnwrittenAcks:
    """Streams that have something to write, from ``now`` on. ``longest``: seconds that an ack may
    wait. A stream that has ended is still written: what its device acknowledged counts."""

    def __init__(self, longest: float, now: float) -> None:
        self._soon: dict[DeviceStream, ClientConnection] = {}
        self._shares: list[dict[DeviceStream, ClientConnection]] = [
            {} for _ in range(max(1, round(longest / TICK)))
        ]
        self._bounds: list[str] = []
        """The first profile of each share but the first."""
        self._longest = longest
        self._turn = 1 % len(self._shares)
        self._due_at = now + longest / len(self._shares)
        """When the share has its turn."""
        self._taken: list[str] = []
        """Profiles that have had their turn in this round."""
        self._taken_before = 0
        """Those of the round before, counted."""
        self._most_taken = 0.0
        """Streams in a share, and those that were written with it."""
        self._alive: dict[DeviceStream, ClientConnection] = {}
        self._alive_after = 0.0

    def acked(self, peer: ClientConnection) -> None:
        """The connection's stream has acks to write."""
        stream = peer.stream
        if stream is not None and stream not in self._soon:
            self._shares[bisect_right(self._bounds, stream.key.profile_id)][stream] = peer

    def failed(self, peer: ClientConnection) -> None:
        """It has a rejection or a failure, which is written with the next look."""
        if peer.stream is not None:
            self.put_back(peer.stream, peer)

    def ended(self, peer: ClientConnection) -> None:
        """The connection's stream ends, and may be opened again elsewhere, where its cursors are:
        its acks are written with the next look."""
        if peer.stream is not None and peer.stream in self._share_of(peer.stream):
            self.put_back(peer.stream, peer)

    def alive(self, peer: ClientConnection) -> None:
        """The connection has been heard: noted within ALIVE_SECONDS, for operators to see."""
        if peer.stream is not None:
            self._alive[peer.stream] = peer

    def put_back(self, stream: DeviceStream, peer: ClientConnection) -> None:
        """Its acks are to be written with the next look."""
        self._share_of(stream).pop(stream, None)
        self._soon[stream] = peer

    def leave_out(self, stream: DeviceStream) -> None:
        """Its acks are on their way by themselves."""
        self._share_of(stream).pop(stream, None)
        self._soon.pop(stream, None)

    def _share_of(self, stream: DeviceStream) -> dict[DeviceStream, ClientConnection]:
        return self._shares[bisect_right(self._bounds, stream.key.profile_id)]

    def take(self, now: float) -> "list[Flushed]":
        """All that is to be written now, by profile; streams with acks under way wait."""
        due = self._shares if now == math.inf else self._shares_due(now)
        if self._are_few(len(self._soon) + sum(map(len, self._shares))):
            due = self._shares
        for share in due:
            self._soon.update(share)
            share.clear()
        taken: list[Flushed] = []
        for stream, peer in list(self._soon.items()):
            if not stream.pending_acks.under_way:
                del self._soon[stream]
                taken.append(Flushed(peer, stream, stream.pending_acks.take()))
        if due:
            self._most_taken = max(self._most_taken, len(taken) / len(due))
        self._taken += [one.stream.key.profile_id for one in taken]
        taken.sort(key=lambda one: one.stream.key.profile_id)
        return taken + self._take_alive(now)

    def _are_few(self, waiting: int) -> bool:
        return waiting <= AT_ONCE or waiting + len(self._taken) + self._taken_before <= QUIET

    def _shares_due(self, now: float) -> "list[dict[DeviceStream, ClientConnection]]":
        """The shares whose turns have come since the last look, each once."""
        due: list[dict[DeviceStream, ClientConnection]] = []
        self._due_at = max(self._due_at, now - self._longest)
        while self._due_at <= now and len(due) < len(self._shares):
            if self._turn == 0:
                self._begin_round()
            due.append(self._shares[self._turn])
            self._turn = (self._turn + 1) % len(self._shares)
            self._due_at += self._longest / len(self._shares)
        return due

    def _take_alive(self, now: float) -> "list[Flushed]":
        if now < self._alive_after:
            return []
        alive, self._alive = self._alive, {}
        if now < math.inf:
            self._alive_after = now + ALIVE_SECONDS
        return [Flushed(peer, stream, None) for stream, peer in alive.items()]

    def _begin_round(self) -> None:
        """Divide the streams anew, by those of the last round, if one share was much too large.
        All that wait are then written with this look."""
        if self._is_uneven():
            for share in self._shares:
                self._soon.update(share)
                share.clear()
            sample = sorted(self._taken[:: len(self._taken) // _SAMPLE + 1])
            count = len(self._shares)
            self._bounds = [sample[share * len(sample) // count] for share in range(1, count)]
        self._taken_before = len(self._taken)
        self._taken, self._most_taken = [], 0.0

    def _is_uneven(self) -> bool:
        """True if a look of the last round took more than twice its part."""
        return self._most_taken > 2 * len(self._taken) / len(self._shares) + AT_ONCE
