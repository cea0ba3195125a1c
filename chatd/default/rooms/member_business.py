"""MemberBusiness: ChatService's calls about the members of rooms."""

from collections.abc import Callable, Sequence

from chatd.core.ids import check_id
from chatd.core.member_role import MemberRole
from chatd.default.answer import Answer, Call, Caller, Read, Role, Write
from chatd.default.limits import page_limit
from chatd.default.part import Part
from chatd.default.rooms.bans import Ban, Banned, BanProfiles, ListBans, UnbanProfiles
from chatd.default.rooms.change import Change, ChangeCall
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits
from chatd.default.rooms.membership import AddSubscriptions, JoinRoom, RemoveSubscriptions
from chatd.default.rooms.model import MembershipChange
from chatd.default.rooms.role_changes import SetMemberRole
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1 import chat_pb2

MAX_PROFILES = 1_000
TellInvited = Callable[[str, Sequence[str], str], None]
"""Tells profiles of a room who has invited them; empty: they are invited no longer."""


class MemberBusiness:
    """Members come and go, and get roles. ``left`` is told of profiles whose memberships have
    ended. With ``invites`` users do not add profiles, but invite them; ``tell`` learns of it.
    Operators add, and have no ``limits``. ``changes`` may need approval."""

    def __init__(
        self,
        limits: RoomLimits,
        *,
        left: Callable[[Sequence[str]], None],
        invites: bool,
        tell: TellInvited,
    ) -> None:
        self._limits = limits
        self._left = left
        self._invites = invites
        self._tell = tell
        self.part = Part(
            calls=(
                Call("ChatService/JoinRoom", chat_pb2.JoinRoomRequest, Role.USER, self.join_room),
                Call("ChatService/LeaveRoom", chat_pb2.LeaveRoomRequest, Role.USER, self.leave_room),
                Call("ChatService/ListBans", chat_pb2.ListBansRequest, Role.USER, self.list_bans),
            )
        )
        self.changes = (
            ChangeCall(
                "AddRoomSubscriptions",
                chat_pb2.AddRoomSubscriptionsRequest,
                chat_pb2.AddRoomSubscriptionsResponse,
                self.add_room_subscriptions,
                "add",
            ),
            ChangeCall(
                "RemoveRoomSubscriptions",
                chat_pb2.RemoveRoomSubscriptionsRequest,
                chat_pb2.RemoveRoomSubscriptionsResponse,
                self.remove_room_subscriptions,
                "remove",
            ),
            ChangeCall(
                "SetMemberRole",
                chat_pb2.SetMemberRoleRequest,
                chat_pb2.SetMemberRoleResponse,
                self.set_member_role,
                "set_role",
            ),
            ChangeCall(
                "BanProfiles",
                chat_pb2.BanProfilesRequest,
                chat_pb2.BanProfilesResponse,
                self.ban_profiles,
                "ban",
            ),
            ChangeCall(
                "UnbanProfiles",
                chat_pb2.UnbanProfilesRequest,
                chat_pb2.UnbanProfilesResponse,
                self.unban_profiles,
                "unban",
            ),
        )

    def _limits_of(self, caller: Caller) -> RoomLimits:
        return NO_LIMITS if caller.changes_all else self._limits

    def add_room_subscriptions(
        self, caller: Caller, request: chat_pb2.AddRoomSubscriptionsRequest
    ) -> Change[MembershipChange]:
        """Make profiles members from now on, or invite them."""
        command = AddSubscriptions(
            room_id=check_id("room_id", request.room_id),
            profiles=check_profiles(request.profile_ids, at_least=1),
            by=caller.profile_id,
            operator=caller.changes_all,
            limits=self._limits_of(caller),
            role=_check_role(request.role) if request.role else MemberRole.MEMBER,
            invites=self._invites and not caller.changes_all,
        )

        def then(change: MembershipChange) -> chat_pb2.AddRoomSubscriptionsResponse:
            return chat_pb2.AddRoomSubscriptionsResponse(
                added=change.profiles, seq=change.seq, invited=change.invited
            )

        return Change(
            command, then, lambda change: self._tell(command.room_id, change.invited, caller.profile_id)
        )

    def remove_room_subscriptions(
        self, caller: Caller, request: chat_pb2.RemoveRoomSubscriptionsRequest
    ) -> Change[MembershipChange]:
        """End memberships."""
        command = RemoveSubscriptions(
            room_id=check_id("room_id", request.room_id),
            profiles=check_profiles(request.profile_ids, at_least=1),
            by=caller.profile_id,
            operator=caller.changes_all,
        )

        def then(change: MembershipChange) -> chat_pb2.RemoveRoomSubscriptionsResponse:
            return chat_pb2.RemoveRoomSubscriptionsResponse(removed=change.profiles, seq=change.seq)

        return Change(command, then, lambda change: self._left(change.profiles))

    def join_room(self, caller: Caller, request: chat_pb2.JoinRoomRequest) -> Answer:
        """Make the caller a member of a public room."""
        command = JoinRoom(check_id("room_id", request.room_id), caller.profile_id, self._limits_of(caller))
        return Write(command, lambda change: chat_pb2.JoinRoomResponse(seq=change.seq))

    def leave_room(self, caller: Caller, request: chat_pb2.LeaveRoomRequest) -> Answer:
        """End the caller's membership."""
        own = (caller.profile_id,)
        command = RemoveSubscriptions(check_id("room_id", request.room_id), own, caller.profile_id, False)
        return Write(
            command,
            lambda change: chat_pb2.LeaveRoomResponse(seq=change.seq),
            lambda change: self._left(change.profiles),
        )

    def set_member_role(
        self, caller: Caller, request: chat_pb2.SetMemberRoleRequest
    ) -> Change[MembershipChange]:
        """Give members a role."""
        command = SetMemberRole(
            room_id=check_id("room_id", request.room_id),
            profiles=check_profiles(request.profile_ids, at_least=1),
            role=_check_role(request.role),
            by=caller.profile_id,
            operator=caller.changes_all,
            expected=request.expected_version if request.HasField("expected_version") else None,
        )

        def then(change: MembershipChange) -> chat_pb2.SetMemberRoleResponse:
            return chat_pb2.SetMemberRoleResponse(changed=change.profiles, seq=change.seq)

        return Change(command, then)

    def ban_profiles(self, caller: Caller, request: chat_pb2.BanProfilesRequest) -> Change[Banned]:
        """End memberships, and let the profiles not come back."""
        profiles = check_profiles(request.profile_ids, at_least=1)
        if caller.profile_id in profiles:
            raise InvalidArgument("nobody bans itself")
        command = BanProfiles(
            check_id("room_id", request.room_id), profiles, caller.profile_id, caller.changes_all
        )

        def then(banned: Banned) -> chat_pb2.BanProfilesResponse:
            return chat_pb2.BanProfilesResponse(
                banned=banned.profiles, removed=banned.removed, seq=banned.seq
            )

        return Change(command, then, lambda banned: self._left(banned.removed))

    def unban_profiles(
        self, caller: Caller, request: chat_pb2.UnbanProfilesRequest
    ) -> Change[MembershipChange]:
        """Take bans back."""
        command = UnbanProfiles(
            room_id=check_id("room_id", request.room_id),
            profiles=check_profiles(request.profile_ids, at_least=1),
            by=caller.profile_id,
            operator=caller.changes_all,
        )

        def then(change: MembershipChange) -> chat_pb2.UnbanProfilesResponse:
            return chat_pb2.UnbanProfilesResponse(unbanned=change.profiles, seq=change.seq)

        return Change(command, then)

    def list_bans(self, caller: Caller, request: chat_pb2.ListBansRequest) -> Answer:
        """A page of a room's bans."""
        query = ListBans(
            room_id=check_id("room_id", request.room_id),
            by=caller.profile_id,
            operator=caller.sees_all,
            after_profile_id=request.after_profile_id,
            limit=page_limit(request.limit),
        )
        return Read(query, _bans_to_pb)


def _check_role(role: int) -> MemberRole:
    """Raises InvalidArgument."""
    try:
        return MemberRole(role)
    except ValueError as exc:
        raise InvalidArgument(f"there is no role {role}") from exc


def check_profiles(profile_ids: Sequence[str], *, at_least: int) -> tuple[str, ...]:
    """Well-formed ids, each once, in the order given. Raises InvalidArgument, InvalidId."""
    if not at_least <= len(profile_ids) <= MAX_PROFILES:
        raise InvalidArgument(f"{len(profile_ids)} profiles; a request names {at_least} to {MAX_PROFILES}")
    return tuple(dict.fromkeys(check_id("profile_id", profile_id) for profile_id in profile_ids))


def _bans_to_pb(page: tuple[tuple[Ban, ...], bool]) -> chat_pb2.ListBansResponse:
    bans, more = page
    return chat_pb2.ListBansResponse(bans=[chat_pb2.Ban(**ban._asdict()) for ban in bans], more=more)
