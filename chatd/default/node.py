"""DefaultNode: calls in, replies out, and the fan-out behind the writer. Wires the stages; data flows one way through them.

calls ─▶ services ─▶ writer/reader (threads) ─▶ replies
                      └▶ FanOutPacer ─▶ RoomOutboxLoggingQueue ─▶ OutboxDeliveryEventHandler ─▶ EventDeliveryQueueHandler ─▶ XPUB
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from google.protobuf.message import DecodeError, Message

from chatd.core.model import CommittedRun, Lease
from chatd.core.wire import encode_reply
from chatd.default.answer import Caller, Done, Later, Method, Write
from chatd.default.last_mile_delivery import EventDeliveryQueueHandler
from chatd.default.leases import Leases
from chatd.default.outbox_delivery import OutboxDeliveryEventHandler
from chatd.default.outbox_logging import RoomOutboxLoggingQueue
from chatd.default.pacer import FanOutPacer
from chatd.errors import ChatdError, ConfigError, MalformedFrame, Overloaded, UnknownMethod
from chatd.pb.node.v1.node_pb2 import NodeRequest, Role
from chatd.store.commands import Command, MarkPublished
from chatd.store.queries import FindUnpublished, Ping, Query
from chatd.store.reader import Reader
from chatd.store.worker import Completed
from chatd.store.writer import WriteBatch, Writer
from chatd.transport.pump import PeerFull, PeerGone, Pump
from chatd.transport.sockets import Context, bind_router, bind_xpub, endpoint
from chatd.transport.timers import Timers

log = structlog.get_logger()

MAX_WAITING = 20_000
"""Commands and queries waiting for the store; calls beyond are refused (OVERLOADED)."""
MARKS_SECONDS = 0.05
SWEEP_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class _ReplyTo:
    """Tag of a command or query: where its reply goes and how it is made."""

    routing_id: bytes
    call_id: int
    then: Callable[[Any], Message]


@dataclass(frozen=True, slots=True)
class _Own:
    """Tag of what the node asks for itself: who gets the result, and who is told of a failure (it is logged anyway)."""

    then: Callable[[Any], None]
    failed: Callable[[], None] | None = None


class _Pinged(asyncio.Event):
    """Tag of the query that shows that the database answers."""


class DefaultNode:
    """One default node. ``connect`` binds it and begins; ``drain``, then ``close``, end it. ``sweep`` and ``gather``, the longest that fan-out
    waits for more, are in seconds."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        writer: Writer,
        reader: Reader,
        last_mile: EventDeliveryQueueHandler,
        leases: Leases,
        clock: Callable[[], int],
        sweep: float,
        gather: float,
    ) -> None:
        self._loop = loop
        self._writer = writer
        self._reader = reader
        self._last_mile = last_mile
        self._outbox_logging = RoomOutboxLoggingQueue(OutboxDeliveryEventHandler(last_mile.handle).handle)
        self._gathering = FanOutPacer(
            self._outbox_logging.handle,
            published=lambda: last_mile.deliveries_published,
            now=loop.time,
            later=loop.call_later,
            longest=gather,
        )
        self._leases = leases
        self._clock = clock
        self._sweep_seconds = sweep
        self._methods: dict[str, Method] = {}
        self._waiting = 0
        self._timers = Timers(loop)
        self._pumps: tuple[Pump, ...] = ()
        self._last_acts: list[Callable[[float], Awaitable[None]]] = []
        self.events_committed = 0
        self.commits = 0
        self.requests_refused = 0

    def serve(self, methods: Mapping[str, Method]) -> None:
        """The methods this node answers."""
        self._methods = dict(methods)

    async def ping(self, query: Ping) -> None:
        """Return when the database has answered. Raises what it answered with."""
        pinged = _Pinged()
        self._reader.submit(query, pinged)
        await pinged.wait()

    def connect(self, context: Context, *, call_uri: str, queue_uri: str, max_frame: int, node_id: str, version: str) -> None:
        """Bind both sockets and begin. Raises ConfigError."""
        router = bind_router(context, call_uri, max_frame=16 * max_frame, send_hwm=100_000)
        self.call_uri = endpoint(router)
        try:
            xpub = bind_xpub(context, queue_uri)
        except ConfigError:
            router.close(0)
            raise
        self.queue_uri = endpoint(xpub)
        self._xpub = Pump(self._loop, xpub, self._last_mile.on_subscriptions, frames=1)
        self._router = Pump(self._loop, router, self._on_calls, frames=2)
        self._pumps = (self._router, self._xpub)
        self._leases.serve(Lease(self.call_uri, "default", node_id, self.queue_uri, version, self._clock(), 0))
        self._timers.every(MARKS_SECONDS, self._write_marks)
        self._renew_leases()
        self._timers.every(self._leases.period, self._renew_leases)
        self._sweep(before_us=self._clock())
        self._timers.every(self._sweep_seconds, lambda: self._sweep(before_us=self._clock() - round(self._sweep_seconds * 1e6)))

    def publish(self, topics: Sequence[bytes], body: bytes) -> None:
        """Send a queue message to each topic; dropped at the high-water mark of whoever does not keep up."""
        self._xpub.send_to_topics(topics, body)

    @property
    def is_busy(self) -> bool:
        """Whether so much waits for the database that what may be left undone should be."""
        return self._waiting > MAX_WAITING // 10

    def write(self, command: Command) -> None:
        """Ask the writer for something nobody waits for."""
        self._writer.submit(command, None)

    def ask_own(self, query: Query, then: Callable[[Any], None], failed: Callable[[], None] | None = None) -> None:
        """Ask a reader for the node itself; ``then`` gets the result on the loop."""
        self._reader.submit(query, _Own(then, failed))

    def write_own(self, command: Command, then: Callable[[Any], None], failed: Callable[[], None] | None = None) -> None:
        """Ask the writer for the node itself; ``then`` gets the result on the loop."""
        self._writer.submit(command, _Own(then, failed))

    def every(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something now and then for as long as the node serves."""
        self._timers.every(seconds, action)

    def before_the_end(self, act: Callable[[float], Awaitable[None]]) -> None:
        """What else has to end before the writer does; it gets the seconds it may take."""
        self._last_acts.append(act)

    def _renew_leases(self) -> None:
        self.write_own(self._leases.renewal(), self._leases.renewed)

    def _on_calls(self, batch: list[list[bytes]]) -> None:
        for frames in batch:
            try:
                request = NodeRequest.FromString(frames[-1])
            except DecodeError:
                self._reply(frames[0], 0, None, MalformedFrame("the frame is not a NodeRequest"))
                continue
            try:
                self._call(frames[0], request)
            except ChatdError as exc:
                self._reply(frames[0], request.call_id, None, exc)

    def _call(self, routing_id: bytes, request: NodeRequest) -> None:
        method = self._methods.get(request.method)
        if method is None:
            raise UnknownMethod(f"no method {request.method[:80]!a}")
        if self._waiting >= MAX_WAITING:
            raise Overloaded(f"{MAX_WAITING} requests are waiting for the database")
        caller = Caller(request.caller.profile_id, operator=request.caller.role == Role.ROLE_OPERATOR)
        answer = method(caller, request.payload)
        if isinstance(answer, Done):
            self._reply(routing_id, request.call_id, answer.response, None)
            return
        self._waiting += 1
        if isinstance(answer, Later):
            answer.begin(lambda result: self._reply_later(routing_id, request.call_id, result))
            return
        tag = _ReplyTo(routing_id, request.call_id, answer.then)
        if isinstance(answer, Write):
            self._writer.submit(answer.command, tag)
        else:
            self._reader.submit(answer.query, tag)

    def _reply_later(self, routing_id: bytes, call_id: int, result: Message | ChatdError) -> None:
        self._waiting -= 1
        if isinstance(result, ChatdError):
            self._reply(routing_id, call_id, None, result)
        else:
            self._reply(routing_id, call_id, result, None)

    def _reply(self, routing_id: bytes, call_id: int, response: Message | None, error: ChatdError | None) -> None:
        if error is not None:
            self.requests_refused += 1
        payload = b"" if response is None else response.SerializeToString()
        try:
            self._router.send((routing_id, encode_reply(call_id, payload, error).SerializeToString()))
        except (PeerGone, PeerFull):
            log.warning("A reply could not be sent: its gateway has gone")

    def on_written(self, batch: WriteBatch) -> None:
        """One transaction has been committed: tell the senders, then fan out."""
        self.commits += 1
        for completed in batch.completed:
            self._complete(completed)
        if batch.runs:
            self.events_committed += sum(run.last_seq - run.first_seq + 1 for run in batch.runs)
            self._gathering.handle(batch.runs)

    def on_read(self, batch: list[Completed]) -> None:
        """Queries have been answered."""
        for completed in batch:
            self._complete(completed)

    def _complete(self, completed: Completed) -> None:
        tag, result = completed.tag, completed.result
        if isinstance(tag, _ReplyTo):
            self._waiting -= 1
            if isinstance(result, ChatdError):
                self._reply(tag.routing_id, tag.call_id, None, result)
                return
            try:
                response = tag.then(result)
            except ChatdError as exc:
                self._reply(tag.routing_id, tag.call_id, None, exc)
                return
            self._reply(tag.routing_id, tag.call_id, response, None)
        elif isinstance(tag, _Pinged):
            tag.set()
        elif isinstance(result, ChatdError):
            log.error("A write or read of the node's own failed", error=str(result), code=result.code)
            if isinstance(tag, _Own) and tag.failed is not None:
                tag.failed()
        elif isinstance(tag, _Own):
            tag.then(result)

    def _write_marks(self) -> None:
        """Fan-out marks, gathered: they ride on a group commit."""
        marks = self._outbox_logging.take_marks()
        if marks:
            self.write_own(MarkPublished(marks), self._outbox_logging.put_back, lambda: self._outbox_logging.put_back(marks))

    def _sweep(self, *, before_us: int) -> None:
        """Look for events that were committed before then and not fanned out since."""
        self.ask_own(FindUnpublished(before_us=before_us, limit=SWEEP_EVENTS), self._on_swept)

    def _on_swept(self, runs: tuple[CommittedRun, ...]) -> None:
        if runs:
            log.info("Events that no node had fanned out are fanned out now", runs=len(runs))
            self._outbox_logging.handle(runs)

    async def drain(self, seconds: float) -> None:
        """Take no more calls; finish, answer and fan out those taken, at most ``seconds``."""
        self._router.pause()
        deadline = self._loop.time() + seconds
        while self._waiting and self._loop.time() < deadline:
            await asyncio.sleep(0.005)
        self._gathering.release()
        self._timers.cancel()
        for act in self._last_acts:
            await act(max(0.0, deadline - self._loop.time()))
        self._write_marks()
        self.write(self._leases.ending())

    def close(self) -> None:
        """Close the sockets; what was sent may take a second to leave."""
        for pump in self._pumps:
            pump.close(linger_ms=1_000)
