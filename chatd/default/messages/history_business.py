"""HistoryBusiness: reading what was said. Reading marks nothing."""

from collections.abc import Iterable

from chatd.core.ids import check_id, check_seq
from chatd.core.wire import varint
from chatd.default.answer import Answer, Call, Caller, Read, Role
from chatd.default.limits import page_limit
from chatd.default.messages.history import GetEvent, GetHistory, GetHistoryAround
from chatd.default.messages.rewound import FindRewound
from chatd.default.messages.rewound import RewoundRoom as Rewound
from chatd.default.messages.unreadable import Unreadable
from chatd.default.part import Part
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1.chat_pb2 import (
    FindRewoundRequest,
    FindRewoundResponse,
    GetEventRequest,
    GetEventResponse,
    GetHistoryRequest,
    GetHistoryResponse,
    RewoundRoom,
)
from chatd.store.log_row import EventPlace

_EVENT_TAG = b"\x0a"  # GetHistoryResponse.events, GetEventResponse.event
MAX_HISTORY = 500
MAX_MARKS = 1_000
DEFAULT_HISTORY = 50


class HistoryBusiness:
    """ChatService's methods that read events."""

    def __init__(self, unreadable: Unreadable) -> None:
        self._unreadable = unreadable
        self.part = Part(
            calls=(
                Call("ChatService/GetHistory", GetHistoryRequest, Role.USER, self.get_history),
                Call("ChatService/GetEvent", GetEventRequest, Role.USER, self.get_event),
                Call("ChatService/FindRewound", FindRewoundRequest, Role.USER, self.find_rewound),
            )
        )

    def get_history(self, caller: Caller, request: GetHistoryRequest) -> Answer:
        """A page of a room's log, within the caller's memberships."""
        page = GetHistory(
            room_id=check_id("room_id", request.room_id),
            profile_id=caller.profile_id,
            operator=caller.sees_all,
            before_seq=check_seq("before_seq", request.before_seq),
            limit=page_limit(request.limit, most=MAX_HISTORY, default=DEFAULT_HISTORY),
            plain=not request.accept_zstd,
            unreadable=self._unreadable,
            after_seq=check_seq("after_seq", request.after_seq) if request.HasField("after_seq") else None,
            since_us=_check_time("since_us", request.since_us),
            until_us=_check_time("until_us", request.until_us),
        )
        around = check_seq("around_seq", request.around_seq)
        if not around:
            return Read(page, lambda found: _encode_history(*found))
        if page.before_seq or page.after_seq is not None or page.since_us or page.until_us:
            raise InvalidArgument("around_seq goes without before_seq, after_seq, since_us and until_us")
        return Read(GetHistoryAround(page, around), lambda found: _encode_history(*found))

    def get_event(self, caller: Caller, request: GetEventRequest) -> Answer:
        """One event, within the caller's memberships."""
        if bool(request.seq) == bool(request.event_id):
            raise InvalidArgument("either seq or event_id")
        if request.sender_id and not request.event_id:
            raise InvalidArgument("sender_id goes with event_id")
        page = GetHistory(
            room_id=check_id("room_id", request.room_id),
            profile_id=caller.profile_id,
            operator=caller.sees_all,
            before_seq=0,
            limit=1,
            plain=not request.accept_zstd,
            unreadable=self._unreadable,
        )
        event_id = check_id("event_id", request.event_id) if request.event_id else ""
        sender_id = check_id("sender_id", request.sender_id or caller.profile_id)
        query = GetEvent(page, check_seq("seq", request.seq), sender_id, event_id)
        return Read(query, lambda event: GetEventResponse.FromString(_records((event,))))

    def find_rewound(self, caller: Caller, request: FindRewoundRequest) -> Answer:
        """The shown events that the log does not have."""
        marks = request.marks
        if not 1 <= len(marks) <= MAX_MARKS:
            raise InvalidArgument(f"{len(marks)} marks; a request has 1 to {MAX_MARKS}")
        if len({one.room_id for one in marks}) < len(marks):
            raise InvalidArgument("two marks of one room")
        places = tuple(
            EventPlace(
                check_id("room_id", one.room_id),
                check_seq("seq", one.seq),
                check_id("event_id", one.event_id) if one.event_id else "",
            )
            for one in marks
        )
        return Read(FindRewound(caller.profile_id, places), _encode_rewound)


def _encode_rewound(rooms: tuple[Rewound, ...]) -> FindRewoundResponse:
    return FindRewoundResponse(rooms=[RewoundRoom(**one._asdict()) for one in rooms])


def _check_time(what: str, at_us: int) -> int:
    if at_us < 0:
        raise InvalidArgument(f"{what} {at_us} is before 1970")
    return at_us


def _records(deliveries: Iterable[bytes]) -> bytes:
    """Parsed at once: one by one takes three times as long, and everybody waits for it."""
    return b"".join(_EVENT_TAG + varint(len(delivery)) + delivery for delivery in deliveries)


def _encode_history(
    deliveries: tuple[bytes, ...], more: bool, more_newer: bool = False
) -> GetHistoryResponse:
    response = GetHistoryResponse.FromString(_records(deliveries))
    response.more, response.more_newer = more, more_newer
    return response
