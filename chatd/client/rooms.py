"""RoomCalls: a session with a method for each call about rooms and their members."""

from collections.abc import AsyncIterator, Iterable, Mapping

from chatd.client.session import Session
from chatd.pb.chat.v1 import chat_pb2 as chat


class RoomCalls(Session):
    """``request_id`` is explained by ``Session.call``: each of these is done once. A response with
    a ``proposal_id`` says that a change waits for approval (``ProposalCalls``)."""

    async def create_room(
        self,
        room_id: str = "",
        *,
        name: str = "",
        profiles: Iterable[str] = (),
        hide_previews: bool = False,
        kind: chat.RoomKind = chat.ROOM_KIND_GROUP,
        public: bool = False,
        rules: chat.RoomRules | None = None,
        description: str = "",
        metadata: Mapping[str, str] | None = None,
        request_id: str | None = None,
    ) -> chat.Room:
        """Make a room. ``hide_previews``: notifications of its events have no preview.
        ``public``: everybody may join. ``rules``: other ones than those of its kind."""
        request = chat.CreateRoomRequest(
            room_id=room_id,
            name=name,
            profile_ids=profiles,
            hide_previews=hide_previews,
            kind=kind,
            public=public,
            rules=rules,
            description=description,
            metadata=_metadata(metadata),
        )
        method, response_type = "ChatService/CreateRoom", chat.CreateRoomResponse
        return (await self.call(method, request, response_type, affinity=room_id, request_id=request_id)).room

    async def direct_room(self, profile_id: str, *, request_id: str | None = None) -> chat.Room:
        """Return the room of this profile and another one, which is made if there is none."""
        request = chat.CreateRoomRequest(kind=chat.ROOM_KIND_DIRECT, profile_ids=[profile_id])
        method, response_type = "ChatService/CreateRoom", chat.CreateRoomResponse
        return (await self.call(method, request, response_type, request_id=request_id)).room

    async def update_room(
        self,
        room_id: str,
        *,
        name: str | None = None,
        hide_previews: bool | None = None,
        public: bool | None = None,
        rules: chat.RoomRules | None = None,
        description: str | None = None,
        metadata: Mapping[str, str] | None = None,
        expected_version: int | None = None,
        request_id: str | None = None,
    ) -> chat.UpdateRoomResponse:
        """Change a room's name or settings (None: leave it). ``metadata``: the keys to change; an
        empty value removes one. ``expected_version``: raise Conflict unless
        ``Room.settings_version`` is this."""
        request = chat.UpdateRoomRequest(
            room_id=room_id,
            name=name,
            rules=rules,
            description=description,
            metadata=_metadata(metadata),
            expected_version=expected_version,
        )
        if hide_previews is not None:
            request.hide_previews = hide_previews
        if public is not None:
            request.public = public
        method, response_type = "ChatService/UpdateRoom", chat.UpdateRoomResponse
        return await self.call(method, request, response_type, affinity=room_id, request_id=request_id)

    async def my_rooms(
        self, *, recent_first: bool = True, changed_since_us: int = 0, page: int = 100
    ) -> AsyncIterator[chat.MyRoom]:
        """The profile's rooms, each with its last event and what is unread, ``page`` of them for
        each call. ``changed_since_us``: only those with news since then (microseconds since
        1970)."""
        request = chat.ListMyRoomsRequest(
            recent_first=recent_first, changed_since_us=changed_since_us, limit=page, accept_zstd=True
        )
        while True:
            found = await self.call("ChatService/ListMyRooms", request, chat.ListMyRoomsResponse)
            for room in found.rooms:
                yield room
            if not found.next_after:
                return
            request.after = found.next_after

    async def find_rooms(
        self, query: str = "", *, metadata: Mapping[str, str] | None = None, page: int = 100
    ) -> AsyncIterator[chat.Room]:
        """The public rooms and the profile's own whose names have all parts of ``query``, and that
        have the ``metadata`` (an empty value: any), ``page`` of them at most for each call."""
        request = chat.FindRoomsRequest(query=query, metadata=_metadata(metadata), limit=page)
        while True:
            found = await self.call("ChatService/FindRooms", request, chat.FindRoomsResponse)
            for room in found.rooms:
                yield room
            if not found.next_after:
                return
            request.after = found.next_after

    async def room(self, room_id: str) -> chat.MyRoom:
        """Return one of the profile's rooms; operators see all."""
        request = chat.GetRoomRequest(room_id=room_id, accept_zstd=True)
        return (await self.call("ChatService/GetRoom", request, chat.GetRoomResponse, affinity=room_id)).room

    async def members(
        self, room_id: str, *, after_profile_id: str = "", limit: int = 100
    ) -> tuple[list[chat.RoomMember], bool]:
        """A page of a room's members by profile, with their roles and how far they have read and
        received it, and True if there are more."""
        request = chat.ListMembersRequest(room_id=room_id, after_profile_id=after_profile_id, limit=limit)
        method, response_type = "ChatService/ListMembers", chat.ListMembersResponse
        response = await self.call(method, request, response_type, affinity=room_id)
        return list(response.members), response.more

    async def delete_room(self, room_id: str, *, request_id: str | None = None) -> int:
        """Close a room for ever; returns the seq of its last event."""
        request = chat.DeleteRoomRequest(room_id=room_id)
        method, response_type = "ChatService/DeleteRoom", chat.DeleteRoomResponse
        return (await self.call(method, request, response_type, affinity=room_id, request_id=request_id)).seq

    async def add_members(
        self,
        room_id: str,
        profiles: Iterable[str],
        *,
        role: chat.MemberRole = chat.MEMBER_ROLE_MEMBER,
        request_id: str | None = None,
    ) -> chat.AddRoomSubscriptionsResponse:
        """Make profiles members, or invite them, as the service is set; the response says which of
        them were neither."""
        method, response_type = "ChatService/AddRoomSubscriptions", chat.AddRoomSubscriptionsResponse
        request = chat.AddRoomSubscriptionsRequest(room_id=room_id, profile_ids=profiles, role=role)
        return await self.call(method, request, response_type, affinity=room_id, request_id=request_id)

    async def remove_members(
        self,
        room_id: str,
        profiles: Iterable[str],
        *,
        request_id: str | None = None,
    ) -> chat.RemoveRoomSubscriptionsResponse:
        """End memberships; the response says which profiles were members."""
        method, response_type = "ChatService/RemoveRoomSubscriptions", chat.RemoveRoomSubscriptionsResponse
        request = chat.RemoveRoomSubscriptionsRequest(room_id=room_id, profile_ids=profiles)
        return await self.call(method, request, response_type, affinity=room_id, request_id=request_id)

    async def join_room(self, room_id: str, *, request_id: str | None = None) -> bool:
        """Become a member of a public room; False: the profile was one."""
        request = chat.JoinRoomRequest(room_id=room_id)
        method, response_type = "ChatService/JoinRoom", chat.JoinRoomResponse
        response = await self.call(method, request, response_type, affinity=room_id, request_id=request_id)
        return response.seq > 0

    async def leave_room(self, room_id: str, *, request_id: str | None = None) -> int:
        """End the profile's membership; returns the seq of the event that says so."""
        request = chat.LeaveRoomRequest(room_id=room_id)
        method, response_type = "ChatService/LeaveRoom", chat.LeaveRoomResponse
        return (await self.call(method, request, response_type, affinity=room_id, request_id=request_id)).seq

    async def set_member_role(
        self,
        room_id: str,
        profiles: Iterable[str],
        role: chat.MemberRole,
        *,
        expected_version: int | None = None,
        request_id: str | None = None,
    ) -> chat.SetMemberRoleResponse:
        """Give members a role; the response says which had another. ``expected_version``: raise
        Conflict unless ``Room.membership_version`` is this."""
        request = chat.SetMemberRoleRequest(
            room_id=room_id, profile_ids=profiles, role=role, expected_version=expected_version
        )
        method, response_type = "ChatService/SetMemberRole", chat.SetMemberRoleResponse
        return await self.call(method, request, response_type, affinity=room_id, request_id=request_id)

    async def ban(
        self, room_id: str, profiles: Iterable[str], *, request_id: str | None = None
    ) -> chat.BanProfilesResponse:
        """End memberships, and let the profiles, members or not, not come back."""
        request = chat.BanProfilesRequest(room_id=room_id, profile_ids=profiles)
        method, response_type = "ChatService/BanProfiles", chat.BanProfilesResponse
        return await self.call(method, request, response_type, affinity=room_id, request_id=request_id)

    async def unban(
        self, room_id: str, profiles: Iterable[str], *, request_id: str | None = None
    ) -> chat.UnbanProfilesResponse:
        """Take bans back; the response says which profiles were banned."""
        request = chat.UnbanProfilesRequest(room_id=room_id, profile_ids=profiles)
        method, response_type = "ChatService/UnbanProfiles", chat.UnbanProfilesResponse
        return await self.call(method, request, response_type, affinity=room_id, request_id=request_id)

    async def bans(
        self, room_id: str, *, after_profile_id: str = "", limit: int = 100
    ) -> tuple[list[chat.Ban], bool]:
        """A page of the profiles that are banned from a room, and True if there are more."""
        request = chat.ListBansRequest(room_id=room_id, after_profile_id=after_profile_id, limit=limit)
        method, response_type = "ChatService/ListBans", chat.ListBansResponse
        response = await self.call(method, request, response_type, affinity=room_id)
        return list(response.bans), response.more


def _metadata(metadata: Mapping[str, str] | None) -> list[chat.RoomMetadata]:
    return [chat.RoomMetadata(key=key, value=value) for key, value in (metadata or {}).items()]
