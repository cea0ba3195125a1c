"""A stream's connections, one after the other: Hello, acks, heartbeats, and the next attempt after
a loss.

There is one socket and one timer. Frames about the connection itself (Welcome, Closed, Error) are
handled here, all others are passed on.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from google.protobuf.message import DecodeError

from chatd.client.hello import StreamHello
from chatd.client.lifecycle import Lifecycle, StreamState
from chatd.client.renewal import Renewal
from chatd.client.resume import Resume
from chatd.client.route import Gateways, Route, as_safe_as, unreachable
from chatd.client.token import Token
from chatd.core.wire import error_from_pb
from chatd.errors import ChatdError, MalformedFrame, NoStream, Overtaken, TokenExpired, Unavailable
from chatd.pb.gateway.v1.gateway_pb2 import (
    Ack,
    Bye,
    ClientFrame,
    Closed,
    Error,
    Heartbeat,
    Hello,
    Renew,
    ServerFrame,
    Welcome,
)
from chatd.transport.pump import PeerFull, Pump
from chatd.transport.sockets import Context, connect_dealer, usable

CONNECT_SECONDS = 1.0
"""Seconds to wait for a gateway that cannot be reached, if there is another."""
HELLO_SECONDS = 5.0
"""Seconds to wait for a Welcome, from the beginning of the connection."""
BYE_SECONDS = 1.0
"""Seconds to wait for the answer to a Bye."""
CONNECT_LOOK, HELLO_LOOK = 0.01, 0.25
"""Seconds between checks: can the Hello be sent, and was it answered?"""
LINGER_MS = 200
"""Milliseconds that the last frames may take to leave after the socket is closed."""
ANOTHER_LOG = "the log is another one than before: its rooms begin anew"
"""The reason that ``on_state`` gets with a Welcome to another log."""
_HEARTBEAT = ClientFrame(heartbeat=Heartbeat())


class StreamConnection:
    """Calls ``on_open`` after each Welcome, and ``on_frame`` with each other frame, its size in
    bytes and the time.

    ``on_frame`` may raise MalformedFrame; then this connection is given up and another one begins.
    """

    def __init__(
        self,
        context: Context,
        gateways: Gateways,
        hello: Hello,
        token: Token,
        resume: Resume,
        lifecycle: Lifecycle,
        *,
        on_open: Callable[[], None],
        on_frame: Callable[[ServerFrame, int, float], None],
    ) -> None:
        self._context = context
        self._gateways = gateways
        self._route = Route(gateways)
        self._hello = StreamHello(hello, resume)
        self._renewal = Renewal(token, lifecycle, say=self._say_renew)
        self._resume = resume
        self._lifecycle = lifecycle
        self._on_open = on_open
        self._on_frame = on_frame
        self._pump: Pump | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._hello_sent = False
        self._connected_at = 0.0
        self._closing = False
        self.number = 0
        """The number of this connection, from 1 on."""

    def open(self) -> None:
        """Begin with the first connection."""
        self._loop = asyncio.get_running_loop()
        self._connect()

    def _connect(self) -> None:
        self.number += 1
        self._hello_sent = False
        self._renewal.begin()
        self._connected_at = self._loop.time()
        socket = connect_dealer(self._context, self._route.uri)
        self._pump = Pump(self._loop, socket, self._on_batch, on_lost=self._on_lost)
        self._lifecycle.connecting("")
        self._tick()

    def _tick(self) -> None:
        """Do everything that is due: the Hello, acks, heartbeats, or giving the connection up."""
        if self._lifecycle.has_ended or self._pump is None:
            return
        now = self._loop.time()
        if self._lifecycle.state is StreamState.CONNECTING:
            self._tick_connecting(now)
            return
        if self._resume.peer_is_silent(now):
            self._reconnect("the gateway fell silent")
            return
        self._flush_ack()
        if self._resume.heartbeat_due(now):
            self.say(_HEARTBEAT)
            self._resume.asked(now)
        self._look_in(self._resume.next_look())

    def _tick_connecting(self, now: float) -> None:
        waited = now - self._connected_at
        if not self._hello_sent:
            self._hello_sent = self._say_hello()
            # After another security mechanism libzmq's socket never tries again; a new one does.
            longest = CONNECT_SECONDS if self._route.has_other else HELLO_SECONDS
            if not self._hello_sent and waited > longest:
                self._reconnect(unreachable(self._route.uri))
                return
        elif waited > HELLO_SECONDS:
            self._reconnect("the gateway did not answer")
            return
        self._look_in(HELLO_LOOK if self._hello_sent else CONNECT_LOOK)

    def _say_hello(self) -> bool:
        token = self._renewal.for_hello()
        return token is not None and self.say(self._hello.frame(self.number, token))

    def _say_renew(self, token: str) -> bool:
        self._hello.token = token
        return self.say(ClientFrame(renew=Renew(token=token, epoch=self._resume.epoch)))

    def _look_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._tick)

    def say(self, frame: ClientFrame) -> bool:
        """Send a frame. False: no gateway took it; its silence will be noticed."""
        if self._pump is None:
            return False
        try:
            self._pump.send((frame.SerializeToString(),))
        except PeerFull:
            return False
        return True

    def acknowledge(self, up_to: int, size: int) -> None:
        """The application has handled the first ``up_to`` deliveries, and whole frames of ``size``
        bytes."""
        was_idle = not self._resume.has_unacked
        self._resume.handled(up_to, self._loop.time(), size=size)
        self._flush_ack()
        if was_idle and self._resume.has_unacked:
            self._look_in(self._resume.next_look())

    def _flush_ack(self, *, force: bool = False) -> None:
        up_to = self._resume.take_ack(self._loop.time(), force=force)
        if up_to is not None:
            self.say(ClientFrame(ack=Ack(up_to=up_to, epoch=self._resume.epoch)))

    def _on_batch(self, batch: list[list[bytes]]) -> None:
        now = self._loop.time()
        for frames in batch:
            if self._pump is None or self._lifecycle.has_ended:
                return  # given up by an earlier frame of the batch
            try:
                self._receive(ServerFrame.FromString(frames[-1]), len(frames[-1]), now)
            except DecodeError:
                self._reconnect("the gateway sent a frame that does not parse")
            except MalformedFrame as exc:
                self._reconnect(str(exc))

    def _receive(self, frame: ServerFrame, size: int, now: float) -> None:
        if frame.deliveries:
            self._on_frame(frame, size, now)
        elif frame.HasField("welcome"):
            self._on_welcome(frame.welcome, now)
        elif frame.HasField("closed"):
            self._on_closed(frame.closed)
        elif frame.HasField("reply") and frame.reply.error.code == NoStream.code:
            self._refused(error_from_pb(frame.reply.error))  # a gateway that has begun anew
        elif frame.HasField("token_expires"):
            self._resume.heard(now)
            self._renewal.expires(frame.token_expires.in_ms)
        elif frame.HasField("error"):
            self._resume.heard(now)
            if self._ends_the_stream(frame.error):
                self._refused(error_from_pb(frame.error))
        else:
            self._resume.heard(now)
            self._on_frame(frame, size, now)

    def _ends_the_stream(self, error: Error) -> bool:
        """False: the gateway refused one frame of many, and the stream goes on. A token that may
        not replace the stream's is told at once, not when that one expires."""
        is_of_hello = bool(error.hello_id) or self._lifecycle.state is StreamState.CONNECTING
        return is_of_hello or (error.refused == "renew" and not error.retry)

    def _is_of_another_hello(self, hello_id: int) -> bool:
        """True if a frame names an earlier Hello than this connection's. 0: it names none."""
        return hello_id not in (0, self.number)

    def _on_welcome(self, welcome: Welcome, now: float) -> None:
        if self._is_of_another_hello(welcome.hello_id):
            return
        self._hello.is_overtaken = False
        self._resume.welcomed(welcome, now)
        self._gateways.learn(self._told(welcome.gateways))
        self._lifecycle.welcomed(ANOTHER_LOG if self._resume.is_another_log else "")
        self._on_open()
        self._look_in(self._resume.next_look())  # a heartbeat may be due sooner than the next look at a Hello

    def _told(self, uris: Iterable[str]) -> list[str]:
        return as_safe_as(self._route.uri, usable(uris))

    def _on_closed(self, closed: Closed) -> None:
        if self._is_of_another_hello(closed.hello_id):
            return
        is_waiting = self._lifecycle.state is StreamState.CONNECTING
        if closed.error.code == NoStream.code and not closed.hello_id and is_waiting:
            return  # about an earlier frame
        if closed.error.code == 0:
            self._lifecycle.end(None)
        else:
            self._refused(error_from_pb(closed.error), told=self._told(closed.gateways))

    def _refused(self, error: ChatdError, *, told: Sequence[str] = ()) -> None:
        """End the stream; or connect again if the error may be retried, to one of the gateways
        ``told``."""
        if isinstance(error, Overtaken):
            self._hello.is_overtaken = True
        another = isinstance(error, TokenExpired) and self._renewal.expired(self._hello.token)
        if not error.retry and not another:
            self._lifecycle.end(error)
            return
        if told:
            self._gateways.learn(told)
        self._reconnect(str(error), told=told, after=error.retry_after_ms / 1e3)

    def _on_lost(self) -> None:
        if self._hello_sent and not self._lifecycle.has_ended:
            self._reconnect("the gateway was lost")

    def _reconnect(self, reason: str, *, told: Sequence[str] = (), after: float = 0.0) -> None:
        """Begin anew, at another gateway if one is known; not before ``after`` seconds."""
        self._close_socket(linger_ms=0)
        if self._closing:
            self._lifecycle.end(None)  # it was about to end
            return
        self._route.move(told)
        self._lifecycle.connecting(reason)
        if not self._lifecycle.has_ended:
            wait = max(after, self._resume.backoff(self._loop.time()))
            self._timer = self._loop.call_later(wait, self._connect)

    async def close(self) -> None:
        """Acknowledge what was handled, say Bye, and wait BYE_SECONDS at most for the answer."""
        self._closing = True
        was_open = self._lifecycle.is_open
        try:
            if was_open:
                self._flush_ack(force=True)
            bye = ClientFrame(bye=Bye(epoch=self._resume.epoch if was_open else 0))
            if (was_open or self._hello_unanswered) and self.say(bye) and was_open:
                async with asyncio.timeout(BYE_SECONDS):
                    await self._lifecycle.wait_ended()
        except TimeoutError:
            pass  # the gateway will notice the silence
        finally:
            self._close_socket(linger_ms=LINGER_MS)
            self._lifecycle.end(None)

    @property
    def _hello_unanswered(self) -> bool:
        return self._hello_sent and self._lifecycle.state is StreamState.CONNECTING

    def abandon(self) -> None:
        """Close without a Bye: the client is closed, and every socket with it."""
        self._closing = True
        self._close_socket(linger_ms=LINGER_MS)
        self._lifecycle.end(Unavailable("the client was closed"))

    def _close_socket(self, *, linger_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._pump is not None:
            self._pump.close(linger_ms)
            self._pump = None
