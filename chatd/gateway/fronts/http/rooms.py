"""Routes for people with curl: a text into a room, a room's history, rooms and what is unread."""

import secrets
import time

from aiohttp.web import Response
from google.protobuf.message import DecodeError

from chatd.errors import InvalidArgument
from chatd.gateway.fronts.http.exchange import Exchange
from chatd.gateway.fronts.http.json_text import dumps, loads, message_from, message_text
from chatd.gateway.fronts.http.query import number, query
from chatd.gateway.fronts.http.service import JSON_HEADERS
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.pb.events.v1.payloads_pb2 import EVENT_TYPE_MESSAGE

MAX_LIMIT = 2**32 - 1  # of a uint32; the node says what is too much


async def send(exchange: Exchange, room: str) -> Response:
    """Store a text, or an event of any kind: the body is a RoomEvent, or has its text alone."""
    event = _event(await exchange.body())
    if event.room_id not in ("", room):
        raise InvalidArgument("room_id in the body is another one than the path's")
    event.room_id = room
    key = exchange.header("Idempotency-Key")
    if key and event.event_id not in ("", key):
        raise InvalidArgument("event_id in the body is another one than the header Idempotency-Key's")
    event.event_id = event.event_id or key or _new_id()
    try:
        request = chat.SendEventsRequest(events=[event])
    except DecodeError:
        raise InvalidArgument("the event lies too deep in itself") from None
    answer = await exchange.call("ChatService/SendEvents", request.SerializeToString(), affinity=room)
    (ack,) = chat.SendEventsResponse.FromString(answer).acks
    said = {
        "event_id": ack.event_id,
        "room_id": ack.room_id,
        "seq": str(ack.seq),
        "sent_at_us": str(ack.sent_at_us),
        "duplicate": ack.duplicate,
    }
    return Response(status=200, body=dumps(said), headers=JSON_HEADERS)


def _new_id() -> str:
    """The time and 80 random bits: ids that follow each other cost the node less."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def _event(body: bytes) -> chat.RoomEvent:
    """Raises InvalidArgument."""
    given = loads(body)
    text = given.pop("text", None)
    try:
        event = message_from(dumps(given), chat.RoomEvent) if given else chat.RoomEvent()
        if isinstance(text, str):
            event.payload["text"] = text
    except ValueError:
        raise InvalidArgument("the body has half a character, or a number that JSON does not have") from None
    if text is not None and not isinstance(text, str):
        raise InvalidArgument("text must be a string")
    event.type = event.type or EVENT_TYPE_MESSAGE
    return event


async def history(exchange: Exchange, room: str) -> Response:
    """A page of a room's log, ascending."""
    asked = query(exchange, ("before", "after", "around", "since", "until", "limit"))
    request = chat.GetHistoryRequest(
        room_id=room,
        before_seq=number(asked, "before"),
        after_seq=number(asked, "after") if "after" in asked else None,
        limit=number(asked, "limit", most=MAX_LIMIT),
        since_us=number(asked, "since"),
        until_us=number(asked, "until"),
        around_seq=number(asked, "around"),
    )
    answer = await exchange.call("ChatService/GetHistory", request.SerializeToString(), affinity=room)
    page = chat.GetHistoryResponse.FromString(answer)
    return Response(body=message_text(page), headers=JSON_HEADERS)


async def unread(exchange: Exchange) -> Response:
    """A page of the caller's rooms, and how much is unread in each."""
    asked = query(exchange, ("after", "limit"))
    request = chat.ListUnreadRequest(
        after_room_id=asked.get("after", ""), limit=number(asked, "limit", most=MAX_LIMIT)
    )
    answer = await exchange.call("ChatService/ListUnread", request.SerializeToString())
    page = chat.ListUnreadResponse.FromString(answer)
    return Response(body=message_text(page), headers=JSON_HEADERS)
