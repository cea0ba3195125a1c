"""RoomSearchBusiness: the call that finds rooms."""

from chatd.default.answer import Answer, Call, Caller, Read, Role
from chatd.default.limits import page_limit
from chatd.default.part import Part
from chatd.default.rooms.model import Room
from chatd.default.rooms.room_business import check_metadata, check_name, room_to_pb
from chatd.default.search.room_search import FindRooms
from chatd.default.search.words import fold
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1.chat_pb2 import FindRoomsRequest, FindRoomsResponse

MAX_KEYS = 16


class RoomSearchBusiness:
    """Profiles find rooms that they may join, and their own."""

    def __init__(self) -> None:
        self.part = Part(calls=(Call("ChatService/FindRooms", FindRoomsRequest, Role.USER, self.find_rooms),))

    def find_rooms(self, caller: Caller, request: FindRoomsRequest) -> Answer:
        """A page of rooms."""
        if len(request.metadata) > MAX_KEYS:
            raise InvalidArgument(f"{len(request.metadata)} keys of metadata; at most {MAX_KEYS}")
        query = FindRooms(
            profile_id=caller.profile_id,
            operator=caller.sees_all,
            parts=tuple(dict.fromkeys(fold(check_name(request.query, "a query")).split())),
            metadata=tuple(check_metadata(request.metadata).items()),
            after=request.after,
            limit=page_limit(request.limit),
        )
        return Read(query, _encode)


def _encode(page: tuple[tuple[Room, ...], str]) -> FindRoomsResponse:
    rooms, after = page
    return FindRoomsResponse(rooms=map(room_to_pb, rooms), next_after=after)
