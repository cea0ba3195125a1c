"""A device's stream: connects, resumes after any disconnect, shows every event once and in order.

One timer and one socket; nothing per message. What the application has not asked for yet is not acknowledged, so the window bounds what waits here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from enum import Enum
from types import TracebackType
from typing import Self

from google.protobuf.message import DecodeError

from chatd.client.arrivals import Arrivals, Frame, Position
from chatd.client.delivery import Delivery
from chatd.client.resume import Resume
from chatd.client.route import Gateways, Route
from chatd.core.wire import error_from_pb
from chatd.errors import MalformedFrame, RateLimited, Unavailable
from chatd.pb.chat.v1.chat_pb2 import WatchPresenceRequest, WatchPresenceResponse
from chatd.pb.events.v1.signals_pb2 import PresenceState, Signal
from chatd.pb.gateway.v1.gateway_pb2 import (
    Ack,
    Bye,
    ClientFrame,
    Heartbeat,
    Hello,
    Reject,
    RpcRequest,
    RpcResponse,
    ServerFrame,
    SetPresence,
)
from chatd.transport.pump import PeerFull, Pump
from chatd.transport.sockets import Context, connect_dealer, usable

CONNECT_SECONDS = 1.0
"""So long a gateway that cannot be reached is waited for, if there is another."""
HELLO_SECONDS = 5.0
BYE_SECONDS = 1.0
WATCH_AGAIN_SECONDS = 1.0
_HEARTBEAT = ClientFrame(heartbeat=Heartbeat()).SerializeToString()


class StreamState(Enum):
    CONNECTING = "connecting"
    CATCHING_UP = "catching up"
    LIVE = "live"
    ENDED = "ended"


class Stream:
    """Made by ``Client.stream``. Iterating gives deliveries; asking for the next one says that the last is handled.

    ``on_state`` is told every change and why, ``on_signal`` what is said in passing; what they raise ends the stream and is raised to whoever
    iterates.
    """

    def __init__(
        self,
        context: Context,
        gateways: Gateways,
        hello: Hello,
        *,
        on_state: Callable[[StreamState, str], None] | None = None,
        on_signal: Callable[[Signal], None] | None = None,
    ) -> None:
        self._context = context
        self._gateways = gateways
        self._route = Route(gateways)
        self._hello = ClientFrame(hello=hello).SerializeToString()
        self._on_state = on_state
        self._on_signal = on_signal
        self._presence: PresenceState | None = None
        self._watching: tuple[str, ...] | None = None
        self._resume = Resume()
        self._pump: Pump | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._hello_sent = False
        self._connected_at = 0.0
        self._arrived = Arrivals()
        self._connection = 0
        self._wake = asyncio.Event()
        self._opened = asyncio.Event()
        self._caught_up = asyncio.Event()
        self._idle = False
        self._error: Exception | None = None
        self._closing = False
        self._closed = asyncio.Event()
        self.state = StreamState.CONNECTING

    @property
    def epoch(self) -> int:
        """The stream's epoch; 0 before the first Welcome."""
        return self._resume.epoch

    @property
    def profile_id(self) -> str:
        """Whose stream it is; empty before the first Welcome."""
        return self._resume.profile_id

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
        self._pump = Pump(self._loop, connect_dealer(self._context, self._route.uri), self._on_batch, on_lost=self._on_lost)
        self._set_state(StreamState.CONNECTING, "")
        self._tick()

    def _set_state(self, state: StreamState, reason: str) -> None:
        self.state = state
        if self._on_state is None:
            return
        try:
            self._on_state(state, reason)
        except Exception as exc:  # noqa: BLE001  the application's own: it gets it where it iterates
            self._on_state = None
            self._end(exc)

    def _tick(self) -> None:
        """Everything time does: the Hello once there is a connection, acks, heartbeats, giving up."""
        now = self._loop.time()
        if self.state is StreamState.ENDED or self._pump is None:
            return
        if self.state is StreamState.CONNECTING:
            if not self._hello_sent:
                self._hello_sent = self._say(self._hello)
                if not self._hello_sent and self._route.has_other and now - self._connected_at > CONNECT_SECONDS:
                    self._reconnect("the gateway cannot be reached")
                    return
            elif now - self._connected_at > HELLO_SECONDS:
                self._reconnect("the gateway did not answer")
                return
            self._look_in(0.01 if not self._hello_sent else 0.25)
            return
        if self._resume.peer_is_silent(now):
            self._reconnect("the gateway fell silent")
            return
        self._flush_ack()
        if self._resume.heartbeat_due(now):
            self._say(_HEARTBEAT)
            self._resume.said(now)
        self._look_in(self._resume.next_look())

    def _on_lost(self) -> None:
        if self._hello_sent and self.state is not StreamState.ENDED:
            self._reconnect("the gateway was lost")

    def _look_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._tick)

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

    def _reconnect(self, reason: str, *, told: Sequence[str] = (), after: float = 0.0) -> None:
        """Begin anew, at another gateway if one is known; at one of those ``told`` if any; not before ``after`` seconds."""
        if self._pump is not None:
            self._pump.close()
            self._pump = None
        if self._timer is not None:
            self._timer.cancel()
        if self._closing:
            self._end(None)  # it was to end anyway
            return
        self._route.move(told)
        self._set_state(StreamState.CONNECTING, reason)
        if self.state is StreamState.CONNECTING:
            self._timer = self._loop.call_later(max(after, self._resume.backoff(self._loop.time())), self._connect)

    def _end(self, error: Exception | None) -> None:
        self._error = error
        if self.state is not StreamState.ENDED:
            self._set_state(StreamState.ENDED, str(error or ""))
        for waited_for in (self._closed, self._wake, self._opened, self._caught_up):
            waited_for.set()

    def _on_batch(self, batch: list[list[bytes]]) -> None:
        now = self._loop.time()
        for frames in batch:
            if self._pump is None or self.state is StreamState.ENDED:
                return  # given up while working through the batch
            try:
                self._on_frame(ServerFrame.FromString(frames[-1]), len(frames[-1]), now)
            except DecodeError:
                self._reconnect("the gateway sent a frame that does not parse")
            except MalformedFrame as exc:
                self._reconnect(str(exc))

    def _on_frame(self, frame: ServerFrame, size: int, now: float) -> None:
        if frame.deliveries:
            self._on_deliveries(frame, size, now)
        elif frame.signals:
            self._resume.heard(now)
            self._tell(frame.signals)
        elif frame.HasField("welcome"):
            self._resume.welcomed(frame.welcome, now)
            self._gateways.learn(usable(frame.welcome.gateways))
            self._set_state(StreamState.CATCHING_UP, "")
            self._opened.set()
            self._say_presence()
            self._say_watching()
            self._look_in(self._resume.next_look())  # heartbeats may be due sooner than the next look at a Hello
        elif frame.HasField("caught_up"):
            self._resume.heard(now)
            self._set_state(StreamState.LIVE, "")
            self._caught_up.set()
        elif frame.HasField("reply"):
            self._resume.heard(now)
            self._on_reply(frame.reply)
        elif frame.error.code == RateLimited.code and self.state is not StreamState.CONNECTING:
            self._resume.heard(now)  # one frame was not heard; the stream goes on
        elif frame.HasField("closed") or frame.HasField("error"):
            error = error_from_pb(frame.closed.error if frame.HasField("closed") else frame.error)
            if frame.HasField("closed") and frame.closed.error.code == 0:
                self._end(None)
            elif error.retry:
                told = usable(frame.closed.gateways)
                if told:
                    self._gateways.learn(told)
                self._reconnect(str(error), told=told, after=error.retry_after_ms / 1e3)
            else:
                self._end(error)
        else:
            self._resume.heard(now)

    def _tell(self, signals: Sequence[Signal]) -> None:
        try:
            for signal in signals:
                if self._on_signal is not None:
                    self._on_signal(signal)
        except Exception as exc:  # noqa: BLE001  the application's own: it gets it where it iterates
            self._on_signal = None
            self._end(exc)

    def _on_deliveries(self, frame: ServerFrame, size: int, now: float) -> None:
        if self.state is StreamState.CONNECTING:
            raise MalformedFrame("the gateway sent deliveries before its Welcome")
        resume = self._resume
        fresh = resume.receive(frame.deliveries, now, size=size)
        if resume.rejects_due:
            self._send_rejects()
        end = Position(self._connection, resume.received, resume.received_bytes)
        self._arrived.add(Frame(len(frame.deliveries), size, end, fresh))
        self._wake.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery:
        while True:
            self.acknowledge()
            delivery = self._arrived.take_one()
            if delivery is not None:
                return delivery
            if not await self._more():
                raise StopAsyncIteration

    async def batches(self) -> AsyncIterator[list[Delivery]]:
        """Lists of deliveries, as they come; asking for the next list says that the last is handled."""
        while True:
            self.acknowledge()
            batch = self._arrived.take_batch()
            if batch:
                yield batch
            elif not await self._more():
                return

    async def _more(self) -> bool:
        """Wait for more; False when the stream has ended. Raises what ended it."""
        self.acknowledge()  # repeats that were passed over
        if self.state is StreamState.ENDED:
            if self._error is not None:
                raise self._error
            return False
        self._wake.clear()
        self._idle = True
        try:
            await self._wake.wait()
        finally:
            self._idle = False
        return True

    def acknowledge(self) -> None:
        """Everything given so far is handled: for who leaves the loop and will not ask for the next one."""
        connection, up_to, size = self._arrived.given
        if connection != self._connection or self.state not in (StreamState.CATCHING_UP, StreamState.LIVE):
            return  # counted on a connection that is gone: it comes again, and is dropped as a repeat
        was_idle = not self._resume.has_unacked
        self._resume.handled(up_to, self._loop.time(), size=size)
        self._flush_ack()
        if was_idle and self._resume.has_unacked:
            self._look_in(self._resume.next_look())

    def set_presence(self, state: PresenceState) -> None:
        """How reachable this device is from now on (AWAY, BUSY, ONLINE), also after a reconnect. What is said too often is not heard."""
        self._presence = state
        self._say_presence()

    def _say_presence(self) -> None:
        if self._presence is not None and self.state in (StreamState.CATCHING_UP, StreamState.LIVE):
            self._say(ClientFrame(presence=SetPresence(state=self._presence)).SerializeToString())

    def watch_presence(self, profile_ids: Iterable[str]) -> None:
        """From now on, ``on_signal`` is told how these profiles are, and whenever that changes; those that share a room with this one. Replaces
        what was watched before."""
        self._watching = tuple(profile_ids)
        self._say_watching()

    def _say_watching(self) -> None:
        if self._watching is not None and self.state in (StreamState.CATCHING_UP, StreamState.LIVE):
            request = WatchPresenceRequest(profile_ids=self._watching)
            call = RpcRequest(call_id=1, method="ChatService/WatchPresence", payload=request.SerializeToString())
            self._say(ClientFrame(call=call).SerializeToString())

    def _on_reply(self, reply: RpcResponse) -> None:
        """Of the only call that is made here. If it failed, it is made again with the next connection, or soon."""
        if reply.HasField("error"):
            if reply.error.retry:
                self._loop.call_later(WATCH_AGAIN_SECONDS, self._say_watching)
            return
        self._tell([Signal(presence=one) for one in WatchPresenceResponse.FromString(reply.payload).presences])

    def reject(self, delivery: Delivery, reason: str) -> None:
        """This device will never handle the delivery: it becomes a dead letter, for an operator to look at. Go on with the next."""
        self._resume.reject(delivery, reason)
        self._send_rejects()

    def _send_rejects(self) -> None:
        for number, reason in self._resume.take_rejects():
            self._say(ClientFrame(reject=Reject(delivery=number, reason=reason)).SerializeToString())

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
        self._closing = True
        try:
            opened = self.state in (StreamState.CATCHING_UP, StreamState.LIVE)
            if opened:
                self._flush_ack(force=True)
            if opened or (self.state is StreamState.CONNECTING and self._hello_sent):
                said = self._say(ClientFrame(bye=Bye()).SerializeToString())
                if said and opened:
                    async with asyncio.timeout(BYE_SECONDS):
                        await self._closed.wait()
        except TimeoutError:
            pass  # the gateway will notice the silence
        finally:
            self._close_socket()
            if self.state is not StreamState.ENDED:
                self._end(None)

    def abandon(self) -> None:
        """Close without a word: the client is closed, and with it every socket."""
        self._closing = True
        self._close_socket()
        if self.state is not StreamState.ENDED:
            self._end(Unavailable("the client was closed"))

    def _close_socket(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._pump is not None:
            self._pump.close(linger_ms=200)
            self._pump = None
