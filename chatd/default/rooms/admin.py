"""AdminService's calls about rooms."""

from chatd.default.answer import Answer, Call, Caller, Read, Role
from chatd.default.limits import MAX_LIMIT, page_limit
from chatd.default.part import Part
from chatd.default.rooms.model import Member, Room
from chatd.default.rooms.room_business import room_to_pb
from chatd.default.rooms.store import GetRoom, ListRooms
from chatd.pb.admin.v1 import admin_pb2


class RoomAdmin:
    """Operators see every room and its members."""

    def __init__(self) -> None:
        self.part = Part(
            calls=(
                Call("AdminService/ListRooms", admin_pb2.ListRoomsRequest, Role.READ, self.list_rooms),
                Call("AdminService/GetRoom", admin_pb2.GetRoomRequest, Role.READ, self.get_room),
            )
        )

    def list_rooms(self, caller: Caller, request: admin_pb2.ListRoomsRequest) -> Answer:
        """Rooms by id."""

        def then(page: tuple[tuple[Room, ...], bool]) -> admin_pb2.ListRoomsResponse:
            return admin_pb2.ListRoomsResponse(rooms=map(room_to_pb, page[0]), more=page[1])

        return Read(ListRooms(request.after_room_id, page_limit(request.limit)), then)

    def get_room(self, caller: Caller, request: admin_pb2.GetRoomRequest) -> Answer:
        """One room with a page of its members."""
        limit = page_limit(request.limit, default=MAX_LIMIT)
        return Read(GetRoom(request.room_id, request.after_profile_id, limit), _room_to_pb)


def _room_to_pb(found: tuple[Room, tuple[Member, ...], bool]) -> admin_pb2.GetRoomResponse:
    room, members, more = found
    return admin_pb2.GetRoomResponse(
        room=room_to_pb(room),
        members=[
            admin_pb2.Member(
                profile_id=one.profile_id, owner=one.owner, joined_seq=one.joined_seq, devices=one.devices
            )
            for one in members
        ],
        published_seq=room.published_seq,
        more=more,
    )
