"""Connection metadata in the database, for operators' eyes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.core.model import StreamKey
from chatd.default.devices.model import Connection
from chatd.store.command import NO_LOCKS, Command, Locks, Query, Turn
from chatd.store.database import Database
from chatd.store.statements import chunks
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class RegisterConnections(Command[None]):
    """Record streams that have opened. An older epoch does not replace a newer one."""

    connections: tuple[Connection, ...]

    def locks(self) -> Locks:
        return NO_LOCKS

    def turn(self) -> Turn:
        return Turn.BACKGROUND

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[RegisterConnections]) -> list[None]:
        newest = {(one.profile_id, one.device_id): one for command in commands for one in command.connections}
        for chunk in chunks(list(newest.values()), columns=7):
            values, parameters = transaction.database.values(
                "ttittii",
                [
                    (
                        one.profile_id,
                        one.device_id,
                        one.epoch,
                        one.gateway_id,
                        one.client,
                        one.since_us,
                        one.seen_us,
                    )
                    for one in chunk
                ],
            )
            transaction.database.run(
                f"""
                INSERT INTO connection (profile_id, device_id, epoch, gateway_id, client, since_us, seen_us)
                {values}
                ON CONFLICT (profile_id, device_id)
                DO UPDATE SET epoch = excluded.epoch, gateway_id = excluded.gateway_id, client = excluded.client,
                    since_us = excluded.since_us, seen_us = excluded.seen_us
                WHERE connection.epoch <= excluded.epoch
                """,
                parameters,
            )
        return [None] * len(commands)


@dataclass(frozen=True, slots=True)
class TouchConnections(Command[None]):
    """Record that streams were alive at ``seen_us``."""

    streams: tuple[StreamKey, ...]
    seen_us: int

    def locks(self) -> Locks:
        return NO_LOCKS

    def turn(self) -> Turn:
        return Turn.BACKGROUND

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[TouchConnections]) -> list[None]:
        seen = {(*_key(stream), command.seen_us) for command in commands for stream in command.streams}
        for chunk in chunks(sorted(seen), columns=4):
            values, parameters = transaction.database.values("ttii", chunk)
            transaction.database.run(
                f"""
                WITH v(profile_id, device_id, epoch, seen_us) AS ({values})
                UPDATE connection
                SET seen_us = v.seen_us
                FROM v
                WHERE connection.profile_id = v.profile_id AND connection.device_id = v.device_id
                    AND connection.epoch = v.epoch
                """,
                parameters,
            )
        return [None] * len(commands)


@dataclass(frozen=True, slots=True)
class ForgetConnections(Command[None]):
    """Delete the registrations of streams that have ended. A newer stream's registration stays."""

    streams: tuple[StreamKey, ...]

    def locks(self) -> Locks:
        return NO_LOCKS

    def turn(self) -> Turn:
        return Turn.BACKGROUND

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[ForgetConnections]) -> list[None]:
        for key in sorted({_key(stream) for command in commands for stream in command.streams}):
            transaction.database.run(
                "DELETE FROM connection WHERE profile_id = ? AND device_id = ? AND epoch = ?", key
            )
        return [None] * len(commands)


@dataclass(frozen=True, slots=True)
class ListConnections(Query[tuple[tuple[Connection, ...], bool]]):
    """Connections by profile and device, those after ``after`` that were heard since
    ``seen_since_us``; and whether there are more. An empty profile matches all."""

    profile_id: str
    limit: int
    after: tuple[str, str] = ("", "")
    seen_since_us: int = 0

    def answer(self, database: Database) -> tuple[tuple[Connection, ...], bool]:
        rows = database.rows(
            """
            SELECT profile_id, device_id, epoch, gateway_id, client, since_us, seen_us
            FROM connection
            WHERE ? IN ('', profile_id) AND (profile_id, device_id) > (?, ?) AND seen_us >= ?
            ORDER BY profile_id, device_id
            LIMIT ?
            """,
            (self.profile_id, *self.after, self.seen_since_us, self.limit + 1),
        )
        return tuple(Connection(*row) for row in rows[: self.limit]), len(rows) > self.limit


def _key(stream: StreamKey) -> tuple[str, str, int]:
    return stream.profile_id, stream.device_id, stream.epoch
