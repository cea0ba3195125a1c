"""InvitationBusiness: ChatService's calls about invitations to rooms."""

from chatd.core.ids import check_id
from chatd.default.answer import Answer, Call, Caller, Read, Role, Write
from chatd.default.limits import page_limit
from chatd.default.part import Part
from chatd.default.rooms.invitation_lists import NEWEST, Invitation, ListInvitations, ListRoomInvitations
from chatd.default.rooms.invitations import AcceptInvitation, DeclineInvitation, WithdrawInvitations
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits
from chatd.default.rooms.member_business import TellInvited, check_profiles
from chatd.default.rooms.model import MembershipChange
from chatd.pb.chat.v1 import chat_pb2


class InvitationBusiness:
    """Invitations are answered, listed and withdrawn; ``tell`` learns of each that ends so.
    Operators have no ``limits``."""

    def __init__(self, limits: RoomLimits, *, tell: TellInvited) -> None:
        self._limits = limits
        self._tell = tell
        self.part = Part(
            calls=(
                Call(
                    "ChatService/AcceptInvitation", chat_pb2.AcceptInvitationRequest, Role.USER, self.accept
                ),
                Call(
                    "ChatService/DeclineInvitation",
                    chat_pb2.DeclineInvitationRequest,
                    Role.USER,
                    self.decline,
                ),
                Call(
                    "ChatService/ListInvitations", chat_pb2.ListInvitationsRequest, Role.USER, self.list_own
                ),
                Call(
                    "ChatService/ListRoomInvitations",
                    chat_pb2.ListRoomInvitationsRequest,
                    Role.USER,
                    self.list_of_room,
                ),
                Call(
                    "ChatService/WithdrawInvitations",
                    chat_pb2.WithdrawInvitationsRequest,
                    Role.USER,
                    self.withdraw,
                ),
            )
        )

    def accept(self, caller: Caller, request: chat_pb2.AcceptInvitationRequest) -> Answer:
        """Make the caller a member of a room that it was invited to."""
        limits = NO_LIMITS if caller.changes_all else self._limits
        command = AcceptInvitation(check_id("room_id", request.room_id), caller.profile_id, limits)
        return Write(command, lambda change: chat_pb2.AcceptInvitationResponse(seq=change.seq))

    def decline(self, caller: Caller, request: chat_pb2.DeclineInvitationRequest) -> Answer:
        """End an invitation of the caller's. A room's log says so, and its seqs are not told."""
        command = DeclineInvitation(check_id("room_id", request.room_id), caller.profile_id)
        return Write(
            command,
            lambda change: chat_pb2.DeclineInvitationResponse(declined=bool(change.profiles)),
            lambda change: self._tell(command.room_id, change.profiles, ""),
        )

    def list_own(self, caller: Caller, request: chat_pb2.ListInvitationsRequest) -> Answer:
        """A page of the caller's invitations."""

        def then(page: tuple[tuple[Invitation, ...], bool]) -> chat_pb2.ListInvitationsResponse:
            found, more = page
            return chat_pb2.ListInvitationsResponse(
                invitations=map(_to_pb, found), next_after=NEWEST.place_of(found, more)
            )

        after, limit = NEWEST.read_place(request.after), page_limit(request.limit)
        return Read(ListInvitations(caller.profile_id, after, limit), then)

    def list_of_room(self, caller: Caller, request: chat_pb2.ListRoomInvitationsRequest) -> Answer:
        """A page of a room's invitations."""
        query = ListRoomInvitations(
            room_id=check_id("room_id", request.room_id),
            by=caller.profile_id,
            operator=caller.sees_all,
            after_profile_id=request.after_profile_id,
            limit=page_limit(request.limit),
        )

        def then(page: tuple[tuple[Invitation, ...], bool]) -> chat_pb2.ListRoomInvitationsResponse:
            found, more = page
            return chat_pb2.ListRoomInvitationsResponse(invitations=map(_to_pb, found), more=more)

        return Read(query, then)

    def withdraw(self, caller: Caller, request: chat_pb2.WithdrawInvitationsRequest) -> Answer:
        """End invitations to a room."""
        command = WithdrawInvitations(
            room_id=check_id("room_id", request.room_id),
            profiles=check_profiles(request.profile_ids, at_least=1),
            by=caller.profile_id,
            operator=caller.changes_all,
        )

        def then(change: MembershipChange) -> chat_pb2.WithdrawInvitationsResponse:
            return chat_pb2.WithdrawInvitationsResponse(withdrawn=change.profiles, seq=change.seq)

        return Write(command, then, lambda change: self._tell(command.room_id, change.profiles, ""))


def _to_pb(one: Invitation) -> chat_pb2.Invitation:
    return chat_pb2.Invitation(**one._asdict())
