"""Connection metadata for operators' eyes, behind the seam ``CACHE_URI``: nothing that delivers
depends on it.

``database:`` keeps it where every node sees it; ``mem:`` spares the writes, and each node knows
only what it registered itself; ``redis://`` (``redis_connection_cache.py``) does both. A gateway
notes now and then that a device lives. A connection that was not heard for ``expiry`` seconds has
gone with its gateway, and is no longer listed.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from chatd.core.model import StreamKey
from chatd.default.answer import Answer, Done, Read
from chatd.default.devices.connections import (
    ForgetConnections,
    ListConnections,
    RegisterConnections,
    TouchConnections,
)
from chatd.default.devices.model import Connection
from chatd.default.part import Part
from chatd.pb.admin.v1 import admin_pb2
from chatd.store.command import Command


class ConnectionCache(Protocol):
    """A default node's memory of connected devices. A newer epoch replaces an older one; what is
    said of an older one does not count."""

    @property
    def part(self) -> Part: ...

    @property
    def problem(self) -> str:
        """The reason why connections cannot be listed; empty if there is none."""

    def register(self, connections: tuple[Connection, ...]) -> None: ...

    def touch(self, streams: tuple[StreamKey, ...], seen_us: int) -> None: ...

    def forget(self, streams: tuple[StreamKey, ...]) -> None: ...

    def list(self, profile_id: str, limit: int, after: tuple[str, str]) -> Answer: ...


class DatabaseConnectionCache:
    """In the table ``connection``; the writes ride on the writer's group commits. ``write`` asks
    the writer, without waiting. ``clock`` gives microseconds since the Unix epoch."""

    part = Part()
    problem = ""

    def __init__(
        self, write: Callable[[Command[object]], None], *, expiry: float, clock: Callable[[], int]
    ) -> None:
        self._write = write
        self._expiry_us = round(expiry * 1e6)
        self._clock = clock

    def register(self, connections: tuple[Connection, ...]) -> None:
        self._write(RegisterConnections(connections))

    def touch(self, streams: tuple[StreamKey, ...], seen_us: int) -> None:
        self._write(TouchConnections(streams, seen_us))

    def forget(self, streams: tuple[StreamKey, ...]) -> None:
        self._write(ForgetConnections(streams))

    def list(self, profile_id: str, limit: int, after: tuple[str, str]) -> Answer:
        seen_since_us = self._clock() - self._expiry_us
        return Read(
            ListConnections(profile_id, limit, after, seen_since_us),
            lambda page: list_to_pb(map(to_pb, page[0]), page[1]),
        )


class MemoryConnectionCache:
    """In this process only. ``now`` gives seconds of a steady clock."""

    part = Part()
    problem = ""

    def __init__(self, *, expiry: float, now: Callable[[], float]) -> None:
        self._expiry = expiry
        self._now = now
        self._connections: OrderedDict[tuple[str, str], tuple[float, Connection]] = OrderedDict()
        """Profile and device → when it was heard, and the connection; the one heard last is
        last."""

    def get(self, stream: StreamKey) -> Connection | None:
        """The stream's registration, if it is here."""
        _, known = self._connections.get((stream.profile_id, stream.device_id), (0.0, None))
        return known if known is not None and known.epoch == stream.epoch else None

    def register(self, connections: tuple[Connection, ...]) -> None:
        self._expire()
        for one in connections:
            _, known = self._connections.get((one.profile_id, one.device_id), (0.0, one))
            if known.epoch <= one.epoch:
                self._heard(one)

    def touch(self, streams: tuple[StreamKey, ...], seen_us: int) -> None:
        self._expire()
        for stream in streams:
            known = self.get(stream)
            if known is not None:
                self._heard(replace(known, seen_us=seen_us))

    def _heard(self, connection: Connection) -> None:
        place = (connection.profile_id, connection.device_id)
        self._connections[place] = (self._now(), connection)
        self._connections.move_to_end(place)

    def _expire(self) -> None:
        since = self._now() - self._expiry
        while self._connections:
            place, (heard_at, _) = next(iter(self._connections.items()))
            if heard_at >= since:
                return
            del self._connections[place]

    def forget(self, streams: tuple[StreamKey, ...]) -> None:
        for stream in streams:
            if self.get(stream) is not None:
                del self._connections[stream.profile_id, stream.device_id]

    def list(self, profile_id: str, limit: int, after: tuple[str, str]) -> Answer:
        self._expire()
        places = sorted(
            place for place in self._connections if profile_id in ("", place[0]) and place > after
        )
        rows = (self._connections[place][1] for place in places[:limit])
        return Done(list_to_pb(map(to_pb, rows), len(places) > limit))


def list_to_pb(connections: Iterable[admin_pb2.Connection], more: bool) -> admin_pb2.ListConnectionsResponse:
    """A page, and whether there are more."""
    return admin_pb2.ListConnectionsResponse(connections=connections, more=more)


def to_pb(connection: Connection) -> admin_pb2.Connection:
    """The same for operators."""
    return admin_pb2.Connection(
        profile_id=connection.profile_id,
        device_id=connection.device_id,
        epoch=connection.epoch,
        gateway_id=connection.gateway_id,
        client=connection.client,
        since_us=connection.since_us,
        seen_us=connection.seen_us,
    )
