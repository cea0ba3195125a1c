"""A raw ZeroMQ client for tests that read as conversations: no SDK in between."""

import hashlib
import itertools
import time
from collections.abc import Sequence
from typing import Any

import zmq
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from chatd.core.curve import encode_key
from chatd.core.start import HEAD
from chatd.pb.chat.v1.chat_pb2 import CreateRoomRequest, RoomEvent, SendEventsRequest, SendEventsResponse
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.pb.gateway.v1.gateway_pb2 import (
    Ack,
    Bye,
    ClientFrame,
    Heartbeat,
    Hello,
    RpcRequest,
    RpcResponse,
    ServerFrame,
)


class Conversation:
    """One socket to a gateway. ``call_*`` raise AssertionError when the service refuses."""

    def __init__(
        self, uri: str, token: str, profile: str = "", *, kind: int = zmq.DEALER, routing_id: bytes = b""
    ) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.linger = 0
        self.socket.rcvhwm = 0  # at its limit libzmq would not even see that the connection has ended
        if routing_id:
            self.socket.routing_id = routing_id
        endpoint, _, key = uri.partition("#")
        if key:
            self.socket.curve_publickey, self.socket.curve_secretkey = zmq.curve_keypair()
            self.socket.curve_serverkey = encode_key(bytes.fromhex(key)).encode()
        self.socket.connect(endpoint)
        self.uri = uri
        self.token = token
        self.profile = profile
        self._ids = itertools.count(1)

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(linger=0)

    def send_raw(self, *frames: bytes) -> None:
        self.socket.send_multipart(frames)

    def say(self, **kind: Any) -> None:
        """C: one ClientFrame."""
        self.send_raw(ClientFrame(**kind).SerializeToString())

    def hello(self, device: str, **fields: Any) -> None:
        """C: Hello; a new device begins at the head, unless ``start`` says otherwise."""
        given = {"version": 1, "start": HEAD.to_pb(), **fields}
        self.say(hello=Hello(token=self.token, profile_id=self.profile, device_id=device, **given))

    def ack(self, up_to: int) -> None:
        self.say(ack=Ack(up_to=up_to))

    def heartbeat(self, mark: int) -> None:
        self.say(heartbeat=Heartbeat(mark=mark))

    def bye(self) -> None:
        self.say(bye=Bye())

    def hear(self, seconds: float = 15.0) -> ServerFrame:
        """S: the next ServerFrame; raises TimeoutError when none comes."""
        if not self.socket.poll(int(seconds * 1000)):
            raise TimeoutError(f"nothing heard in {seconds} s")
        return ServerFrame.FromString(self.socket.recv_multipart()[-1])

    def hear_nothing(self, seconds: float) -> None:
        assert not self.socket.poll(int(seconds * 1000)), self.hear()

    def hear_kind(self, kind: str, seconds: float = 15.0) -> Any:
        """S: the next frame, which must be of this kind."""
        frame = self.hear(seconds)
        assert frame.HasField(kind), f"wanted {kind}, heard {frame}"
        return getattr(frame, kind)

    def deliveries(self, count: int, seconds: float = 15.0) -> list[EventDelivery]:
        """S: so many deliveries, in as many frames as they come in; other kinds are passed over."""
        heard: list[EventDelivery] = []
        deadline = time.monotonic() + seconds
        while len(heard) < count:
            heard += self.hear(deadline - time.monotonic()).deliveries
        assert len(heard) == count, f"{len(heard)} deliveries, {count} expected"
        return heard

    def open(self, device: str, **fields: Any) -> Any:
        """C: Hello; S: Welcome. The CaughtUp that follows is left to be heard."""
        self.hello(device, **fields)
        return self.hear_kind("welcome")

    def request(self, method: str, request: Message | bytes, **fields: Any) -> RpcResponse:
        """C: a call; S: its reply."""
        payload = request if isinstance(request, bytes) else request.SerializeToString()
        call = RpcRequest(
            call_id=next(self._ids),
            method=method,
            payload=payload,
            **{"token": self.token, "profile_id": self.profile, **fields},
        )
        self.say(call=call)
        reply: RpcResponse = self.hear_kind("reply")
        assert reply.call_id == call.call_id
        return reply

    def refused(self, method: str, request: Message | bytes, **fields: Any) -> int:
        """C: a call that is refused; the error's code."""
        reply = self.request(method, request, **fields)
        assert reply.HasField("error"), "not refused"
        assert reply.error.name
        return reply.error.code

    def create_room(self, room: str, *members: str) -> None:
        reply = self.request("ChatService/CreateRoom", CreateRoomRequest(room_id=room, profile_ids=members))
        assert not reply.HasField("error"), reply.error

    def send_texts(self, room: str, *texts: str) -> list[int]:
        """Their seqs. The events' ids are made of room and text."""
        reply = self.request(
            "ChatService/SendEvents",
            SendEventsRequest(events=[event(room, text, id_=id_of(room, text)) for text in texts]),
        )
        assert not reply.HasField("error"), reply.error
        return [ack.seq for ack in SendEventsResponse.FromString(reply.payload).acks]


def id_of(room: str, text: str) -> str:
    return hashlib.sha256(f"{room}/{text}".encode()).hexdigest()


def event(room: str, text: str, *, id_: str, type_: int = 1) -> RoomEvent:
    payload = Struct()
    payload["text"] = text
    made = RoomEvent(event_id=id_, room_id=room, payload=payload)
    made.type = type_  # type: ignore[assignment]
    return made


def texts(deliveries: Sequence[EventDelivery]) -> list[str]:
    return [one.payload.fields["text"].string_value for one in deliveries]


def seqs(deliveries: Sequence[EventDelivery]) -> list[int]:
    return [one.event.seq for one in deliveries]
