"""SearchBusiness: the call that searches texts."""

from chatd.core.ids import check_id
from chatd.default.answer import Answer, Call, Caller, Read, Role
from chatd.default.limits import page_limit
from chatd.default.pages import read_place
from chatd.default.part import Part
from chatd.default.search.model import FoundPage
from chatd.default.search.search import SearchEvents
from chatd.default.search.terms import parse
from chatd.errors import InvalidArgument, UnknownMethod
from chatd.pb.chat.v1.chat_pb2 import FoundEvent, SearchEventsRequest, SearchEventsResponse, SnippetPart
from chatd.pb.events.v1.payloads_pb2 import EventDelivery

MAX_FOUND = 50
DEFAULT_FOUND = 20
MAX_ROOMS = 100


class SearchBusiness:
    """``is_on``: this service keeps an index of texts."""

    def __init__(self, *, is_on: bool) -> None:
        self._is_on = is_on
        self.part = Part(
            calls=(Call("ChatService/SearchEvents", SearchEventsRequest, Role.USER, self.search_events),)
        )

    def search_events(self, caller: Caller, request: SearchEventsRequest) -> Answer:
        """A page of messages, within the caller's memberships."""
        if len(request.room_ids) > MAX_ROOMS:
            raise InvalidArgument(f"{len(request.room_ids)} rooms; at most {MAX_ROOMS}")
        if request.since_us < 0 or request.until_us < 0:
            raise InvalidArgument("since_us or until_us is before 1970")
        place = read_place(request.after, int)
        query = SearchEvents(
            terms=parse(request.query),
            profile_id=caller.profile_id,
            operator=caller.sees_all,
            rooms=tuple(dict.fromkeys(check_id("room_ids", room_id) for room_id in request.room_ids)),
            sender_id=check_id("sender_id", request.sender_id) if request.sender_id else "",
            since_us=request.since_us,
            until_us=request.until_us,
            after=max(1, int(place[0])) if place else 0,
            limit=page_limit(request.limit, most=MAX_FOUND, default=DEFAULT_FOUND),
            plain=not request.accept_zstd,
        )
        if not self._is_on:
            raise UnknownMethod("this service keeps no index of texts (SEARCH)")
        return Read(query, _encode)


def _encode(page: FoundPage) -> SearchEventsResponse:
    return SearchEventsResponse(
        found=[
            FoundEvent(
                event=EventDelivery.FromString(one.delivery),
                snippet=[SnippetPart(text=text, matches=matches) for text, matches in one.snippet],
            )
            for one in page.found
        ],
        next_after=str(page.next_after) if page.next_after else "",
        unindexed=page.unindexed,
    )
