"""InvitationCalls: a session with a method for each call about invitations to rooms."""

from collections.abc import AsyncIterator, Iterable

from chatd.client.session import Session
from chatd.pb.chat.v1 import chat_pb2 as chat


class InvitationCalls(Session):
    """``request_id`` is explained by ``Session.call``. ``RoomCalls.add_members`` invites."""

    async def accept_invitation(self, room_id: str, *, request_id: str | None = None) -> bool:
        """Become a member of a room that has invited the profile; False: it was one."""
        request = chat.AcceptInvitationRequest(room_id=room_id)
        method, response_type = "ChatService/AcceptInvitation", chat.AcceptInvitationResponse
        response = await self.call(method, request, response_type, affinity=room_id, request_id=request_id)
        return response.seq > 0

    async def decline_invitation(self, room_id: str, *, request_id: str | None = None) -> bool:
        """End the profile's invitation to a room; False: there was none."""
        request = chat.DeclineInvitationRequest(room_id=room_id)
        method, response_type = "ChatService/DeclineInvitation", chat.DeclineInvitationResponse
        response = await self.call(method, request, response_type, affinity=room_id, request_id=request_id)
        return response.declined

    async def invitations(self, *, page: int = 100) -> AsyncIterator[chat.Invitation]:
        """The profile's invitations, the newest first, ``page`` of them for each call."""
        request = chat.ListInvitationsRequest(limit=page)
        while True:
            found = await self.call("ChatService/ListInvitations", request, chat.ListInvitationsResponse)
            for invitation in found.invitations:
                yield invitation
            if not found.next_after:
                return
            request.after = found.next_after

    async def room_invitations(
        self, room_id: str, *, after_profile_id: str = "", limit: int = 100
    ) -> tuple[list[chat.Invitation], bool]:
        """A page of a room's invitations by profile, and True if there are more."""
        request = chat.ListRoomInvitationsRequest(
            room_id=room_id, after_profile_id=after_profile_id, limit=limit
        )
        method, response_type = "ChatService/ListRoomInvitations", chat.ListRoomInvitationsResponse
        response = await self.call(method, request, response_type, affinity=room_id)
        return list(response.invitations), response.more

    async def withdraw_invitations(
        self, room_id: str, profiles: Iterable[str], *, request_id: str | None = None
    ) -> list[str]:
        """End invitations to a room; returns the profiles that were invited."""
        request = chat.WithdrawInvitationsRequest(room_id=room_id, profile_ids=profiles)
        method, response_type = "ChatService/WithdrawInvitations", chat.WithdrawInvitationsResponse
        response = await self.call(method, request, response_type, affinity=room_id, request_id=request_id)
        return list(response.withdrawn)
