"""The part of a client that reads what was said."""

from collections.abc import Iterable
from dataclasses import dataclass

from chatd.client.delivery import Delivery
from chatd.client.session import Session
from chatd.pb.chat.v1 import chat_pb2 as chat


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message, and the part of its text with the first match: pieces, and whether each
    matches."""

    delivery: Delivery
    snippet: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Newest first. ``next_after`` begins the next page; empty: there is none, and a page that is
    short or empty may have one. ``unindexed`` events were not looked at yet."""

    messages: tuple[FoundMessage, ...]
    next_after: str
    unindexed: int


class Reading(Session):
    """A session with the calls that read events. Seqs stay what they are while events come, so a
    page is asked for by the seqs of the one before. Times are microseconds since 1970; 0: no
    limit."""

    async def history(
        self,
        room_id: str,
        *,
        before_seq: int = 0,
        after_seq: int | None = None,
        since_us: int = 0,
        until_us: int = 0,
        limit: int = 50,
    ) -> tuple[list[Delivery], bool]:
        """A page of the room's log in ascending order, and True if there are older events.

        ``before_seq``: the page ends before this event; 0: with the newest. ``after_seq``: the page
        begins behind this event (0: with the oldest), and True says that there are newer ones. Only
        events from ``since_us`` on and from before ``until_us``.
        """
        request = chat.GetHistoryRequest(
            room_id=room_id,
            before_seq=before_seq,
            after_seq=after_seq,
            since_us=since_us,
            until_us=until_us,
            limit=limit,
            accept_zstd=True,
        )
        page = await self._history(request)
        return [Delivery(event) for event in page.events], page.more

    async def history_around(
        self, room_id: str, seq: int, *, limit: int = 50
    ) -> tuple[list[Delivery], bool, bool]:
        """A page with an event in its middle, in ascending order; True if there are older events,
        and True if there are newer ones."""
        request = chat.GetHistoryRequest(room_id=room_id, around_seq=seq, limit=limit, accept_zstd=True)
        page = await self._history(request)
        return [Delivery(event) for event in page.events], page.more, page.more_newer

    async def _history(self, request: chat.GetHistoryRequest) -> chat.GetHistoryResponse:
        method, response_type = "ChatService/GetHistory", chat.GetHistoryResponse
        return await self.call(method, request, response_type, affinity=request.room_id)

    async def event(self, room_id: str, seq: int = 0, *, event_id: str = "", sender_id: str = "") -> Delivery:
        """One event, by its seq, or by the id that ``sender_id`` (empty: this profile) gave it.
        Raises EventNotFound, also for an event that is not for this profile."""
        request = chat.GetEventRequest(
            room_id=room_id, seq=seq, event_id=event_id, sender_id=sender_id, accept_zstd=True
        )
        method, response_type = "ChatService/GetEvent", chat.GetEventResponse
        return Delivery((await self.call(method, request, response_type, affinity=room_id)).event)

    async def search(
        self,
        query: str,
        room_ids: Iterable[str] = (),
        *,
        sender_id: str = "",
        since_us: int = 0,
        until_us: int = 0,
        after: str = "",
        limit: int = 20,
    ) -> FoundPage:
        """Messages of these rooms (none: all of the profile's) whose texts have all the words,
        "phrases in quotes" and beginnings* of the query. Raises UnknownMethod where there is no
        index of texts."""
        request = chat.SearchEventsRequest(
            query=query,
            room_ids=room_ids,
            sender_id=sender_id,
            since_us=since_us,
            until_us=until_us,
            after=after,
            limit=limit,
            accept_zstd=True,
        )
        page = await self.call("ChatService/SearchEvents", request, chat.SearchEventsResponse)
        messages = (
            FoundMessage(Delivery(one.event), tuple((part.text, part.matches) for part in one.snippet))
            for one in page.found
        )
        return FoundPage(tuple(messages), page.next_after, page.unindexed)
