"""One connection of a client, seen from the gateway that is played."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from google.protobuf.message import DecodeError

from chatd.conformance.findings import SECONDS, Failed
from chatd.conformance.program import TOKEN
from chatd.core.zmtp import Answer, Connection, Delimited, ProtocolError, Refused, command
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.pb.gateway.v1.gateway_pb2 import CaughtUp, ClientFrame, Error, Hello, ServerFrame

LOG = "8f3a61c09d27be54"
_MAX_BODY = 1 << 20
_ENDED = -1
_MINOR = 11  # of the greeting: the octet of the minor version


class Peer:
    """``sent`` counts deliveries since the Welcome, ``acked`` what was acknowledged of them.
    Heartbeats are echoed while ``echo`` is set; ``said_at`` has the time of each frame,
    ```heartbeats`` that of each Heartbeat."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._zmtp = Connection(max_body=_MAX_BODY)
        self._frames: deque[ClientFrame] = deque()
        self._changed = asyncio.Event()
        self._delimited = False
        self.greeting = b""
        self.pongs = 0
        self.fault = ""
        self.has_ended = False
        self.echo = True
        self.sent = self.acked = 0
        self.epoch = 0
        self.said_at: list[float] = []
        self.heartbeats: list[float] = []
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        self._writer.write(self._zmtp.opening)
        with suppress(OSError):
            while data := await self._reader.read(65_536):
                self.greeting = (self.greeting + data)[:64] if len(self.greeting) < 64 else self.greeting
                was_ready = self._zmtp.is_ready
                try:
                    for event in self._zmtp.receive(data):
                        self._heard(event)
                except ProtocolError as exc:
                    self.fault = f"it breaks ZMTP: {exc}"
                    break
                if was_ready:
                    self.pongs += self._zmtp.commands
        self.has_ended = True
        self._changed.set()
        self._writer.close()

    def _heard(self, event: object) -> None:
        if isinstance(event, Answer):
            self._writer.write(event.wire)
        elif isinstance(event, Refused):
            self.fault = f"T3: a message is not one frame: {event.error}"
        elif isinstance(event, bytes | Delimited):
            self._delimited = isinstance(event, Delimited)
            body = event.body if isinstance(event, Delimited) else event
            try:
                self._take(ClientFrame.FromString(body))
            except DecodeError:
                self.fault = "T3: a frame is no ClientFrame"
        self._changed.set()

    def _take(self, frame: ClientFrame) -> None:
        now = asyncio.get_running_loop().time()
        self.said_at.append(now)
        kind = frame.WhichOneof("kind")
        if kind is None:
            self.fault = "T3: a frame has no kind that is known"
        elif kind == "heartbeat":
            self.heartbeats.append(now)
            if self.echo:
                self.say(heartbeat=frame.heartbeat)
        elif kind == "ack":
            self._on_ack(frame)
        else:
            self._frames.append(frame)

    def _on_ack(self, frame: ClientFrame) -> None:
        ack = frame.ack
        if self.epoch == _ENDED or ack.epoch not in (0, self.epoch):
            return  # of an earlier stream, or said while its end was on the way
        if not self.epoch:
            self.fault = "S1: it acknowledges before the Welcome"
        elif ack.up_to > self.sent:
            self.fault = f"W2: it acknowledges {ack.up_to} of {self.sent} deliveries"
        self.acked = max(self.acked, ack.up_to)

    async def _wait(self, seconds: float) -> bool:
        """Wait until something has changed; False after so many seconds. Raises Failed."""
        if self.fault:
            raise Failed(self.fault)
        self._changed.clear()
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._changed.wait()
        except TimeoutError:
            return False
        if self.fault:
            raise Failed(self.fault)
        return True

    async def says_something(self) -> bool:
        """Wait until the client has said a frame here; False if the connection ends before."""
        while not self.said_at and not self.has_ended:
            await self._wait(SECONDS)
        return bool(self.said_at)

    async def hear(self, kind: str) -> Any:
        """C: the next frame that is neither a Heartbeat nor an Ack; it must be of this kind."""
        deadline = asyncio.get_running_loop().time() + SECONDS
        while not self._frames:
            if self.has_ended:
                raise Failed(f"the connection ends where a {kind} is due")
            if not await self._wait(deadline - asyncio.get_running_loop().time()):
                raise Failed(f"no {kind} comes")
        frame = self._frames.popleft()
        if frame.WhichOneof("kind") != kind:
            raise Failed(f"a {frame.WhichOneof('kind')} comes where a {kind} is due")
        return getattr(frame, kind)

    @property
    def waiting(self) -> str:
        """The kind of the next frame that was not heard yet; empty: there is none."""
        return (self._frames[0].WhichOneof("kind") or "") if self._frames else ""

    async def hears_acks(self, up_to: int) -> None:
        """C: Acks until this one."""
        deadline = asyncio.get_running_loop().time() + SECONDS
        while self.acked < up_to:
            if self.has_ended:
                raise Failed(f"the connection ends before delivery {up_to} is acknowledged")
            if not await self._wait(deadline - asyncio.get_running_loop().time()):
                raise Failed(f"W4: delivery {up_to} is not acknowledged, only {self.acked}")

    async def ends(self) -> None:
        """The client hangs up."""
        deadline = asyncio.get_running_loop().time() + SECONDS
        while not self.has_ended:
            if not await self._wait(deadline - asyncio.get_running_loop().time()):
                raise Failed("it keeps the connection")

    async def hello(self) -> Hello:
        """C: Hello, with what each must have."""
        hello: Hello = await self.hear("hello")
        if hello.token != TOKEN:
            raise Failed("the Hello does not have CHATD_TOKEN")
        if hello.version != 1:
            raise Failed(f"V3: the Hello's version is {hello.version}")
        return hello

    def welcome(self, hello: Hello, *, epoch: int = 1, raw: bytes = b"", **fields: Any) -> None:
        """S: Welcome. Deliveries are counted from 1."""
        self.epoch, self.sent, self.acked = epoch, 0, 0
        values = {
            "epoch": epoch,
            "profile_id": "bob",
            "device_id": hello.device_id,
            "heartbeat_interval_ms": 10_000,
            "window_messages": 64,
            "window_bytes": 262_144,
            "version": 1,
            "gateway_id": "conformance",
            "log": LOG,
            "hello_id": hello.hello_id,
            **fields,
        }
        self.say_raw(ServerFrame(welcome=values).SerializeToString() + raw)

    def say_raw(self, body: bytes) -> None:
        """S: a message of these octets."""
        if not self.has_ended:
            self._writer.write(self._zmtp.seal(b"", 1) if self._delimited else b"")
            self._writer.write(self._zmtp.seal(body))

    def say(self, **kind: Any) -> None:
        """S: one ServerFrame."""
        self.say_raw(ServerFrame(**kind).SerializeToString())

    def deliver(self, *deliveries: EventDelivery) -> None:
        """S: one frame of deliveries."""
        self.sent += len(deliveries)
        self.say(deliveries=deliveries)

    def caught_up(self) -> None:
        self.say(caught_up=CaughtUp())

    def close_stream(
        self, code: int, *, retry: bool = False, hello_id: int = 0, gateways: tuple[str, ...] = ()
    ) -> None:
        """S: Closed."""
        error = Error(code=code, name=f"CODE_{code}", message="said by the conformance run", retry=retry)
        self.epoch = _ENDED
        self.say(closed={"error": error, "gateways": gateways, "hello_id": hello_id})

    def ping(self) -> None:
        """S: ZMTP's PING."""
        self._writer.write(command(b"PING", b"\0\x64abc"))

    async def is_answered(self) -> bool:
        """True once a PONG has come."""
        deadline = asyncio.get_running_loop().time() + SECONDS
        while not self.pongs and await self._wait(deadline - asyncio.get_running_loop().time()):
            pass
        return bool(self.pongs)

    @property
    def speaks_ping(self) -> bool:
        """True if the client says that it speaks ZMTP 3.1."""
        return len(self.greeting) > _MINOR and self.greeting[_MINOR] >= 1

    async def closed(self) -> None:
        """Wait until the connection has ended on this side too."""
        await self._task
        with suppress(OSError):
            await self._writer.wait_closed()

    def hang_up(self) -> None:
        """End the connection at once."""
        self._writer.transport.abort()
