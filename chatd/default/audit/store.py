"""Commands and queries of the audit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from chatd.core.audit import AuditKind, AuditLine, make_line_id
from chatd.errors import ChatdError
from chatd.store.command import NO_LOCKS, Command, Locks, Query, Turn
from chatd.store.database import Database
from chatd.store.statements import chunks
from chatd.store.transaction import Transaction

R = TypeVar("R", covariant=True)

MAX_MINOR = 100_000
"""Lines kept of uses, and of refusals, however young they are: nobody fills the disk by being
refused."""
_COLUMNS = (
    "line_id, at_us, kind, profile_id, acting_for, address, gateway_id, what, objects, outcome, repeated"
)


@dataclass(frozen=True, slots=True)
class Audited(Command[R]):
    """Apply ``command``, and keep its line in the same transaction: there is no act without its
    line. A refused command has changed nothing, and has no line here."""

    command: Command[R]
    line: AuditLine

    def locks(self) -> Locks:
        return self.command.locks()

    def turn(self) -> Turn:
        return self.command.turn()

    def owner(self) -> str:
        return self.command.owner()

    def weight(self) -> int:
        return self.command.weight()

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[Audited[Any]]) -> list[Any]:
        return [_apply_audited(transaction, command) for command in commands]


def _apply_audited(transaction: Transaction, audited: Audited[R]) -> R | ChatdError:
    (result,) = type(audited.command).apply(transaction, [audited.command])
    transaction.log.flush()
    if not isinstance(result, ChatdError):
        _keep(transaction, [audited.line])
    return result


@dataclass(frozen=True, slots=True)
class RecordAudit(Command[None]):
    """Keep lines of what changes nothing. Those that have an id and are kept already are passed
    over."""

    lines: tuple[AuditLine, ...]

    def locks(self) -> Locks:
        return NO_LOCKS

    def turn(self) -> Turn:
        return Turn.BACKGROUND

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[RecordAudit]) -> list[None]:
        _keep(transaction, [line for command in commands for line in command.lines])
        return [None] * len(commands)


def _keep(transaction: Transaction, lines: Sequence[AuditLine]) -> None:
    """A line without a time has that of the transaction."""
    for chunk in chunks(lines, columns=11):
        values, parameters = transaction.database.values(
            "tiittttttti", [_row(line, transaction.now_us) for line in chunk]
        )
        transaction.database.run(
            f"""
            INSERT INTO audit ({_COLUMNS})
            {values}
            ON CONFLICT (line_id) DO NOTHING
            """,
            parameters,
        )


def _row(line: AuditLine, now_us: int) -> tuple[object, ...]:
    at_us = line.at_us or now_us
    return (
        line.line_id or make_line_id(at_us, os.urandom(6)),
        at_us,
        int(line.kind),
        line.profile_id,
        line.acting_for,
        line.address,
        line.gateway_id,
        line.what,
        line.objects,
        line.outcome,
        line.repeated,
    )


@dataclass(frozen=True, slots=True)
class ListAudit(Query[tuple[tuple[AuditLine, ...], bool]]):
    """The newest ``limit`` lines before ``before_line_id`` (empty: of all) and whether there are
    more. ``profile_id``: only those of this profile and for it; empty: all."""

    profile_id: str
    since_us: int
    before_line_id: str
    limit: int

    def answer(self, database: Database) -> tuple[tuple[AuditLine, ...], bool]:
        conditions, parameters = ["line_id >= ?"], [make_line_id(self.since_us, b"")]
        if self.before_line_id:
            conditions.append("line_id < ?")
            parameters.append(self.before_line_id)
        if self.profile_id:
            conditions.append("(profile_id = ? OR acting_for = ?)")
            parameters += [self.profile_id, self.profile_id]
        rows = database.rows(
            f"""
            SELECT {_COLUMNS}
            FROM audit
            WHERE {" AND ".join(conditions)}
            ORDER BY line_id DESC
            LIMIT ?
            """,
            (*parameters, self.limit + 1),
        )
        return tuple(map(_line, rows[: self.limit])), len(rows) > self.limit


def _line(row: Sequence[Any]) -> AuditLine:
    line_id, at_us, kind, *rest = row
    return replace(AuditLine(AuditKind(kind), *rest), line_id=line_id, at_us=at_us)


@dataclass(frozen=True, slots=True)
class FindAuditExcess(Query[tuple[tuple[AuditKind, str], ...]]):
    """The kinds of which there are more than ``most`` lines, each with the newest line that is one
    too many."""

    most: int = MAX_MINOR

    def answer(self, database: Database) -> tuple[tuple[AuditKind, str], ...]:
        found = ((kind, self._excess(database, kind)) for kind in (AuditKind.USE, AuditKind.REFUSED))
        return tuple((kind, line_id) for kind, line_id in found if line_id)

    def _excess(self, database: Database, kind: AuditKind) -> str:
        rows = database.rows(
            """
            SELECT line_id
            FROM audit
            WHERE kind = ?
            ORDER BY line_id DESC
            LIMIT 1 OFFSET ?
            """,
            (int(kind), self.most),
        )
        return str(rows[0][0]) if rows else ""


@dataclass(frozen=True, slots=True)
class ForgetAudit(Command[int]):
    """Delete lines from before ``before_us``, and those of each kind in ``excess`` up to the line
    named with it; ``limit`` of them, the oldest first. The result: how many."""

    before_us: int
    excess: tuple[tuple[AuditKind, str], ...]
    limit: int

    def locks(self) -> Locks:
        return NO_LOCKS  # nobody changes such a row; one that another session deletes is left to it

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[ForgetAudit]) -> list[int]:
        return [_forget(transaction, command) for command in commands]


def _forget(transaction: Transaction, command: ForgetAudit) -> int:
    database = transaction.database
    skip = " FOR UPDATE SKIP LOCKED" if database.for_update else ""
    forgotten = 0
    for condition, given in [
        ("line_id < ?", (make_line_id(command.before_us, b""),)),
        *(("kind = ? AND line_id <= ?", (int(kind), last)) for kind, last in command.excess),
    ]:
        rows = database.rows(
            f"""
            DELETE FROM audit
            WHERE line_id IN (
                SELECT line_id
                FROM audit
                WHERE {condition}
                ORDER BY line_id
                LIMIT ?{skip})
            RETURNING 1
            """,
            (*given, command.limit - forgotten),
        )
        forgotten += len(rows)
    return forgotten
