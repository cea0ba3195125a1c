"""A device's stream for an application: resumes after any disconnect, shows every event once and in
order.

Deliveries that the application has not asked for are not acknowledged, so the window bounds how
many wait.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Self

from chatd.client.arrivals import Arrivals, Frame, Position
from chatd.client.connection import StreamConnection
from chatd.client.delivery import Delivery
from chatd.client.lifecycle import Lifecycle, StreamState
from chatd.client.marks import Marks
from chatd.client.resume import Resume
from chatd.client.rewound import FIRST_CALL_ID, OnRewound, Rewound
from chatd.client.route import Gateways
from chatd.client.signals import Signals
from chatd.client.token import Token
from chatd.errors import MalformedFrame
from chatd.pb.events.v1.signals_pb2 import PresenceState, Signal
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello, Reject, ServerFrame, Start
from chatd.transport.sockets import Context


class Stream:
    """Made by ``Client.stream``. Iterating gives deliveries; asking for the next says that the last
    is handled.

    ``on_state`` is called with every new state and its reason, ``on_signal`` with every signal,
    ``on_rewound`` with the rooms in which events that were shown are lost, after the log went back.
    An error that one raises ends the stream, and is raised where the application iterates.
    """

    def __init__(
        self,
        context: Context,
        gateways: Gateways,
        hello: Hello,
        token: Token,
        *,
        marks: Marks | None = None,
        on_state: Callable[[StreamState, str], None] | None = None,
        on_signal: Callable[[Signal], None] | None = None,
        on_rewound: OnRewound | None = None,
    ) -> None:
        self._resume = Resume(marks)
        self._arrived = Arrivals()
        self._wake = asyncio.Event()
        self._idle = False  # the application waits for more
        self._lifecycle = Lifecycle(on_state, on_end=self._wake.set)
        self._connection = StreamConnection(
            context,
            gateways,
            hello,
            token,
            self._resume,
            self._lifecycle,
            on_open=self._on_open,
            on_frame=self._on_frame,
        )
        self._signals = Signals(self._connection.say, self._lifecycle, self._resume, on_signal)
        self._rewound = Rewound(self._connection.say, self._lifecycle, self._resume, on_rewound)

    @property
    def state(self) -> StreamState:
        return self._lifecycle.state

    @property
    def epoch(self) -> int:
        """The stream's epoch; 0 before the first Welcome."""
        return self._resume.epoch

    @property
    def log(self) -> str:
        """Names the log that seqs belong to; empty before the first Welcome. An application's
        records by room and seq are worth nothing when this changes, or when ``on_state`` is told
        that the log is another one."""
        return self._resume.log

    @property
    def profile_id(self) -> str:
        """The profile whose stream it is; empty before the first Welcome."""
        return self._resume.profile_id

    @property
    def is_new_device(self) -> bool:
        """True if the newest Welcome said that chatd did not know the device: ``start`` says what
        it is owed."""
        return self._resume.start is not None

    @property
    def start(self) -> Start | None:
        """Where the device begins, if the newest Welcome said that chatd did not know it."""
        return self._resume.start

    @property
    def repeats(self) -> int:
        """The number of repeats that were dropped."""
        return self._resume.repeats

    async def __aenter__(self) -> Self:
        self._connection.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _on_open(self) -> None:
        self._signals.say_again()
        self._rewound.ask()

    def _on_frame(self, frame: ServerFrame, size: int, now: float) -> None:
        if frame.deliveries:
            self._on_deliveries(frame, size, now)
        elif frame.signals:
            self._signals.heard(frame.signals)
        elif frame.HasField("caught_up"):
            self._lifecycle.caught_up()
        elif frame.HasField("reply"):
            handler = self._rewound if frame.reply.call_id >= FIRST_CALL_ID else self._signals
            handler.on_reply(frame.reply)

    def _on_deliveries(self, frame: ServerFrame, size: int, now: float) -> None:
        if self.state is StreamState.CONNECTING:
            raise MalformedFrame("the gateway sent deliveries before its Welcome")
        resume = self._resume
        fresh = resume.receive(frame.deliveries, now, size=size)
        if resume.rejects_due:
            self._send_rejects()
        end = Position(self._connection.number, resume.received, resume.received_bytes)
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
        """Lists of deliveries, as they arrive; asking for the next list says that the last is
        handled."""
        while True:
            self.acknowledge()
            batch = self._arrived.take_batch()
            if batch:
                yield batch
            elif not await self._more():
                return

    async def _more(self) -> bool:
        """Wait for more; False when the stream has ended. Raises the error that ended it."""
        self.acknowledge()  # repeats that were passed over
        if self._lifecycle.has_ended:
            self._lifecycle.raise_error()
            return False
        self._wake.clear()
        self._idle = True
        try:
            await self._wake.wait()
        finally:
            self._idle = False
        return True

    def acknowledge(self) -> None:
        """All deliveries given so far are handled: for applications that do not ask for the next
        one."""
        connection, up_to, size = self._arrived.given
        # A delivery of an earlier connection is sent again on this one, and dropped as a repeat.
        if connection == self._connection.number and self._lifecycle.is_open:
            self._connection.acknowledge(up_to, size)

    def reject(self, delivery: Delivery, reason: str) -> None:
        """This device will never handle the delivery: it becomes a dead letter. Go on with the next
        one."""
        self._resume.reject(delivery, reason)
        self._send_rejects()

    def _send_rejects(self) -> None:
        """Between two connections nothing is said: the repeat of what was rejected is."""
        for number, reason in self._resume.take_rejects():
            if self._lifecycle.is_open:
                reject = Reject(delivery=number, reason=reason, epoch=self.epoch)
                self._connection.say(ClientFrame(reject=reject))

    def set_presence(self, state: PresenceState) -> None:
        """Say how reachable this device is from now on (AWAY, BUSY, ONLINE), also after a
        reconnect.

        The gateway ignores changes that come too often.
        """
        self._signals.set_presence(state)

    def watch_presence(self, profile_ids: Iterable[str]) -> None:
        """Tell ``on_signal`` the presence of these profiles now, and each change of it.

        Only profiles that share a room with this one are told. They replace those that were watched
        before.
        """
        self._signals.watch(profile_ids)

    async def opened(self) -> None:
        """Wait for the first Welcome: the device is registered. Raises the error that ended the
        stream."""
        await self._lifecycle.wait_opened()

    async def caught_up(self) -> None:
        """Wait until everything owed has arrived. Raises the error that ended the stream."""
        await self._lifecycle.wait_caught_up()

    async def drained(self) -> None:
        """Wait until everything owed has arrived and was handled. Raises the error that ended the
        stream."""
        await self.caught_up()
        while self._arrived or not self._idle:
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        """Acknowledge what was handled, say Bye, and wait at most a second for the gateway's
        answer."""
        await self._connection.close()

    def abandon(self) -> None:
        """Close without a Bye: the client is closed, and every socket with it."""
        self._connection.abandon()
