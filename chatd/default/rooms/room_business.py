"""RoomBusiness: ChatService's calls about rooms and their members."""

import uuid
from collections.abc import Callable, Sequence

from chatd.core.ids import check_id
from chatd.default.answer import Answer, Call, Caller, Role, Write
from chatd.default.part import Part
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.model import MembershipChange, Room, RoomChange
from chatd.default.rooms.store import CreateRoom, UpdateRoom
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1 import chat_pb2

MAX_PROFILES = 1_000
MAX_NAME_BYTES = 256


class RoomBusiness:
    """Rooms are made and changed by their members. ``left`` is told of profiles whose memberships
    have ended. Operators have no ``limits``."""

    def __init__(self, limits: RoomLimits, *, left: Callable[[Sequence[str]], None]) -> None:
        self._limits = limits
        self._left = left
        self.part = Part(
            calls=(
                Call("ChatService/CreateRoom", chat_pb2.CreateRoomRequest, Role.USER, self.create_room),
                Call("ChatService/UpdateRoom", chat_pb2.UpdateRoomRequest, Role.USER, self.update_room),
                Call(
                    "ChatService/AddRoomSubscriptions",
                    chat_pb2.AddRoomSubscriptionsRequest,
                    Role.USER,
                    self.add_room_subscriptions,
                ),
                Call(
                    "ChatService/RemoveRoomSubscriptions",
                    chat_pb2.RemoveRoomSubscriptionsRequest,
                    Role.USER,
                    self.remove_room_subscriptions,
                ),
            )
        )

    def _limits_of(self, caller: Caller) -> RoomLimits:
        return NO_LIMITS if caller.changes_all else self._limits

    def create_room(self, caller: Caller, request: chat_pb2.CreateRoomRequest) -> Answer:
        """Make a room; the caller owns it and is its first member."""
        command = CreateRoom(
            room_id=check_id("room_id", request.room_id) if request.room_id else uuid.uuid4().hex,
            name=_check_name(request.name),
            creator=caller.profile_id,
            profiles=_check_profiles(request.profile_ids, at_least=0),
            hide_previews=request.hide_previews,
            limits=self._limits_of(caller),
        )
        return Write(command, lambda room: chat_pb2.CreateRoomResponse(room=room_to_pb(room)))

    def update_room(self, caller: Caller, request: chat_pb2.UpdateRoomRequest) -> Answer:
        """Change a room's name or settings."""
        command = UpdateRoom(
            room_id=check_id("room_id", request.room_id),
            by=caller.profile_id,
            operator=caller.changes_all,
            name=_check_name(request.name) if request.HasField("name") else None,
            hide_previews=request.hide_previews if request.HasField("hide_previews") else None,
        )

        def then(change: RoomChange) -> chat_pb2.UpdateRoomResponse:
            return chat_pb2.UpdateRoomResponse(room=room_to_pb(change.room), seq=change.seq)

        return Write(command, then)

    def add_room_subscriptions(self, caller: Caller, request: chat_pb2.AddRoomSubscriptionsRequest) -> Answer:
        """Make profiles members from now on."""
        command = AddSubscriptions(
            room_id=check_id("room_id", request.room_id),
            profiles=_check_profiles(request.profile_ids, at_least=1),
            by=caller.profile_id,
            operator=caller.changes_all,
            limits=self._limits_of(caller),
        )

        def then(change: MembershipChange) -> chat_pb2.AddRoomSubscriptionsResponse:
            return chat_pb2.AddRoomSubscriptionsResponse(added=change.profiles, seq=change.seq)

        return Write(command, then)

    def remove_room_subscriptions(
        self, caller: Caller, request: chat_pb2.RemoveRoomSubscriptionsRequest
    ) -> Answer:
        """End memberships."""
        command = RemoveSubscriptions(
            room_id=check_id("room_id", request.room_id),
            profiles=_check_profiles(request.profile_ids, at_least=1),
            by=caller.profile_id,
            operator=caller.changes_all,
        )

        def then(change: MembershipChange) -> chat_pb2.RemoveRoomSubscriptionsResponse:
            self._left(change.profiles)
            return chat_pb2.RemoveRoomSubscriptionsResponse(removed=change.profiles, seq=change.seq)

        return Write(command, then)


def _check_name(name: str) -> str:
    """Raises InvalidArgument."""
    if len(name.encode()) > MAX_NAME_BYTES or "\0" in name:
        raise InvalidArgument(f"a room's name has at most {MAX_NAME_BYTES} bytes and no NUL")
    return name


def _check_profiles(profile_ids: Sequence[str], *, at_least: int) -> tuple[str, ...]:
    """Well-formed ids, each once, in the order given. Raises InvalidArgument, InvalidId."""
    if not at_least <= len(profile_ids) <= MAX_PROFILES:
        raise InvalidArgument(f"{len(profile_ids)} profiles; a request names {at_least} to {MAX_PROFILES}")
    return tuple(dict.fromkeys(check_id("profile_id", profile_id) for profile_id in profile_ids))


def room_to_pb(room: Room) -> chat_pb2.Room:
    """A room as its members see it."""
    return chat_pb2.Room(
        room_id=room.room_id,
        name=room.name,
        head_seq=room.head_seq,
        membership_version=room.membership_version,
        created_at_us=room.created_at_us,
        created_by=room.created_by,
        member_count=room.member_count,
        hide_previews=room.hide_previews,
    )
