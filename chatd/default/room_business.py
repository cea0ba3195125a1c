"""RoomBusiness: rooms and who is in them. A change of membership is an event in the room's own log."""

import uuid
from collections.abc import Sequence
from typing import TypeVar

from chatd.core.ids import check_id
from chatd.core.model import Room
from chatd.default.answer import Answer, Caller, Method, Write, parse
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1 import chat_pb2
from chatd.store.commands import AddSubscriptions, CreateRoom, MembershipChange, RemoveSubscriptions

MAX_PROFILES = 1_000
MAX_NAME_BYTES = 256

R = TypeVar("R", chat_pb2.AddRoomSubscriptionsRequest, chat_pb2.RemoveRoomSubscriptionsRequest)


class RoomBusiness:
    """ChatService's methods about rooms."""

    def __init__(self) -> None:
        self.methods: dict[str, Method] = {
            "ChatService/CreateRoom": self.create_room,
            "ChatService/AddRoomSubscriptions": self.add_room_subscriptions,
            "ChatService/RemoveRoomSubscriptions": self.remove_room_subscriptions,
        }

    def create_room(self, caller: Caller, payload: bytes) -> Answer:
        """Make a room; the caller owns it and is its first member."""
        caller.require_client()
        request = parse(chat_pb2.CreateRoomRequest, payload)
        room_id = check_id("room_id", request.room_id) if request.room_id else uuid.uuid4().hex
        if len(request.name.encode()) > MAX_NAME_BYTES or "\0" in request.name:
            raise InvalidArgument(f"a room's name has at most {MAX_NAME_BYTES} bytes and no NUL")
        profiles = _check_profiles(request.profile_ids, at_least=0)
        command = CreateRoom(
            room_id=room_id, name=request.name, creator=caller.profile_id, profiles=profiles, hide_previews=request.hide_previews
        )
        return Write(command, lambda room: chat_pb2.CreateRoomResponse(room=room_to_pb(room)))

    def add_room_subscriptions(self, caller: Caller, payload: bytes) -> Answer:
        """Make profiles members from now on."""
        room_id, profiles = _membership(chat_pb2.AddRoomSubscriptionsRequest, caller, payload)
        command = AddSubscriptions(room_id=room_id, profiles=profiles, by=caller.profile_id, operator=caller.operator)

        def then(change: MembershipChange) -> chat_pb2.AddRoomSubscriptionsResponse:
            return chat_pb2.AddRoomSubscriptionsResponse(added=change.profiles, seq=change.seq)

        return Write(command, then)

    def remove_room_subscriptions(self, caller: Caller, payload: bytes) -> Answer:
        """End memberships."""
        room_id, profiles = _membership(chat_pb2.RemoveRoomSubscriptionsRequest, caller, payload)
        command = RemoveSubscriptions(room_id=room_id, profiles=profiles, by=caller.profile_id, operator=caller.operator)

        def then(change: MembershipChange) -> chat_pb2.RemoveRoomSubscriptionsResponse:
            return chat_pb2.RemoveRoomSubscriptionsResponse(removed=change.profiles, seq=change.seq)

        return Write(command, then)


def _membership(request_type: type[R], caller: Caller, payload: bytes) -> tuple[str, tuple[str, ...]]:
    caller.require_client()
    request = parse(request_type, payload)
    return check_id("room_id", request.room_id), _check_profiles(request.profile_ids, at_least=1)


def _check_profiles(profile_ids: Sequence[str], *, at_least: int) -> tuple[str, ...]:
    """Well-formed ids, each once, in the order given."""
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
        hide_previews=bool(room.hide_previews),
    )
