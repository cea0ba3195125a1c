"""Revocations in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.default.tokens.model import Revocation
from chatd.store.command import NO_LOCKS, Command, Locks, Query
from chatd.store.database import Database
from chatd.store.transaction import Transaction

_LOCK = 0x746F6B65
"""PostgreSQL's advisory lock under which revocations get their versions, "toke": they become
visible in the order of these."""
_COLUMNS = "version, digest, profile_id, before_us, expires_at_us"


@dataclass(frozen=True, slots=True)
class RevokeTokens(Command[Revocation]):
    """Revoke one token, or with an empty ``digest`` all that the profile was issued until now. The
    same once more replaces the one before."""

    digest: bytes
    profile_id: str
    expires_at_us: int

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[RevokeTokens]) -> list[Revocation]:
        database = transaction.database
        _lock(database)
        ((newest,),) = database.rows("SELECT COALESCE(MAX(version), 0) FROM revocation")
        done = [
            Revocation(version, one.digest, one.profile_id, transaction.now_us, one.expires_at_us)
            for version, one in enumerate(commands, newest + 1)
        ]
        for one in done:
            database.run(
                f"""
                INSERT INTO revocation ({_COLUMNS})
                VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (digest, profile_id)
                DO UPDATE SET version = excluded.version, before_us = excluded.before_us,
                    expires_at_us = excluded.expires_at_us
                """,
                (one.version, one.digest.hex(), one.profile_id, one.before_us, one.expires_at_us),
            )
        return done


@dataclass(frozen=True, slots=True)
class ForgetRevocations(Command[None]):
    """Delete revocations of tokens that have expired by now. The newest stays: versions never come
    again."""

    now_us: int

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[ForgetRevocations]) -> list[None]:
        _lock(transaction.database)
        transaction.database.run(
            """
            DELETE FROM revocation
            WHERE expires_at_us > 0 AND expires_at_us < ?
                AND version < (SELECT MAX(version) FROM revocation)
            """,
            (max(one.now_us for one in commands),),
        )
        return [None] * len(commands)


class Found(NamedTuple):
    """Revocations by version, and the newest version of all."""

    revocations: tuple[Revocation, ...]
    newest: int


@dataclass(frozen=True, slots=True)
class FindRevocations(Query[Found]):
    """Those later than ``after``."""

    after: int

    def answer(self, database: Database) -> Found:
        ((newest,),) = database.rows("SELECT COALESCE(MAX(version), 0) FROM revocation")
        rows = database.rows(
            f"SELECT {_COLUMNS} FROM revocation WHERE version > ? AND version <= ? ORDER BY version",
            (self.after, newest),
        )
        return Found(tuple(map(_of_row, rows)), newest)


@dataclass(frozen=True, slots=True)
class ListRevocations(Query[tuple[tuple[Revocation, ...], bool]]):
    """A page, the newest first, of those before ``before_version`` (0: of all); and if there are
    more."""

    before_version: int
    limit: int

    def answer(self, database: Database) -> tuple[tuple[Revocation, ...], bool]:
        rows = database.rows(
            f"""
            SELECT {_COLUMNS}
            FROM revocation
            WHERE version < ? OR ? = 0
            ORDER BY version DESC
            LIMIT ?
            """,
            (self.before_version, self.before_version, self.limit + 1),
        )
        return tuple(map(_of_row, rows[: self.limit])), len(rows) > self.limit


def _lock(database: Database) -> None:
    if database.engine == "postgres":
        database.rows("SELECT pg_advisory_xact_lock(?)", (_LOCK,))


def _of_row(row: tuple[int, str, str, int, int]) -> Revocation:
    version, digest, profile_id, before_us, expires_at_us = row
    return Revocation(version, bytes.fromhex(digest), profile_id, before_us, expires_at_us)
