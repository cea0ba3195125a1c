"""A device's stream: connects, resumes after any disconnect, shows every event once and in order.

One timer and one socket; nothing per message. What the application has not asked for yet is not acknowledged, so the window bounds what waits here.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from enum import Enum
from types import TracebackType
from typing import NamedTuple, Self

from google.protobuf.message import DecodeError

from chatd.client.delivery import Delivery
from chatd.client.resume import Resume, from_pb
from chatd.errors import ChatdError
from chatd.pb.gateway.v1.gateway_pb2 import Ack, Bye, ClientFrame, Heartbeat, Hello, ServerFrame
from chatd.transport.pump import PeerFull, Pump
from chatd.transport.sockets import Context, connect_dealer

PROTOCOL_VERSION = 1
HELLO_SECONDS = 5.0
BYE_SECONDS = 1.0
_HEARTBEAT = ClientFrame(heartbeat=Heartbeat()).SerializeToString()


class _Arrived(NamedTuple):
    """One frame's deliveries: on which connection, how many, up to which count, and what of it to show."""

    connection: int
    total: int
    up_to: int
    fresh: list[Delivery]


class StreamState(Enum):
    CONNECTING = "connecting"
    CATCHING_UP = "catching up"
    LIVE = "live"
    ENDED = "ended"


class Stream:
    """Made by ``Client.stream``. Iterating gives deliveries; asking for the next one says that the last is handled."""

    def __init__(
        self,
        context: Context,
        uri: str,
        *,
        token: str,
        profile: str,
        device_id: str,
        window: tuple[int, int],
        client_name: str,
        on_state: Callable[[StreamState, str], None] | None = None,
    ) -> None:
        self._context = context
        self._uri = uri
        hello = Hello(
            token=token,
            profile_id=profile,
            device_id=device_id,
            window_messages=window[0],
            window_bytes=window[1],
            version=PROTOCOL_VERSION,
            client=client_name,
        )
        self._hello = ClientFrame(hello=hello).SerializeToString()
        self._on_state = on_state
        self._resume = Resume()
        self._pump: Pump | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._hello_sent = False
        self._connected_at = 0.0
        self._arrived: deque[_Arrived] = deque()
        self._given: tuple[int, int] = (0, 0)  # connection and count of what the application was given last
        self._connection = 0
        self._wake = asyncio.Event()
        self._opened = asyncio.Event()
        self._caught_up = asyncio.Event()
        self._idle = False
        self._error: ChatdError | None = None
        self._closed = asyncio.Event()
        self.state = StreamState.CONNECTING

    @property
    def epoch(self) -> int:
        """The stream's epoch; 0 before the first Welcome."""
        return self._resume.epoch

    @property
    def repeats(self) -> int:
        """How many repeats were dropped."""
        return self._resume.repeats

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._connect()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()

    def _connect(self) -> None:
        self._connection += 1
        self._hello_sent = False
        self._connected_at = self._loop.time()
        self._pump = Pump(self._loop, connect_dealer(self._context, self._uri), self._on_batch)
        self._set_state(StreamState.CONNECTING, "")
        self._tick()

    def _set_state(self, state: StreamState, reason: str) -> None:
        self.state = state
        if self._on_state is not None:
            self._on_state(state, reason)

    def _tick(self) -> None:
        """Everything time does: the Hello once there is a connection, acks, heartbeats, giving up."""
        now = self._loop.time()
        if self.state is StreamState.ENDED or self._pump is None:
            return
        if self.state is StreamState.CONNECTING:
            if not self._hello_sent:
                self._hello_sent = self._say(self._hello)
            elif now - self._connected_at > HELLO_SECONDS:
                self._reconnect("the gateway did not answer")
                return
            self._timer = self._loop.call_later(0.01 if not self._hello_sent else 0.25, self._tick)
            return
        if self._resume.peer_is_silent(now):
            self._reconnect("the gateway fell silent")
            return
        self._flush_ack()
        if self._resume.heartbeat_due(now):
            self._say(_HEARTBEAT)
            self._resume.said(now)
        self._timer = self._loop.call_later(self._resume.next_look(), self._tick)

    def _flush_ack(self, *, force: bool = False) -> None:
        up_to = self._resume.take_ack(self._loop.time(), force=force)
        if up_to is not None:
            self._say(ClientFrame(ack=Ack(up_to=up_to)).SerializeToString())

    def _say(self, frame: bytes) -> bool:
        if self._pump is None:
            return False
        try:
            self._pump.send((frame,))
        except PeerFull:
            return False  # nobody there: silence will be noticed
        return True

    def _reconnect(self, reason: str) -> None:
        if self._pump is not None:
            self._pump.close()
            self._pump = None
        if self._timer is not None:
            self._timer.cancel()
        self._set_state(StreamState.CONNECTING, reason)
        self._timer = self._loop.call_later(self._resume.backoff(), self._connect)

    def _end(self, error: ChatdError | None) -> None:
        self._error = error
        self._set_state(StreamState.ENDED, str(error or ""))
        self._closed.set()
        self._wake.set()
        self._opened.set()
        self._caught_up.set()

    def _on_batch(self, batch: list[list[bytes]]) -> None:
        now = self._loop.time()
        for frames in batch:
            if self._pump is None:
                return  # given up while working through the batch
            try:
                frame = ServerFrame.FromString(frames[-1])
            except DecodeError:
                self._reconnect("the gateway sent a frame that does not parse")
                return
            self._on_frame(frame, now)

    def _on_frame(self, frame: ServerFrame, now: float) -> None:
        if frame.deliveries:
            fresh = self._resume.receive(frame.deliveries, now)
            self._arrived.append(_Arrived(self._connection, len(frame.deliveries), self._resume.received, fresh))
            self._wake.set()
        elif frame.HasField("welcome"):
            self._resume.welcomed(frame.welcome, now)
            self._opened.set()
            self._set_state(StreamState.CATCHING_UP, "")
        elif frame.HasField("caught_up"):
            self._resume.heard(now)
            self._set_state(StreamState.LIVE, "")
            self._caught_up.set()
        elif frame.HasField("closed") or frame.HasField("error"):
            error = from_pb(frame.closed.error if frame.HasField("closed") else frame.error)
            if frame.HasField("closed") and frame.closed.error.code == 0:
                self._end(None)
            elif error.retry:
                self._reconnect(str(error))
            else:
                self._end(error)
        else:
            self._resume.heard(now)

    async def batches(self) -> AsyncIterator[list[Delivery]]:
        """Lists of deliveries, as they come; asking for the next list says that the last is handled."""
        async for arrived in self._frames():
            self._given = (arrived.connection, arrived.up_to)
            if arrived.fresh:
                yield arrived.fresh
            self.acknowledge()

    async def __aiter__(self) -> AsyncIterator[Delivery]:
        async for arrived in self._frames():
            # With repeats in the frame, which count belongs to which delivery is not kept: it is acknowledged whole.
            count = arrived.up_to - arrived.total if arrived.total == len(arrived.fresh) else None
            for delivery in arrived.fresh:
                if count is not None:
                    count += 1
                    self._given = (arrived.connection, count)
                yield delivery
                self.acknowledge()
            self._given = (arrived.connection, arrived.up_to)
            self.acknowledge()

    async def _frames(self) -> AsyncIterator[_Arrived]:
        while True:
            while self._arrived:
                yield self._arrived.popleft()
            if self.state is StreamState.ENDED:
                if self._error is not None:
                    raise self._error
                return
            self._wake.clear()
            self._idle = True
            await self._wake.wait()
            self._idle = False

    def acknowledge(self) -> None:
        """Everything given so far is handled: for who leaves the loop and will not ask for the next one."""
        connection, up_to = self._given
        if connection != self._connection or self._pump is None:
            return  # counted on a connection that is gone: it comes again, and is dropped as a repeat
        was_idle = not self._resume.has_unacked
        self._resume.handled(up_to, self._loop.time())
        self._flush_ack()
        if was_idle and self._resume.has_unacked and self._timer is not None:
            self._timer.cancel()
            self._timer = self._loop.call_later(self._resume.next_look(), self._tick)

    async def opened(self) -> None:
        """Wait for the first Welcome: the device is registered. Raises what ended the stream, if it ended."""
        await self._opened.wait()
        if self._error is not None:
            raise self._error

    async def drained(self) -> None:
        """Wait until everything owed has arrived and the application has asked for more. Raises what ended the stream, if it ended."""
        await self.caught_up()
        while self._arrived or not self._idle:
            await asyncio.sleep(0.005)

    async def caught_up(self) -> None:
        """Wait until everything owed has arrived. Raises what ended the stream, if it ended."""
        await self._caught_up.wait()
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        """Acknowledge what was handled, say Bye, wait at most a second for the gateway's word."""
        if self._timer is not None:
            self._timer.cancel()
        if self.state in (StreamState.CATCHING_UP, StreamState.LIVE):
            self._flush_ack(force=True)
            if self._say(ClientFrame(bye=Bye()).SerializeToString()):
                try:
                    async with asyncio.timeout(BYE_SECONDS):
                        await self._closed.wait()
                except TimeoutError:
                    pass  # the gateway will notice the silence
        self._set_state(StreamState.ENDED, "")
        if self._pump is not None:
            self._pump.close(linger_ms=200)
            self._pump = None
        self._wake.set()
