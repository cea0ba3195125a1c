"""A gateway for scripted conversations: a real ROUTER that says what a test tells it to. A fake,
not a mock."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from google.protobuf.message import Message

from chatd.core.wire import error_to_pb
from chatd.errors import ChatdError
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, EventType
from chatd.pb.gateway.v1.gateway_pb2 import (
    CaughtUp,
    ClientFrame,
    Closed,
    Hello,
    RpcRequest,
    RpcResponse,
    ServerFrame,
    Welcome,
)
from chatd.transport.pump import PeerGone, Pump
from chatd.transport.sockets import Context, bind_router, endpoint, new_context

R = TypeVar("R")
DEADLINE = 5.0


class Heard(NamedTuple):
    peer: bytes
    frame: ClientFrame


class FakeGateway:
    """Hears frames in order. Heartbeats are echoed unless ``echo`` is off, and not among the frames
    heard."""

    def __init__(self, uri: str = "tcp://127.0.0.1:*") -> None:
        self._context: Context = new_context()
        self._bind = uri
        self.echo = True
        self.heartbeats = 0

    async def __aenter__(self) -> Self:
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()
        socket = bind_router(self._context, self._bind)
        self.uri = endpoint(socket)
        self._pump = Pump(asyncio.get_running_loop(), socket, self._on_batch)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pump.close()
        self._context.term()

    def _on_batch(self, batch: list[list[bytes]]) -> None:
        for peer, encoded in batch:
            frame = ClientFrame.FromString(encoded)
            if frame.HasField("heartbeat"):
                self.heartbeats += 1
                if self.echo:
                    self.say(peer, heartbeat=frame.heartbeat)
            else:
                self._heard.put_nowait(Heard(peer, frame))

    async def hear_any(self) -> Heard:
        """C: the next frame."""
        async with asyncio.timeout(DEADLINE):
            return await self._heard.get()

    async def hear(self, kind: str) -> tuple[bytes, Any]:
        """C: the next frame, which must be of this kind."""
        heard = await self.hear_any()
        assert heard.frame.WhichOneof("kind") == kind, f"wanted {kind}, heard {heard.frame}"
        return heard.peer, getattr(heard.frame, kind)

    async def hear_ack(self, up_to: int) -> None:
        """C: acks until this one; none may go beyond it."""
        acked = 0
        while acked < up_to:
            _, ack = await self.hear("ack")
            assert acked < ack.up_to <= up_to, f"ack {ack.up_to} after {acked}, {up_to} wanted"
            acked = ack.up_to

    def heard_nothing(self) -> bool:
        return self._heard.empty()

    def say_raw(self, peer: bytes, encoded: bytes) -> None:
        try:
            self._pump.send((peer, encoded))
        except PeerGone:
            pass  # a client that has gone away, as it may

    def say(self, peer: bytes, **kind: Any) -> None:
        """S: one ServerFrame."""
        self.say_raw(peer, ServerFrame(**kind).SerializeToString())

    async def hear_hello(self) -> tuple[bytes, Hello]:
        """C: Hello. A late ack on an earlier connection may come before it."""
        while True:
            async with asyncio.timeout(DEADLINE):
                peer, frame = await self._heard.get()
            if not frame.HasField("ack"):
                break
        assert frame.HasField("hello"), f"wanted a Hello, heard {frame}"
        return peer, frame.hello

    async def welcome(
        self, *, epoch: int = 1, window: int = 1024, window_bytes: int = 1 << 20, heartbeat_ms: int = 10_000
    ) -> bytes:
        """C: Hello; S: Welcome. The peer to talk to."""
        peer, hello = await self.hear_hello()
        welcome = Welcome(
            epoch=epoch,
            profile_id=hello.profile_id or "operator",
            device_id=hello.device_id,
            heartbeat_interval_ms=heartbeat_ms,
            window_messages=window,
            window_bytes=window_bytes,
            version=1,
            hello_id=hello.hello_id,
        )
        self.say(peer, welcome=welcome)
        return peer

    def deliver(self, peer: bytes, *places: tuple[str, int]) -> None:
        """S: one frame of deliveries."""
        self.say(peer, deliveries=[delivery(room, seq) for room, seq in places])

    def caught_up(self, peer: bytes) -> None:
        self.say(peer, caught_up=CaughtUp())

    def close_stream(self, peer: bytes, error: ChatdError | None) -> None:
        """S: Closed, with code 0 if there is no error."""
        self.say(peer, closed=Closed(error=error_to_pb(error)) if error else Closed(error={"code": 0}))

    async def answer(self, outcome: Callable[[RpcRequest], Message | ChatdError]) -> RpcRequest:
        """C: a call; S: its reply."""
        peer, call = await self.hear("call")
        assert isinstance(call, RpcRequest)
        made = outcome(call)
        if isinstance(made, ChatdError):
            reply = RpcResponse(call_id=call.call_id, error=error_to_pb(made))
        else:
            reply = RpcResponse(call_id=call.call_id, payload=made.SerializeToString())
        self.say(peer, reply=reply)
        return call


def delivery(room: str, seq: int) -> EventDelivery:
    made = EventDelivery(
        event=EventLink(
            event_id=f"{room}-{seq}",
            room_id=room,
            seq=seq,
            sender_id="alice",
            type=EventType.EVENT_TYPE_MESSAGE,
        )
    )
    made.payload["text"] = f"{room} {seq}"
    return made


def accepted(call: RpcRequest) -> chat.SendEventsResponse:
    """The answer of a service that stores everything."""
    events = chat.SendEventsRequest.FromString(call.payload).events
    return chat.SendEventsResponse(
        acks=[chat.EventAck(event_id=event.event_id, room_id=event.room_id, seq=7) for event in events]
    )


def sent_ids(call: RpcRequest) -> list[str]:
    return [event.event_id for event in chat.SendEventsRequest.FromString(call.payload).events]
