"""Visits: the ways by which a device of a chaos run is connected, over every front of a gateway. A
visit lasts until the connection ends, the device crashes, or it has had enough."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import grpc
from google.protobuf.json_format import MessageToJson, Parse, ParseDict

from chatd.client import HEAD, Delivery, Start
from chatd.errors import ChatdError
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.pb.gateway.v1.gateway_pb2 import Ack, Bye, ClientFrame, Heartbeat, Hello, ServerFrame
from chatd.pb.gateway.v1.gateway_pb2 import Start as WelcomeStart
from tests.chaos.connect import Connect

SHORTEST, LONGEST = 1.0, 15.0
"""Seconds of a visit that nothing else ends."""
SILENT_SECONDS = 3.0
"""Nothing is heard of the gateway for so long: it is given up. Heartbeats are due every second."""
BYE_SECONDS = 1.0
ENDED = (ChatdError, OSError, TimeoutError, aiohttp.ClientError, grpc.RpcError, asyncio.InvalidStateError)
"""The ways that a connection ends."""


class Guest(Protocol):
    """The device. ``begins``: the start in its Hellos. ``last_event_id``: of the last event that
    came by server-sent events."""

    profile: str
    name: str
    begins: Start | None
    last_event_id: str

    async def take(self, batch: list[Delivery]) -> None:
        """Show them."""

    def acknowledged(self, batch: list[Delivery]) -> None:
        """They have been acknowledged."""

    def came_in(self) -> None:
        """Its stream is open."""

    def is_new(self, start: WelcomeStart) -> None:
        """It begins there."""


class Visit(Protocol):
    async def run(self, guest: Guest) -> None:
        """Return, or raise one of ENDED, when it is over."""

    def crash(self) -> None:
        """The device is gone without a word."""


@dataclass(frozen=True, slots=True)
class Doors:
    """The addresses of the gateways, front by front."""

    connect: Connect
    http: list[str]
    grpc: list[str]
    token: str
    session: aiohttp.ClientSession

    def visit(self) -> Visit:
        """One by any front, at any gateway."""
        kind = random.choice(["native", "websocket", "websocket-json", "sse", "grpc"])
        if kind == "native":
            return NativeVisit(self.connect)
        if kind == "sse":
            return EventsVisit(self.session, random.choice(self.http), self.token)
        if kind == "grpc":
            return FramesVisit(grpc_frames(random.choice(self.grpc)), self.token)
        is_json = kind == "websocket-json"
        return FramesVisit(websocket_frames(self.session, random.choice(self.http), is_json), self.token)


class NativeVisit:
    """By ZeroMQ, with the SDK, which finds other gateways by itself."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._crash: Callable[[], None] | None = None

    def crash(self) -> None:
        if self._crash is not None:
            self._crash()

    async def run(self, guest: Guest) -> None:
        client = self._connect(guest.profile)
        try:
            window = random.choice([32, 128, 1024])
            stream = client.stream(guest.name, window_messages=window, start=guest.begins)
            self._crash = stream.abandon
            async with asyncio.timeout(random.uniform(SHORTEST, 2 * LONGEST)), stream:
                await stream.opened()
                guest.came_in()
                if stream.start is not None:
                    guest.is_new(stream.start)
                async for batch in stream.batches():
                    await guest.take(batch)
        finally:
            client.close()


class Frames(Protocol):
    """A connection that carries frames."""

    async def say(self, frame: ClientFrame) -> None: ...

    async def hear(self) -> ServerFrame:
        """Raises one of ENDED."""


class FramesVisit:
    """By a front that carries the stream as it is."""

    def __init__(self, frames: AbstractAsyncContextManager[Frames], token: str) -> None:
        self._frames = frames
        self._token = token
        self._task: asyncio.Task[None] | None = None
        self._epoch = self._count = 0
        self._log = ""

    def crash(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def run(self, guest: Guest) -> None:
        self._task = asyncio.create_task(self._stay(guest))
        try:
            await asyncio.wait([self._task])
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if not self._task.cancelled():
            self._task.result()

    async def _stay(self, guest: Guest) -> None:
        hello = Hello(
            token=self._token,
            profile_id=guest.profile,
            device_id=guest.name,
            version=1,
            window_messages=random.choice([32, 128, 1024]),
            start=guest.begins.to_pb() if guest.begins else None,
        )
        async with asyncio.timeout(2 * LONGEST), self._frames as frames:
            await frames.say(ClientFrame(hello=hello))
            beating = asyncio.create_task(self._beat(frames))
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(random.uniform(SHORTEST, LONGEST)):
                        while await self._hear(guest, frames):
                            pass
                        return
                if random.random() < 0.5:
                    await frames.say(ClientFrame(bye=Bye(epoch=self._epoch)))
                    async with asyncio.timeout(BYE_SECONDS):
                        while await self._hear(guest, frames):
                            pass
            finally:
                beating.cancel()

    async def _beat(self, frames: Frames) -> None:
        with suppress(*ENDED):
            while True:
                await asyncio.sleep(1.0)
                await frames.say(ClientFrame(heartbeat=Heartbeat()))

    async def _hear(self, guest: Guest, frames: Frames) -> bool:
        """False: the stream has ended."""
        async with asyncio.timeout(SILENT_SECONDS):
            frame = await frames.hear()
        if frame.HasField("closed") or frame.HasField("error"):
            return False
        if frame.HasField("welcome"):
            self._epoch, self._log = frame.welcome.epoch, frame.welcome.log
            guest.came_in()
            if frame.welcome.HasField("start"):
                guest.is_new(frame.welcome.start)
        if frame.deliveries:
            batch = [Delivery(one, self._epoch, log=self._log) for one in frame.deliveries]
            await guest.take(batch)
            self._count += len(batch)
            await frames.say(ClientFrame(ack=Ack(up_to=self._count, epoch=self._epoch)))
            guest.acknowledged(batch)
        return True


class _WebSocketFrames:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse, is_json: bool) -> None:
        self._socket = socket
        self._is_json = is_json

    async def say(self, frame: ClientFrame) -> None:
        if self._is_json:
            await self._socket.send_str(MessageToJson(frame, indent=None))
        else:
            await self._socket.send_bytes(frame.SerializeToString())

    async def hear(self) -> ServerFrame:
        said = await self._socket.receive()
        if said.type is aiohttp.WSMsgType.TEXT and self._is_json:
            return Parse(said.data, ServerFrame())
        if said.type is aiohttp.WSMsgType.BINARY and not self._is_json:
            return ServerFrame.FromString(said.data)
        raise ConnectionResetError(f"the WebSocket ended: {said}")


@asynccontextmanager
async def websocket_frames(
    session: aiohttp.ClientSession, url: str, is_json: bool
) -> AsyncIterator[_WebSocketFrames]:
    """A WebSocket. It is cut off at the end: who wants to leave says Bye before."""
    protocol = "chatd.v1.json" if is_json else "chatd.v1.proto"
    socket = await session.ws_connect(f"{url}/v1/stream", protocols=[protocol])
    try:
        yield _WebSocketFrames(socket, is_json)
    finally:
        connection = socket._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        socket._response.close()  # or aiohttp warns when the collector meets the connection first


class _GrpcFrames:
    def __init__(self, call: Any) -> None:
        self._call = call

    async def say(self, frame: ClientFrame) -> None:
        await self._call.write(frame.SerializeToString())

    async def hear(self) -> ServerFrame:
        said = await self._call.read()
        if said is grpc.aio.EOF:
            raise ConnectionResetError("the call ended")
        return ServerFrame.FromString(said)


@asynccontextmanager
async def grpc_frames(address: str) -> AsyncIterator[Frames]:
    """A connection of its own with one call, which is cut off at the end."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        call = channel.stream_stream("/gateway.v1.GatewayService/Connect")()
        try:
            yield _GrpcFrames(call)
        finally:
            call.cancel()


class EventsVisit:
    """By server-sent events with explicit acks: some by calls, the rest by coming back."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = url
        self._token = token
        self._response: aiohttp.ClientResponse | None = None

    def crash(self) -> None:
        if self._response is not None:
            self._response.close()

    async def run(self, guest: Guest) -> None:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Chatd-Profile": guest.profile,
            "Accept": "text/event-stream",
        }
        resumes = {"Last-Event-ID": guest.last_event_id} if guest.last_event_id else {}
        device = f"{self._url}/v1/devices/{guest.name}"
        asked = {"ack": "explicit"} | ({"start": _written(guest.begins)} if guest.begins else {})
        async with asyncio.timeout(random.uniform(SHORTEST, LONGEST)):
            async with self._session.get(
                f"{device}/events", params=asked, headers=headers | resumes
            ) as response:
                self._response = response
                if response.status == 204:
                    guest.last_event_id = ""  # another stream has taken this one over
                if response.status != 200:
                    return
                guest.came_in()
                log = response.headers["Chatd-Log"]
                async for kind, event_id, said in _events(response):
                    if kind == "closed":
                        return
                    if kind == "new_device":
                        guest.is_new(ParseDict(said, WelcomeStart()))
                    if kind:
                        continue
                    await guest.take([Delivery(ParseDict(said, EventDelivery()), log=log)])
                    guest.last_event_id = event_id
                    if random.random() < 0.1:
                        await self._acknowledge(device, headers, event_id)

    async def _acknowledge(self, device: str, headers: Mapping[str, str], event_id: str) -> None:
        async with self._session.post(f"{device}/ack", headers=headers, json={"up_to": event_id}) as answer:
            await answer.read()


def _written(start: Start) -> str:
    """As it stands in an address."""
    if start.kind == "seqs":
        return "seqs:" + " ".join(f"{room}:{seq}" for room, seq in start.seqs.items())
    if start.kind == "point":
        return "head" if start == HEAD else "joined"
    return f"{start.kind.removesuffix('_us')}:{start.value}"


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    """The name, the id and the content of each event. Raises TimeoutError after a silence."""
    kind = event_id = data = ""
    while True:
        async with asyncio.timeout(20 * SILENT_SECONDS):
            line = (await response.content.readline()).decode()
        if not line.endswith("\n"):
            return
        field, _, value = line.rstrip("\n").partition(": ")
        if field == "event":
            kind = value
        elif field == "id":
            event_id = value
        elif field == "data":
            data = value
        elif not line.strip() and data:
            yield kind, event_id, json.loads(data)
            kind = event_id = data = ""
