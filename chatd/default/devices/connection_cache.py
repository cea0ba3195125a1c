"""Connection metadata for operators' eyes, behind the seam ``CACHE_URI``: nothing that delivers
depends on it.

``database:`` keeps it where every node sees it; ``mem:`` spares the writes, and each node knows
only what it registered itself.
"""

from collections.abc import Callable
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
from chatd.pb.admin.v1 import admin_pb2
from chatd.store.command import Command


class ConnectionCache(Protocol):
    """A default node's memory of connected devices."""

    def register(self, connections: tuple[Connection, ...]) -> None: ...

    def touch(self, streams: tuple[StreamKey, ...], seen_us: int) -> None: ...

    def forget(self, streams: tuple[StreamKey, ...]) -> None: ...

    def list(self, profile_id: str, limit: int, after: tuple[str, str]) -> Answer: ...


class DatabaseConnectionCache:
    """In the table ``connection``; the writes ride on the writer's group commits. ``write`` asks
    the writer, without waiting."""

    def __init__(self, write: Callable[[Command[object]], None]) -> None:
        self._write = write

    def register(self, connections: tuple[Connection, ...]) -> None:
        self._write(RegisterConnections(connections))

    def touch(self, streams: tuple[StreamKey, ...], seen_us: int) -> None:
        self._write(TouchConnections(streams, seen_us))

    def forget(self, streams: tuple[StreamKey, ...]) -> None:
        self._write(ForgetConnections(streams))

    def list(self, profile_id: str, limit: int, after: tuple[str, str]) -> Answer:
        return Read(ListConnections(profile_id, limit, after), lambda page: _to_pb(*page))


class MemoryConnectionCache:
    """In this process only."""

    def __init__(self) -> None:
        self._connections: dict[tuple[str, str], Connection] = {}

    def register(self, connections: tuple[Connection, ...]) -> None:
        for connection in connections:
            self._connections[connection.profile_id, connection.device_id] = connection

    def touch(self, streams: tuple[StreamKey, ...], seen_us: int) -> None:
        for stream in streams:
            known = self._connections.get((stream.profile_id, stream.device_id))
            if known is not None and known.epoch == stream.epoch:
                self._connections[stream.profile_id, stream.device_id] = replace(known, seen_us=seen_us)

    def forget(self, streams: tuple[StreamKey, ...]) -> None:
        for stream in streams:
            known = self._connections.get((stream.profile_id, stream.device_id))
            if known is not None and known.epoch == stream.epoch:
                del self._connections[stream.profile_id, stream.device_id]

    def list(self, profile_id: str, limit: int, after: tuple[str, str]) -> Answer:
        rows = sorted(
            (
                row
                for place, row in self._connections.items()
                if profile_id in ("", row.profile_id) and place > after
            ),
            key=lambda row: (row.profile_id, row.device_id),
        )
        return Done(_to_pb(tuple(rows[:limit]), len(rows) > limit))


def _to_pb(connections: tuple[Connection, ...], more: bool) -> admin_pb2.ListConnectionsResponse:
    return admin_pb2.ListConnectionsResponse(
        connections=[
            admin_pb2.Connection(
                profile_id=row.profile_id,
                device_id=row.device_id,
                epoch=row.epoch,
                gateway_id=row.gateway_id,
                client=row.client,
                since_us=row.since_us,
                seen_us=row.seen_us,
            )
            for row in connections
        ],
        more=more,
    )
