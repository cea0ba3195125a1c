"""AdminService's calls about rooms."""

from chatd.core.ids import check_seq
from chatd.core.member_role import MemberRole
from chatd.default.answer import Answer, Call, Caller, Read, Role
from chatd.default.limits import MAX_LIMIT, page_limit
from chatd.default.pages import choose_order
from chatd.default.part import Part
from chatd.default.rooms.activity import CountEvents, CountPage
from chatd.default.rooms.model import Member, Room
from chatd.default.rooms.room_business import room_to_pb
from chatd.default.rooms.store import OLDEST, ORDERS, GetRoom, ListRooms
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1 import admin_pb2


class RoomAdmin:
    """Operators see every room and its members."""

    def __init__(self) -> None:
        self.part = Part(
            calls=(
                Call("AdminService/ListRooms", admin_pb2.ListRoomsRequest, Role.READ, self.list_rooms),
                Call("AdminService/CountEvents", admin_pb2.CountEventsRequest, Role.READ, self.count_events),
                Call("AdminService/GetRoom", admin_pb2.GetRoomRequest, Role.READ, self.get_room),
            )
        )

    def list_rooms(self, caller: Caller, request: admin_pb2.ListRoomsRequest) -> Answer:
        """Rooms by id, or in the order that is asked for."""
        order = choose_order(request.order_by, ORDERS, OLDEST) if request.order_by else None
        if request.after and order is None:
            raise InvalidArgument("after needs order_by; by id, rooms come after_room_id")
        after = order.read_place(request.after) if order else ()

        def then(page: tuple[tuple[Room, ...], bool]) -> admin_pb2.ListRoomsResponse:
            rooms, more = page
            return admin_pb2.ListRoomsResponse(
                rooms=map(room_to_pb, rooms),
                more=more,
                next_after=order.place_of(rooms, more) if order else "",
            )

        return Read(ListRooms(request.after_room_id, page_limit(request.limit), order, after), then)

    def count_events(self, caller: Caller, request: admin_pb2.CountEventsRequest) -> Answer:
        """A page of the counts."""
        before_seq = check_seq("before_seq", request.before_seq)
        return Read(CountEvents(request.since_us, request.room_id, before_seq), _counts_to_pb)

    def get_room(self, caller: Caller, request: admin_pb2.GetRoomRequest) -> Answer:
        """One room with a page of its members."""
        limit = page_limit(request.limit, default=MAX_LIMIT)
        return Read(GetRoom(request.room_id, request.after_profile_id, limit), _room_to_pb)


def _counts_to_pb(page: CountPage) -> admin_pb2.CountEventsResponse:
    return admin_pb2.CountEventsResponse(
        counts=[admin_pb2.EventCount(**count._asdict()) for count in page.counts],
        next_room_id=page.room_id,
        next_before_seq=page.before_seq,
        more=page.more,
    )


def _room_to_pb(found: tuple[Room, tuple[Member, ...], bool]) -> admin_pb2.GetRoomResponse:
    room, members, more = found
    return admin_pb2.GetRoomResponse(
        room=room_to_pb(room),
        members=[
            admin_pb2.Member(
                profile_id=one.profile_id,
                owner=one.role == MemberRole.OWNER,
                joined_seq=one.joined_seq,
                devices=one.devices,
                role=one.role,  # type: ignore[arg-type]
            )
            for one in members
        ],
        published_seq=room.published_seq,
        more=more,
    )
