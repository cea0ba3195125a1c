"""Calls that may come again: each is executed once, and its answer kept for those after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chatd.core.wire import varint
from chatd.default.requests.model import Answered, RequestKey
from chatd.errors import ChatdError, RequestIdReused
from chatd.store.command import NO_LOCKS, Command, Locks, Query, Turn
from chatd.store.database import Database
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Once(Command[Answered]):
    """Apply ``command`` unless its key has been answered before, and keep its answer, which
    ``encode`` makes of its result, in the same transaction. A refused command has changed nothing:
    it may be tried again under the same key. Refused with RequestIdReused.

    It holds the profile, so that two attempts on two nodes follow each other."""

    command: Command[Any]
    key: RequestKey
    encode: Callable[[Any], bytes]

    def locks(self) -> Locks:
        locks = self.command.locks()
        return replace(locks, profiles=(*locks.profiles, self.key.profile_id))

    def turn(self) -> Turn:
        return self.command.turn()

    def owner(self) -> str:
        return self.command.owner()

    def weight(self) -> int:
        return self.command.weight()

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[Once]) -> list[Answered | ChatdError]:
        return [_apply_once(transaction, command) for command in commands]


def _apply_once(transaction: Transaction, once: Once) -> Answered | ChatdError:
    key = once.key
    transaction.must_hold(profile_id=key.profile_id)
    try:
        earlier = _find(transaction.database, key)
    except RequestIdReused as exc:
        return exc
    if earlier is not None:
        return Answered(earlier, is_repeated=True)
    (result,) = type(once.command).apply(transaction, [once.command])
    transaction.log.flush()
    if isinstance(result, ChatdError):
        return result
    answer = once.encode(result)
    transaction.database.run(
        """
        INSERT INTO answered_request (profile_id, request_id, content_hash, answer, at_us)
        VALUES (?, ?, ?, ?, ?)
        """,
        (key.profile_id, key.request_id, key.content_hash, answer, transaction.now_us),
    )
    return Answered(answer, result)


@dataclass(frozen=True, slots=True)
class FindAnswer(Query[bytes | None]):
    """The answer to a call that was executed before; None: it was not. Raises RequestIdReused."""

    key: RequestKey

    def answer(self, database: Database) -> bytes | None:
        return _find(database, self.key)


def _find(database: Database, key: RequestKey) -> bytes | None:
    rows = database.rows(
        """
        SELECT content_hash, answer
        FROM answered_request
        WHERE profile_id = ? AND request_id = ?
        """,
        (key.profile_id, key.request_id),
    )
    if not rows:
        return None
    content_hash, answer = map(bytes, rows[0])
    if content_hash != key.content_hash:
        raise RequestIdReused(f"request id '{key.request_id}' was used for another call")
    return answer


@dataclass(frozen=True, slots=True)
class ForgetRequests(Command[int]):
    """Delete answers from before ``before_us``, the oldest ``limit`` of them. The result: how
    many."""

    before_us: int
    limit: int

    def locks(self) -> Locks:
        return NO_LOCKS  # nobody reads such a row any more; one that another session deletes is left to it

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[ForgetRequests]) -> list[int]:
        return [_forget(transaction, command) for command in commands]


def _forget(transaction: Transaction, command: ForgetRequests) -> int:
    database = transaction.database
    skip = " FOR UPDATE SKIP LOCKED" if database.for_update else ""
    rows = database.rows(
        f"""
        DELETE FROM answered_request
        WHERE (profile_id, request_id) IN (
            SELECT profile_id, request_id
            FROM answered_request
            WHERE at_us < ?
            ORDER BY at_us
            LIMIT ?{skip})
        RETURNING 1
        """,
        (command.before_us, command.limit),
    )
    return len(rows)


def erase_from_answers(transaction: Transaction, profile_id: str) -> None:
    """Blank the answers that name a profile. The calls are still remembered, so that none that
    comes again names it anew."""
    name = profile_id.encode()
    place = "POSITION(? IN answer)" if transaction.database.engine == "postgres" else "INSTR(answer, ?)"
    transaction.database.run(
        f"UPDATE answered_request SET answer = ? WHERE {place} > 0", (b"", varint(len(name)) + name)
    )
