"""ProposalBusiness: ChatService's calls that change rooms, which may become proposals, and those
that decide on them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from google.protobuf.message import Message

from chatd.core.ids import check_id
from chatd.default.answer import Answer, Call, Caller, Read, ReadFirst, Role, Write
from chatd.default.limits import page_limit
from chatd.default.part import Part
from chatd.default.rooms.change import Change, ChangeCall, Changed
from chatd.default.rooms.limits import RoomLimits
from chatd.default.rooms.proposal_lists import FindProposal, ListProposals, Proposal
from chatd.default.rooms.proposals import (
    ApproveProposal,
    MakeOrPropose,
    ProposalState,
    Proposed,
    RejectProposal,
    WithdrawProposal,
)
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1 import chat_pb2

MAX_PROPOSALS = 100
"""Most proposals in one page."""


class ProposalBusiness:
    """``changes`` are made at once, or proposed and made later; ``tell`` learns of each proposal
    that is made or decided."""

    def __init__(
        self,
        changes: Sequence[ChangeCall[Any]],
        limits: RoomLimits,
        *,
        tell: Callable[[Proposed], None],
    ) -> None:
        self._changes = {row.method: row for row in changes}
        self._limits = limits
        self._tell = tell
        self.part = Part(
            calls=(
                *(
                    Call(f"ChatService/{row.method}", row.request, Role.USER, partial(self.change, row))
                    for row in changes
                ),
                Call(
                    "ChatService/ListProposals", chat_pb2.ListProposalsRequest, Role.USER, self.list_proposals
                ),
                Call("ChatService/ApproveProposal", chat_pb2.ApproveProposalRequest, Role.USER, self.approve),
                Call("ChatService/RejectProposal", chat_pb2.RejectProposalRequest, Role.USER, self.reject),
                Call(
                    "ChatService/WithdrawProposal",
                    chat_pb2.WithdrawProposalRequest,
                    Role.USER,
                    self.withdraw,
                ),
            )
        )

    def change(self, row: ChangeCall[Any], caller: Caller, request: Any) -> Answer:
        """Make a change, or propose it."""
        change = row.make(caller, request)
        request.DiscardUnknownFields()
        command = MakeOrPropose(
            room_id=request.room_id,
            command=change.command,
            method=row.method,
            request=request.SerializeToString(deterministic=True),
            limits=self._limits,
        )

        def then(result: Changed | Proposed) -> Message:
            if isinstance(result, Proposed):
                return row.response(proposal_id=result.proposal_id)
            return change.then(result)

        def after(result: Changed | Proposed) -> None:
            if isinstance(result, Proposed):
                self._tell(result)
            else:
                change.after(result)

        return Write(command, then, after)

    def list_proposals(self, caller: Caller, request: chat_pb2.ListProposalsRequest) -> Answer:
        """A page of a room's proposals."""
        query = ListProposals(
            room_id=check_id("room_id", request.room_id),
            by=caller.profile_id,
            operator=caller.sees_all,
            state=_check_state(request.state),
            after_proposal_id=request.after_proposal_id,
            limit=page_limit(request.limit, most=MAX_PROPOSALS),
        )

        def then(page: tuple[tuple[Proposal, ...], bool]) -> chat_pb2.ListProposalsResponse:
            found, more = page
            return chat_pb2.ListProposalsResponse(proposals=map(self._to_pb, found), more=more)

        return Read(query, then)

    def approve(self, caller: Caller, request: chat_pb2.ApproveProposalRequest) -> Answer:
        """Make the change that was proposed, as its proposer would make it now."""
        room_id = check_id("room_id", request.room_id)
        proposal_id = check_id("proposal_id", request.proposal_id)

        def then(found: Proposal | None) -> Answer:
            change = None if found is None else self._read(found)
            command = ApproveProposal(
                room_id,
                proposal_id,
                None if change is None else change.command,
                caller.profile_id,
                caller.changes_all,
            )

            def after(approved: Proposed) -> None:
                if change is not None and approved.result is not None:
                    change.after(approved.result)
                self._tell(approved)

            return Write(command, lambda approved: chat_pb2.ApproveProposalResponse(seq=approved.seq), after)

        # Also if there is none: the same request may have approved one that has gone since.
        return ReadFirst(FindProposal(room_id, proposal_id), then)

    def _read(self, found: Proposal) -> Change[Any]:
        """The change, as its proposer would make it."""
        row = self._changes[found.method]
        return row.make(Caller(found.proposed_by), row.request.FromString(found.request))

    def reject(self, caller: Caller, request: chat_pb2.RejectProposalRequest) -> Answer:
        """End a proposal."""
        command = RejectProposal(
            check_id("room_id", request.room_id),
            check_id("proposal_id", request.proposal_id),
            caller.profile_id,
            caller.changes_all,
        )
        return Write(command, lambda rejected: chat_pb2.RejectProposalResponse(), self._tell)

    def withdraw(self, caller: Caller, request: chat_pb2.WithdrawProposalRequest) -> Answer:
        """End a proposal of the caller's."""
        command = WithdrawProposal(
            check_id("room_id", request.room_id),
            check_id("proposal_id", request.proposal_id),
            caller.profile_id,
        )

        def after(withdrawn: Proposed | None) -> None:
            if withdrawn is not None:
                self._tell(withdrawn)

        return Write(
            command,
            lambda withdrawn: chat_pb2.WithdrawProposalResponse(withdrawn=withdrawn is not None),
            after,
        )

    def _to_pb(self, one: Proposal) -> chat_pb2.Proposal:
        found = chat_pb2.Proposal(
            room_id=one.room_id,
            proposal_id=one.proposal_id,
            proposed_by=one.proposed_by,
            proposed_at_us=one.proposed_at_us,
            state=one.state,  # type: ignore[arg-type]
            decided_by=one.decided_by,
            decided_at_us=one.decided_at_us,
            seq=one.seq,
        )
        getattr(found, self._changes[one.method].field).ParseFromString(one.request)
        return found


def _check_state(state: int) -> ProposalState:
    """Raises InvalidArgument."""
    try:
        return ProposalState(state) if state else ProposalState.PENDING
    except ValueError as exc:
        raise InvalidArgument(f"there is no state {state} of proposals") from exc
