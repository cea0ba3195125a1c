"""chatd's sender under load, as lean as Python allows."""

import time
from collections.abc import Callable, Sequence

from google.protobuf.struct_pb2 import Struct

from chatd.pb.chat.v1.chat_pb2 import RoomEvent, SendEventsRequest
from chatd.pb.events.v1.payloads_pb2 import EventType
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, RpcRequest, ServerFrame
from tests.bench.zmtp import Dealer

FIRST_CALL = 1 << 28
"""Call ids from here on take five bytes each."""


class _Request:
    """SendEvents of one event, made once for a room and a size of body; then only what differs is
    put in. Protobuf itself would take more for each than the daemon does."""

    def __init__(self, token: str, room: str, size: int) -> None:
        self._prefix = f"{time.time_ns():016x}-"
        made = [self._make(token, room, FIRST_CALL, digit * size) for digit in "01"]
        self._body_at = next(
            index for index, (one, other) in enumerate(zip(*made, strict=True)) if one != other
        )
        self._size = size
        self._call_at = made[0].index(_varint(FIRST_CALL))
        self._id_at = made[0].index(self._event_id(FIRST_CALL).encode())
        self._made = made[0]
        text = "".join(map(str, range(size)))[:size]
        assert self.bytes_of(7, text.encode()) == self._make(token, room, FIRST_CALL + 7, text)

    def _event_id(self, number: int) -> str:
        return f"{self._prefix}{number:016x}"

    def _make(self, token: str, room: str, number: int, text: str) -> bytes:
        payload = Struct()
        payload["text"] = text
        event = RoomEvent(
            event_id=self._event_id(number), room_id=room, type=EventType.EVENT_TYPE_MESSAGE, payload=payload
        )
        call = RpcRequest(
            call_id=number,
            method="ChatService/SendEvents",
            payload=SendEventsRequest(events=[event]).SerializeToString(),
            token=token,
            profile_id="sender",
            affinity=room,
        )
        return ClientFrame(call=call).SerializeToString()

    def bytes_of(self, number: int, body: bytes) -> bytes:
        number += FIRST_CALL
        made = bytearray(self._made)
        made[self._call_at : self._call_at + 5] = _varint(number)
        event_id = self._event_id(number).encode()
        made[self._id_at : self._id_at + len(event_id)] = event_id
        made[self._body_at : self._body_at + self._size] = body
        return bytes(made)


def _varint(number: int) -> bytes:
    """The varint of 2^28 ≤ ``number`` < 2^35."""
    return bytes(((number >> shift) & 0x7F) | 0x80 for shift in (0, 7, 14, 21)) + bytes((number >> 28,))


class ChatdSender:
    """Pipelined SendEvents of one event each, on a connection for each gateway in turn."""

    def __init__(self, token: str, on_ack: Callable[[object], None]) -> None:
        self._token = token
        self._on_ack = on_ack
        self._number = 0
        self._requests: dict[tuple[str, int], _Request] = {}
        self._waiting: dict[int, object] = {}

    async def open(self, uris: Sequence[str]) -> "ChatdSender":
        self._connections = [await Dealer(self._on_messages).connect(uri) for uri in uris]
        return self

    def send(self, room: str, body: bytes, tag: object) -> None:
        self._number += 1
        request = self._requests.get((room, len(body)))
        if request is None:
            request = self._requests[room, len(body)] = _Request(self._token, room, len(body))
        self._waiting[self._number] = tag
        connection = self._connections[self._number % len(self._connections)]
        connection.send(request.bytes_of(self._number, body))

    def _on_messages(self, messages: list[bytes]) -> None:
        for data in messages:
            reply = ServerFrame.FromString(data).reply
            if reply.HasField("error"):
                raise RuntimeError(f"a send was refused: {reply.error}")
            self._on_ack(self._waiting.pop(reply.call_id - FIRST_CALL))

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
