"""Proposals as their room's owners and their proposers see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from chatd.default.limits import MAX_PAGE_BYTES
from chatd.default.rooms.access import require_right, require_room
from chatd.default.rooms.proposals import ProposalState
from chatd.default.rooms.rights import Operation, Right
from chatd.store.command import Query
from chatd.store.database import Database


class Proposal(NamedTuple):
    """Times are microseconds since the Unix epoch; ``request`` is the encoded message of the
    method."""

    room_id: str
    proposal_id: str
    proposed_by: str
    proposed_at_us: int
    state: int
    decided_by: str
    decided_at_us: int
    seq: int
    method: str
    request: bytes


_COLUMNS = ", ".join(Proposal._fields)
_CHUNK = 8
"""Proposals read at once, so that few are read in vain when the byte limit cuts in: about a page of
the largest."""


@dataclass(frozen=True, slots=True)
class ListProposals(Query[tuple[tuple[Proposal, ...], bool]]):
    """A room's proposals in a state, the oldest first, and whether there are more. Those that may
    not approve them get their own. Raises NotAMember (for an ``operator`` RoomNotFound)."""

    room_id: str
    by: str
    operator: bool
    state: ProposalState
    after_proposal_id: str
    limit: int

    def answer(self, database: Database) -> tuple[tuple[Proposal, ...], bool]:
        if self.operator:
            require_room(database, self.room_id)
            right = Right.YES
        else:
            right = require_right(database, Operation.SEE_PROPOSALS, self.room_id, self.by)
        page: list[Proposal] = []
        size = 0
        for one in self._read(database, own=right is Right.OWN):
            size += len(one.request)
            if len(page) == self.limit or (page and size > MAX_PAGE_BYTES):
                return tuple(page), True
            page.append(one)
        return tuple(page), False

    def _read(self, database: Database, *, own: bool) -> Iterator[Proposal]:
        """Those behind ``after_proposal_id``, as far as they are asked for."""
        decided = "=" if self.state is ProposalState.PENDING else ">"
        mine = "AND proposed_by = ?" if own else ""
        chunk = min(self.limit + 1, _CHUNK)
        after: str | None = self.after_proposal_id
        while after is not None:
            rows = database.rows(
                f"""
                SELECT {_COLUMNS}
                FROM room_proposal
                WHERE room_id = ? AND proposal_id > ? AND state = ? AND decided_at_us {decided} 0 {mine}
                ORDER BY proposal_id
                LIMIT ?
                """,
                (self.room_id, after, int(self.state), *([self.by] if own else []), chunk),
            )
            found = [_read(row) for row in rows]
            yield from found
            after = found[-1].proposal_id if len(found) == chunk else None


@dataclass(frozen=True, slots=True)
class FindProposal(Query[Proposal | None]):
    """A proposal, if there is one, for a command that asks what the profile may do with it."""

    room_id: str
    proposal_id: str

    def answer(self, database: Database) -> Proposal | None:
        rows = database.rows(
            f"SELECT {_COLUMNS} FROM room_proposal WHERE room_id = ? AND proposal_id = ?",
            (self.room_id, self.proposal_id),
        )
        return _read(rows[0]) if rows else None


def _read(row: tuple[object, ...]) -> Proposal:
    found = Proposal(*row)  # type: ignore[arg-type]
    return found._replace(request=bytes(found.request))
