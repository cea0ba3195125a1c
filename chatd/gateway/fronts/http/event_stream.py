"""EventStream: a device's stream over the response to one GET."""

import asyncio
import fcntl
import secrets
import termios
from contextlib import suppress

from aiohttp.web import StreamResponse

from chatd.core.wire import error_from_pb
from chatd.errors import Superseded, Unavailable
from chatd.gateway.fronts.http.event_text import EventText, FrameTexts
from chatd.gateway.fronts.http.exchange import Exchange
from chatd.gateway.fronts.http.json_text import to_json
from chatd.pb.gateway.v1.gateway_pb2 import Ack, Bye, ClientFrame, Heartbeat, Hello, ServerFrame

WINDOW_MESSAGES, WINDOW_BYTES = 1_024, 1_048_576
"""The SDK's: it would be pulled for much more often with the gateway's own, since acks are made
only now and then."""
LOOK_SECONDS = 0.25
"""Between two looks at what the client's machine has received."""
QUICK_LOOK_SECONDS = 0.02
"""The same while the window is a quarter full: a stream whose window is full is pulled for."""
ALIVE_SECONDS = 15.0
"""Proxies end what has been silent for a minute."""


class EventStream:
    """``is_automatic``: a delivery is acknowledged when the machine at the other end of the
    connection has received it. ``is_poll``: the stream ends when it has caught up."""

    def __init__(
        self, exchange: Exchange, form: EventText, texts: FrameTexts, *, is_automatic: bool, is_poll: bool
    ) -> None:
        self._exchange = exchange
        self._form = form
        self._texts = texts
        self._is_automatic = is_automatic
        self._is_poll = is_poll
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[ServerFrame] = self._loop.create_future()
        self._is_over = False
        self._wake = asyncio.Event()
        self._begun = False
        self._is_chunked = False
        self._early: list[bytes] = []
        self._caught_up = False
        self._many = WINDOW_MESSAGES // 4
        self.secret = secrets.token_hex(8)
        """Names the stream to the client, and to nobody else."""
        self._name = self.secret.encode()
        self.owner = ("", "")
        """Its profile and device."""
        self.epoch = 0
        self.log = ""
        """Names the log that seqs belong to."""
        self.sent = 0
        self.acknowledged = 0
        self.was_superseded = False

    async def open(self, hello: Hello) -> None:
        """Return when the stream is open. Raises the ChatdError that refused it."""
        self._exchange.hear(ClientFrame(hello=hello).SerializeToString())
        frame = await self._opened
        if not frame.HasField("welcome"):
            raise error_from_pb(frame.closed.error if frame.HasField("closed") else frame.error)
        self.owner = (frame.welcome.profile_id, hello.device_id)
        self.epoch = frame.welcome.epoch
        self.log = frame.welcome.log
        self._interval = frame.welcome.heartbeat_interval_ms / 1_000

    async def run(self, response: StreamResponse) -> None:
        """Write what comes into the response, until either side has enough."""
        response.force_close()
        await response.prepare(self._exchange.request)
        self._is_chunked = "chunked" in response.headers.get("Transfer-Encoding", "")
        self._begun = True
        self._write(self._form.opening)
        early, self._early = self._early, []
        for text in early:
            self._write(text)
        alive_at = heartbeat_at = self._loop.time()
        while not self._is_over:
            self._wake.clear()
            now = self._loop.time()
            if now >= heartbeat_at:
                heartbeat_at = now + self._interval / 2
                self._heartbeat()
            if now >= alive_at:
                alive_at = now + ALIVE_SECONDS
                self._write(self._form.alive)
            self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()

    def _pause(self) -> float:
        """Seconds until it is to be looked again."""
        if self._is_hurried():
            return QUICK_LOOK_SECONDS
        return LOOK_SECONDS if self._is_looking() else self._interval / 2

    def _is_hurried(self) -> bool:
        return self._is_automatic and self.sent - self.acknowledged >= self._many

    def _is_looking(self) -> bool:
        """True while something is due when the client's machine has received all."""
        return (self._is_automatic and self.sent > self.acknowledged) or (self._is_poll and self._caught_up)

    def _end(self) -> None:
        self._is_over = True
        self._wake.set()

    def _heartbeat(self) -> None:
        """The client lives as long as it reads: the kernel ends connections that take nothing."""
        transport = self._exchange.request.transport
        if transport is not None and not transport.get_write_buffer_size():
            self._hear(ClientFrame(heartbeat=Heartbeat()))

    def _look(self) -> None:
        """Acknowledge what the client's machine has received, if that is enough."""
        if not self._is_looking() or not self._has_been_received():
            return
        if self._is_automatic:
            self.acknowledge(self.sent)
        if self._is_poll and self._caught_up:
            self._end()
            if self._is_automatic:
                self.leave()

    def _has_been_received(self) -> bool:
        """True if TCP's other end has acknowledged every byte (ioctl SIOCOUTQ, man 7 tcp)."""
        transport = self._exchange.request.transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size():
            return False  # a closed socket's descriptor may be another one's
        left = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        return left == b"\0\0\0\0"

    def acknowledge(self, up_to: int) -> None:
        """The client has received so many deliveries."""
        up_to = min(up_to, self.sent)
        if up_to > self.acknowledged:
            self.acknowledged = up_to
            self._hear(ClientFrame(ack=Ack(up_to=up_to, epoch=self.epoch)))

    def leave(self) -> None:
        """End it: another one takes its place."""
        self._hear(ClientFrame(bye=Bye(epoch=self.epoch)))

    def _hear(self, frame: ClientFrame) -> None:
        if self._exchange.link.has_stream:
            self._exchange.hear(frame.SerializeToString())

    @property
    def is_open(self) -> bool:
        """True as long as the gateway keeps the stream."""
        return self._exchange.link.has_stream

    def send(self, frame: bytes) -> bool:
        said, deliveries = self._texts.read(frame)
        if not self._opened.done():
            self._opened.set_result(said)
            if said.welcome.HasField("start"):
                self._write(self._form.other("new_device", to_json(said.welcome.start)))
            return True
        if self._is_over:
            return False
        if deliveries:
            pause = self._pause()
            self._write(b"".join(map(self._form.delivery, self._ids(len(deliveries)), deliveries)))
            if self._pause() < pause:
                self._wake.set()
        for signal in said.signals:
            self._write(self._form.other("signal", to_json(signal)))
        if said.error.refused == "ack":
            self.acknowledged = 0  # it is said again
        for kind in ("caught_up", "token_expires"):
            if said.HasField(kind):
                self._write(self._form.other(kind, to_json(getattr(said, kind))))
        if said.HasField("caught_up"):
            self._caught_up = True
            self._wake.set()
        if said.HasField("closed"):
            self.was_superseded = said.closed.error.code == Superseded.code
            self._write(self._form.other("closed", to_json(said.closed)))
            self._end()
        return True

    def _ids(self, count: int) -> list[bytes]:
        """The ids of so many more deliveries."""
        first, self.sent = self.sent + 1, self.sent + count
        return [b"%b.%d" % (self._name, number) for number in range(first, self.sent + 1)]

    def _write(self, text: bytes) -> None:
        """To the transport itself: a response makes a coroutine for each part."""
        if not self._begun:
            self._early.append(text)
            return
        transport = self._exchange.request.transport
        if text and transport is not None and not transport.is_closing():
            transport.write(b"%x\r\n%b\r\n" % (len(text), text) if self._is_chunked else text)

    def ended(self) -> None:
        """The client has gone, or was sent away."""
        self._end()
        if not self._opened.done():
            self._opened.set_exception(Unavailable("the connection was ended"))
