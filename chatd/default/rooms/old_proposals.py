"""The end of proposals: those that nobody decides on expire, and those that are decided are deleted
when nobody asks for them any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.default.rooms.proposal_rows import Place, delete_proposals
from chatd.default.rooms.proposals import ProposalState
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class FindOldProposals(Query[tuple[Place, ...]]):
    """Proposals that are pending since before ``expire_before_us``, and those that were decided
    before ``forget_before_us``; ``limit`` of each at most."""

    expire_before_us: int
    forget_before_us: int
    limit: int

    def answer(self, database: Database) -> tuple[Place, ...]:
        pending, decided = (
            database.rows(
                f"""
                SELECT room_id, proposal_id
                FROM room_proposal
                WHERE {condition}
                LIMIT ?
                """,
                (before_us, self.limit),
            )
            for condition, before_us in (
                ("decided_at_us = 0 AND proposed_at_us < ?", self.expire_before_us),
                ("decided_at_us > 0 AND decided_at_us < ?", self.forget_before_us),
            )
        )
        return tuple((room_id, proposal_id) for room_id, proposal_id in (*pending, *decided))


@dataclass(frozen=True, slots=True)
class ExpireProposals(Command[int]):
    """Let those of the proposals expire that are pending still, and delete those that were decided.
    The result: how many."""

    places: tuple[Place, ...]
    expire_before_us: int
    forget_before_us: int

    def locks(self) -> Locks:
        return Locks(rooms=tuple({room_id for room_id, _ in self.places}))

    def weight(self) -> int:
        return len(self.places)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[ExpireProposals]) -> list[int]:
        return [_expire(transaction, command) for command in commands]


def _expire(transaction: Transaction, command: ExpireProposals) -> int:
    database = transaction.database
    changed = 0
    for place in sorted(command.places):
        forgotten = database.rows(
            """
            SELECT 1
            FROM room_proposal
            WHERE room_id = ? AND proposal_id = ? AND decided_at_us > 0 AND decided_at_us < ?
            """,
            (*place, command.forget_before_us),
        )
        if forgotten:
            delete_proposals(database, [place])
        expired = database.rows(
            """
            UPDATE room_proposal
            SET state = ?, decided_at_us = ?
            WHERE room_id = ? AND proposal_id = ? AND decided_at_us = 0 AND proposed_at_us < ?
            RETURNING 1
            """,
            (int(ProposalState.EXPIRED), transaction.now_us, *place, command.expire_before_us),
        )
        changed += len(forgotten) + len(expired)
    return changed
