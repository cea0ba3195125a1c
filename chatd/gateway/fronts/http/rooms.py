"""Routes for people with curl: a text into a room, a room's history, rooms and what is unread."""

import uuid
from collections.abc import Mapping

from aiohttp.web import Response

from chatd.errors import InvalidArgument
from chatd.gateway.fronts.http.exchange import Exchange
from chatd.gateway.fronts.http.json_text import dumps, loads, message_from, message_text
from chatd.gateway.fronts.http.service import JSON, NO_STORE
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.pb.events.v1.payloads_pb2 import EventType

MAX_SEQ = 2**63 - 1


async def send(exchange: Exchange, room: str) -> Response:
    """Store a text, or an event of any kind: the body is a RoomEvent, or has its text alone."""
    event = _event(await exchange.body())
    event.room_id = room
    event.event_id = event.event_id or exchange.request.headers.get("Idempotency-Key") or uuid.uuid4().hex
    request = chat.SendEventsRequest(events=[event])
    answer = await exchange.call("ChatService/SendEvents", request.SerializeToString(), affinity=room)
    (ack,) = chat.SendEventsResponse.FromString(answer).acks
    said = {
        "event_id": ack.event_id,
        "room_id": ack.room_id,
        "seq": str(ack.seq),
        "sent_at_us": str(ack.sent_at_us),
        "duplicate": ack.duplicate,
    }
    return Response(status=200, body=dumps(said), content_type=JSON, headers=NO_STORE)


def _event(body: bytes) -> chat.RoomEvent:
    """Raises InvalidArgument."""
    given = loads(body)
    text = given.get("text")
    if "text" in given and not isinstance(text, str):
        raise InvalidArgument("text must be a string")
    if set(given) == {"text"}:
        event = chat.RoomEvent(type=EventType.EVENT_TYPE_MESSAGE)
    else:
        rest = {key: value for key, value in given.items() if key != "text"}
        event = message_from(dumps(rest), chat.RoomEvent)
        event.type = event.type or EventType.EVENT_TYPE_MESSAGE
    if isinstance(text, str):
        event.payload["text"] = text
    return event


async def history(exchange: Exchange, room: str) -> Response:
    """A page of a room's log, ascending."""
    query = _query(exchange, ("before", "after", "limit"))
    request = chat.GetHistoryRequest(
        room_id=room,
        before_seq=_number(query, "before"),
        after_seq=_number(query, "after") if "after" in query else None,
        limit=_number(query, "limit", most=2**32 - 1),
    )
    answer = await exchange.call("ChatService/GetHistory", request.SerializeToString(), affinity=room)
    page = chat.GetHistoryResponse.FromString(answer)
    return Response(body=message_text(page), content_type=JSON, headers=NO_STORE)


async def unread(exchange: Exchange) -> Response:
    """A page of the caller's rooms, and how much is unread in each."""
    query = _query(exchange, ("after", "limit"))
    request = chat.ListUnreadRequest(
        after_room_id=query.get("after", ""), limit=_number(query, "limit", most=2**32 - 1)
    )
    answer = await exchange.call("ChatService/ListUnread", request.SerializeToString())
    page = chat.ListUnreadResponse.FromString(answer)
    return Response(body=message_text(page), content_type=JSON, headers=NO_STORE)


def _query(exchange: Exchange, known: tuple[str, ...]) -> Mapping[str, str]:
    """Raises InvalidArgument for a parameter that would be ignored."""
    query = exchange.request.query
    for name in query:
        if name not in known or len(query.getall(name)) > 1:
            raise InvalidArgument(f"the parameters are {', '.join(known)}, each once; not {name[:100]!r}")
    return query


def _number(query: Mapping[str, str], name: str, *, most: int = MAX_SEQ) -> int:
    """0 if it is not given. Raises InvalidArgument."""
    text = query.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
        raise InvalidArgument(f"{name} must be a whole number from 0 to {most:,}, not {text[:100]!r}")
    return int(text)
