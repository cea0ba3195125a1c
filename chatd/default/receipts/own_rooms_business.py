"""OwnRoomsBusiness: ChatService's calls with which a client shows rooms and their members."""

from chatd.core.ids import check_id
from chatd.default.answer import Answer, Call, Caller, Read, Role
from chatd.default.limits import page_limit
from chatd.default.messages.unreadable import Unreadable
from chatd.default.pages import read_place
from chatd.default.part import Part
from chatd.default.receipts.own_rooms import RECENT_FIRST, GetOwnRoom, ListMyRooms, OwnRoom, Shown
from chatd.default.receipts.room_members import ListMembers, RoomMember
from chatd.default.rooms.room_business import room_to_pb
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.events.v1.payloads_pb2 import EventDelivery


class OwnRoomsBusiness:
    """A profile sees the rooms that it is a member of, and operators all."""

    def __init__(self, unreadable: Unreadable) -> None:
        self._unreadable = unreadable
        self.part = Part(
            calls=(
                Call("ChatService/ListMyRooms", chat_pb2.ListMyRoomsRequest, Role.USER, self.list_my_rooms),
                Call("ChatService/GetRoom", chat_pb2.GetRoomRequest, Role.USER, self.get_room),
                Call("ChatService/ListMembers", chat_pb2.ListMembersRequest, Role.USER, self.list_members),
            )
        )

    def list_my_rooms(self, caller: Caller, request: chat_pb2.ListMyRoomsRequest) -> Answer:
        """A page of the caller's rooms."""
        if request.changed_since_us < 0:
            raise InvalidArgument(f"changed_since_us {request.changed_since_us} is before 1970")
        order = RECENT_FIRST if request.recent_first else None
        query = ListMyRooms(
            profile_id=caller.profile_id,
            order=order,
            after=order.read_place(request.after) if order else read_place(request.after, str),
            limit=page_limit(request.limit),
            since_us=request.changed_since_us,
            shown=Shown(not request.accept_zstd, self._unreadable),
        )

        def then(page: tuple[tuple[OwnRoom, ...], bool]) -> chat_pb2.ListMyRoomsResponse:
            rooms, more = page
            place = order.place_of(rooms, more) if order else rooms[-1].room_id if more else ""
            return chat_pb2.ListMyRoomsResponse(rooms=map(_own_to_pb, rooms), next_after=place)

        return Read(query, then)

    def get_room(self, caller: Caller, request: chat_pb2.GetRoomRequest) -> Answer:
        """One room, as the caller has it."""
        query = GetOwnRoom(
            room_id=check_id("room_id", request.room_id),
            profile_id=caller.profile_id,
            operator=caller.sees_all,
            shown=Shown(not request.accept_zstd, self._unreadable),
        )
        return Read(query, lambda own: chat_pb2.GetRoomResponse(room=_own_to_pb(own)))

    def list_members(self, caller: Caller, request: chat_pb2.ListMembersRequest) -> Answer:
        """A page of a room's members."""
        query = ListMembers(
            room_id=check_id("room_id", request.room_id),
            profile_id=caller.profile_id,
            operator=caller.sees_all,
            after_profile_id=request.after_profile_id,
            limit=page_limit(request.limit),
        )

        def then(page: tuple[tuple[RoomMember, ...], bool]) -> chat_pb2.ListMembersResponse:
            members, more = page
            return chat_pb2.ListMembersResponse(members=map(_member_to_pb, members), more=more)

        return Read(query, then)


def _own_to_pb(own: OwnRoom) -> chat_pb2.MyRoom:
    return chat_pb2.MyRoom(
        room=room_to_pb(own.room),
        role=own.role,  # type: ignore[arg-type]
        joined_seq=own.joined_seq,
        read_seq=own.read_seq,
        read_at_us=own.read_at_us,
        unread=own.unread,
        mentions=own.mentions,
        level=own.level,  # type: ignore[arg-type]
        muted_until_us=own.muted_until_us,
        last_event=EventDelivery.FromString(own.last_event) if own.last_event else None,
    )


def _member_to_pb(member: RoomMember) -> chat_pb2.RoomMember:
    after_seq, delivered_seq = member.delivered
    return chat_pb2.RoomMember(
        profile_id=member.profile_id,
        role=member.role,  # type: ignore[arg-type]
        joined_seq=member.joined_seq,
        read_seq=member.read_seq,
        delivered_after_seq=after_seq,
        delivered_seq=delivered_seq,
    )
