"""Attacks by a user's calls: dear ones, again as soon as one is answered, over many connections."""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import zstandard
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from chatd.pb.chat.v1.chat_pb2 import (
    AddRoomSubscriptionsRequest,
    CreateRoomRequest,
    GetDeliveryStatusRequest,
    GetHistoryRequest,
    GetPresenceRequest,
    RemoveRoomSubscriptionsRequest,
    RoomEvent,
    SendEventsRequest,
)
from tests.raw_peer import RawPeer

ROOM = "attacked"
CLUB = "club"
SEQ = 2
"""An event of ROOM."""
PROFILES = tuple(f"p{number:03}" for number in range(1_000))
"""Some that the attacker makes members of rooms."""
CONNECTIONS = 4
IN_FLIGHT = 64
"""As many calls as a gateway has under way for one profile, on each connection."""

_Call = tuple[str, Message]


def history() -> Iterator[_Call]:
    """The largest pages."""
    yield "ChatService/GetHistory", GetHistoryRequest(room_id=ROOM, limit=500)


def presence() -> Iterator[_Call]:
    """The most profiles."""
    yield "ChatService/GetPresence", GetPresenceRequest(profile_ids=PROFILES[:100])


def status() -> Iterator[_Call]:
    """The progress of an event in a large room."""
    yield "ChatService/GetDeliveryStatus", GetDeliveryStatusRequest(room_id=ROOM, seq=SEQ)


def rooms() -> Iterator[_Call]:
    """Ever new rooms, of the attacker's devices alone."""
    yield "ChatService/CreateRoom", CreateRoomRequest()


def crowded_rooms() -> Iterator[_Call]:
    """Ever new rooms of as many as one call may name."""
    yield "ChatService/CreateRoom", CreateRoomRequest(profile_ids=PROFILES)


def members() -> Iterator[_Call]:
    """As many as one call may name come and go."""
    yield (
        "ChatService/AddRoomSubscriptions",
        AddRoomSubscriptionsRequest(room_id=CLUB, profile_ids=PROFILES),
    )
    yield (
        "ChatService/RemoveRoomSubscriptions",
        RemoveRoomSubscriptionsRequest(room_id=CLUB, profile_ids=PROFILES),
    )


def _sends(more: Value) -> Iterator[_Call]:
    payload = Struct(fields={"text": Value(string_value="x"), "more": more}).SerializeToString()
    compressed = zstandard.ZstdCompressor(write_content_size=True).compress(payload)
    one = RoomEvent(event_id=uuid.uuid4().hex, room_id=CLUB, compressed_payload=compressed)
    one.type = 1  # type: ignore[assignment]
    yield "ChatService/SendEvents", SendEventsRequest(events=[one])


def nulls() -> Iterator[_Call]:
    """A small frame that holds many values."""
    null = Value()
    null.null_value = 0  # type: ignore[assignment]
    return _sends(Value(list_value=ListValue(values=[null] * 12_000)))


def nested() -> Iterator[_Call]:
    """A payload that lies deeper than every reader can go."""
    value = Value(bool_value=True)
    for _ in range(30):
        value = Value(list_value=ListValue(values=[value]))
    return _sends(value)


CALLS: dict[str, Callable[[], Iterator[_Call]]] = {
    one.__name__: one for one in (history, presence, status, rooms, crowded_rooms, members, nulls, nested)
}


def call_again_and_again(uri: str, token: str, kind: str) -> None:
    """Until killed. It says "on" when it has begun."""
    for _ in range(CONNECTIONS):
        threading.Thread(target=partial(_call, uri, token, list(CALLS[kind]())), daemon=True).start()
    print("on", flush=True)
    threading.Event().wait()


def _call(uri: str, token: str, calls: Sequence[_Call]) -> None:
    while True:
        try:
            _call_until_sent_away(uri, token, calls)
        except OSError:  # it is sent away, or the daemon is busy
            time.sleep(0.1)


def _call_until_sent_away(uri: str, token: str, calls: Sequence[_Call]) -> None:
    with RawPeer(uri, token) as peer:
        frames = itertools.cycle([peer.encoded_call(*call) for call in calls])
        peer.socket.sendall(b"".join(itertools.islice(frames, IN_FLIGHT)))
        while True:
            peer.hear_message(60)
            peer.socket.sendall(next(frames))
