"""Proposals: changes of rooms that are made when they are approved, by the command of the direct
call. The stored request says what is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from chatd.core.model import Members
from chatd.default.rooms.access import Acting, authorise, find_approvers
from chatd.default.rooms.change import Changed, RoomCommand
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits, check_proposing
from chatd.default.rooms.proposal_rows import add_proposal, delete_oldest_decided
from chatd.default.rooms.rights import Operation
from chatd.errors import ChatdError, Conflict
from chatd.pb.chat.v1 import chat_pb2
from chatd.store.command import Command, Locks
from chatd.store.transaction import Transaction

MAX_TOLD = 100
"""Owners that are told of a proposal, the first by id: a room may have as many as members."""


class ProposalState(IntEnum):
    """The numbers of ``chat.v1.ProposalState``."""

    PENDING = chat_pb2.PROPOSAL_STATE_PENDING
    EXECUTED = chat_pb2.PROPOSAL_STATE_EXECUTED
    REJECTED = chat_pb2.PROPOSAL_STATE_REJECTED
    WITHDRAWN = chat_pb2.PROPOSAL_STATE_WITHDRAWN
    EXPIRED = chat_pb2.PROPOSAL_STATE_EXPIRED


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal that was made or decided, or had been before. ``told``: the profiles that it is
    news to. ``result``: that of the change, if it was made now."""

    room_id: str
    proposal_id: str
    proposed_by: str
    told: tuple[str, ...]
    state: ProposalState
    seq: int = 0
    result: Changed | None = None


@dataclass(frozen=True, slots=True)
class MakeOrPropose(Command["Changed | Proposed"]):
    """Make a change, or in a room that requires approval propose it, if the profile may make it but
    not approve it, and if it would change something now. A proposal of the same that is pending
    stays the only one. Refused as ``command`` is, with LimitReached if too much is pending."""

    room_id: str
    command: RoomCommand[Changed]
    method: str
    request: bytes
    limits: RoomLimits = NO_LIMITS

    def locks(self) -> Locks:
        return self.command.locks()

    def owner(self) -> str:
        return self.command.owner()

    def weight(self) -> int:
        return self.command.weight()

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[MakeOrPropose]
    ) -> list[Changed | Proposed | ChatdError]:
        return [_make_or_propose(transaction, one) for one in commands]


def _make_or_propose(transaction: Transaction, one: MakeOrPropose) -> Changed | Proposed | ChatdError:
    requires_approval = transaction.database.rows(
        "SELECT 1 FROM room WHERE room_id = ? AND requires_approval = 1", (one.room_id,)
    )
    if requires_approval:
        try:
            acting = one.command.authorise(transaction)
            if acting.needs_approval:
                return _find_same(transaction, one) or _propose(transaction, one, acting)
        except ChatdError as exc:
            return exc
    return _make(transaction, one.command)


def _make(transaction: Transaction, command: RoomCommand[Changed]) -> Changed | ChatdError:
    (result,) = type(command).apply(transaction, [command])
    return result


def _find_same(transaction: Transaction, one: MakeOrPropose) -> Proposed | None:
    """The pending proposal of the same change by the same profile."""
    by = one.command.owner()
    rows = transaction.database.rows(
        """
        SELECT proposal_id
        FROM room_proposal
        WHERE room_id = ? AND decided_at_us = 0 AND proposed_by = ? AND method = ? AND request = ?
        """,
        (one.room_id, by, one.method, one.request),
    )
    return Proposed(one.room_id, rows[0][0], by, (), ProposalState.PENDING) if rows else None


def _propose(transaction: Transaction, one: MakeOrPropose, acting: Acting) -> Changed | Proposed | ChatdError:
    """Keep a change that could be made now. One that changes nothing is answered as if it was
    made. Raises LimitReached."""
    with transaction.trial(one.command.locks()):
        result = _make(transaction, one.command)
    if isinstance(result, ChatdError) or not result.seq:
        return result
    by = one.command.owner()
    check_proposing(transaction, one.room_id, by, len(one.request), one.limits)
    delete_oldest_decided(transaction.database, one.room_id, one.limits.proposals)
    proposal_id = add_proposal(transaction, one.room_id, by, one.method, one.request, one.command.named())
    told = find_approvers(acting.members)[:MAX_TOLD]
    return Proposed(one.room_id, proposal_id, by, told, ProposalState.PENDING)


@dataclass(frozen=True, slots=True)
class ApproveProposal(Command[Proposed]):
    """Make the change that was proposed, once. ``command`` None: there is no such proposal. Refused
    with NotAMember (for an ``operator`` RoomNotFound), PermissionDenied, Conflict if it was decided
    otherwise or is not there, and as ``command`` is; then the proposal stays as it is."""

    room_id: str
    proposal_id: str
    command: RoomCommand[Changed] | None
    by: str
    operator: bool

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,)) if self.command is None else self.command.locks()

    def owner(self) -> str:
        return self.by

    def weight(self) -> int:
        return 1 if self.command is None else self.command.weight()

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[ApproveProposal]
    ) -> list[Proposed | ChatdError]:
        return [_approve_or_refuse(transaction, command) for command in commands]


def _approve_or_refuse(transaction: Transaction, command: ApproveProposal) -> Proposed | ChatdError:
    try:
        acting = authorise(
            transaction, Operation.APPROVE, command.room_id, command.by, operator=command.operator
        )
        found = _require(transaction, command.room_id, command.proposal_id, ProposalState.EXECUTED)
    except ChatdError as exc:
        return exc
    if found.state is ProposalState.EXECUTED:
        return found
    if command.command is None:  # it was made after it was looked for
        return _no_proposal(command.room_id, command.proposal_id)
    approver = "" if command.operator else command.by
    result = _make(transaction, command.command.as_approved(approver))
    if isinstance(result, ChatdError):
        return result
    return _decide(transaction, found, acting.members, command.by, ProposalState.EXECUTED, result)


@dataclass(frozen=True, slots=True)
class RejectProposal(Command[Proposed]):
    """End a proposal that is pending. Refused with NotAMember (for an ``operator`` RoomNotFound),
    PermissionDenied, Conflict if it was decided otherwise."""

    room_id: str
    proposal_id: str
    by: str
    operator: bool

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,))

    def owner(self) -> str:
        return self.by

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[RejectProposal]
    ) -> list[Proposed | ChatdError]:
        return [_reject_or_refuse(transaction, command) for command in commands]


def _reject_or_refuse(transaction: Transaction, command: RejectProposal) -> Proposed | ChatdError:
    try:
        acting = authorise(
            transaction, Operation.APPROVE, command.room_id, command.by, operator=command.operator
        )
        found = _require(transaction, command.room_id, command.proposal_id, ProposalState.REJECTED)
    except ChatdError as exc:
        return exc
    if found.state is ProposalState.REJECTED:
        return found
    return _decide(transaction, found, acting.members, command.by, ProposalState.REJECTED)


@dataclass(frozen=True, slots=True)
class WithdrawProposal(Command["Proposed | None"]):
    """End a profile's own proposal; None: none of its own is pending."""

    room_id: str
    proposal_id: str
    profile_id: str

    def locks(self) -> Locks:
        return Locks(rooms=(self.room_id,))

    def owner(self) -> str:
        return self.profile_id

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[WithdrawProposal]) -> list[Proposed | None]:
        return [_withdraw(transaction, command) for command in commands]


def _withdraw(transaction: Transaction, command: WithdrawProposal) -> Proposed | None:
    room = transaction.log.find(command.room_id)
    found = _find(transaction, command.room_id, command.proposal_id)
    if room is None or found is None or found.proposed_by != command.profile_id:
        return None
    if found.state is not ProposalState.PENDING:
        return None
    members = transaction.log.members(room)
    return _decide(transaction, found, members, command.profile_id, ProposalState.WITHDRAWN)


def _find(transaction: Transaction, room_id: str, proposal_id: str) -> Proposed | None:
    rows = transaction.database.rows(
        """
        SELECT proposed_by, state, seq
        FROM room_proposal
        WHERE room_id = ? AND proposal_id = ?
        """,
        (room_id, proposal_id),
    )
    if not rows:
        return None
    proposed_by, state, seq = rows[0]
    return Proposed(room_id, proposal_id, proposed_by, (), ProposalState(state), seq)


def _require(transaction: Transaction, room_id: str, proposal_id: str, wanted: ProposalState) -> Proposed:
    """The proposal, which is pending or in the state that is wanted. Raises Conflict."""
    found = _find(transaction, room_id, proposal_id)
    if found is None:
        raise _no_proposal(room_id, proposal_id)
    if found.state not in (ProposalState.PENDING, wanted):
        raise Conflict(f"proposal '{proposal_id}' of room '{room_id}' is {found.state.name.lower()}")
    return found


def _no_proposal(room_id: str, proposal_id: str) -> Conflict:
    return Conflict(f"room '{room_id}' has no proposal '{proposal_id}'")


def _decide(
    transaction: Transaction,
    found: Proposed,
    members: Members,
    by: str,
    state: ProposalState,
    result: Changed | None = None,
) -> Proposed:
    """Write it; ``members`` are those from before a change."""
    seq = result.seq if result is not None else 0
    transaction.database.run(
        """
        UPDATE room_proposal
        SET state = ?, decided_by = ?, decided_at_us = ?, seq = ?
        WHERE room_id = ? AND proposal_id = ?
        """,
        (int(state), by, transaction.now_us, seq, found.room_id, found.proposal_id),
    )
    told = tuple(sorted({*find_approvers(members)[:MAX_TOLD], found.proposed_by}))
    return replace(found, told=told, state=state, seq=seq, result=result)
