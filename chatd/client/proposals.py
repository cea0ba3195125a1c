"""ProposalCalls: a session with a method for each call about proposals."""

from chatd.client.session import Session
from chatd.pb.chat.v1 import chat_pb2 as chat


class ProposalCalls(Session):
    """``request_id`` is explained by ``Session.call``: each of these is done once."""

    async def proposals(
        self,
        room_id: str,
        *,
        state: chat.ProposalState = chat.PROPOSAL_STATE_PENDING,
        after_proposal_id: str = "",
        limit: int = 100,
    ) -> tuple[list[chat.Proposal], bool]:
        """A page of a room's proposals, the oldest first, and True if there are more. Owners and
        operators see all, others their own."""
        request = chat.ListProposalsRequest(
            room_id=room_id, state=state, after_proposal_id=after_proposal_id, limit=limit
        )
        method, response_type = "ChatService/ListProposals", chat.ListProposalsResponse
        response = await self.call(method, request, response_type, affinity=room_id)
        return list(response.proposals), response.more

    async def approve_proposal(self, room_id: str, proposal_id: str, *, request_id: str | None = None) -> int:
        """Make the change that was proposed; returns the seq of the event that says so, 0 if
        nothing was to be changed any more."""
        request = chat.ApproveProposalRequest(room_id=room_id, proposal_id=proposal_id)
        method, response_type = "ChatService/ApproveProposal", chat.ApproveProposalResponse
        return (await self.call(method, request, response_type, affinity=room_id, request_id=request_id)).seq

    async def reject_proposal(self, room_id: str, proposal_id: str, *, request_id: str | None = None) -> None:
        """End a proposal that is pending."""
        request = chat.RejectProposalRequest(room_id=room_id, proposal_id=proposal_id)
        method, response_type = "ChatService/RejectProposal", chat.RejectProposalResponse
        await self.call(method, request, response_type, affinity=room_id, request_id=request_id)

    async def withdraw_proposal(
        self, room_id: str, proposal_id: str, *, request_id: str | None = None
    ) -> bool:
        """End a proposal of the profile's own; False: none is pending."""
        request = chat.WithdrawProposalRequest(room_id=room_id, proposal_id=proposal_id)
        method, response_type = "ChatService/WithdrawProposal", chat.WithdrawProposalResponse
        response = await self.call(method, request, response_type, affinity=room_id, request_id=request_id)
        return response.withdrawn
