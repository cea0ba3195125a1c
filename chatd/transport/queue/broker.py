"""The queue over a broker: both ends of it, for every kind of broker.

One channel leads to each gateway, and a message there is for one or several of its topics. Nobody
is subscribed but that gateway, so subscriptions to topics and marks need nothing done. The gateways
are those that call this node: a broker that goes away takes nobody offline.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import structlog

from chatd.core.channel_numbers import STAMP_BYTES, HeardNumbers, SentNumbers, publisher_of
from chatd.core.counter import Counter
from chatd.core.outage import Outage
from chatd.errors import Unavailable
from chatd.transport.queue import OnGateway, OnMessages, OnMissed, QueueMessage, SendFrame
from chatd.transport.queue.broker_connection import Broker, Connection, keep_connected
from chatd.transport.queue.joined import TopicSplits, cut, join_topics
from chatd.transport.queue.sender import Sender
from chatd.transport.sockets import Context

log = structlog.get_logger()


class _Channel:
    """To one gateway. ``stamp`` gives the number of the next message, ``send`` takes it away."""

    __slots__ = ("send", "sender", "stamp")

    def __init__(self, started_at_us: int, sender: Sender, send: SendFrame) -> None:
        self.stamp = SentNumbers(started_at_us).stamp
        self.sender = sender
        self.send = send


class BrokerPublisher:
    """``Publisher`` over a broker. ``started_at_us`` names this process; ``seam`` stands between it
    and the connections."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        broker: Broker,
        *,
        started_at_us: int,
        seam: Callable[[SendFrame], SendFrame] = lambda send: send,
    ) -> None:
        self._loop = loop
        self._broker = broker
        self._started_at_us = started_at_us
        self._seam = seam
        self._dropped = Counter(
            "queue_messages_dropped", "messages that a broker did not take; gateways pull what they held"
        )
        self.counters = (self._dropped,)
        self._is_open = False
        self._channels: dict[str, _Channel] = {}
        self._senders: set[Sender] = set()
        self._outage = Outage(
            log,
            "The broker of the queue is away; gateways pull instead",
            "The broker of the queue is back",
            now=loop.time,
        )

    def open(self, context: Context, uri: str, on_gateway: OnGateway) -> str:
        self._is_open = True
        if not self._broker.connection_per_gateway:
            self._new_sender()
        return ""

    def meet(self, gateway: str) -> None:
        if gateway in self._channels or not self._is_open:
            return
        one = self._broker.connection_per_gateway
        sender = self._new_sender() if one else next(iter(self._senders))
        send = self._seam(partial(sender.put, self._broker.channel(gateway)))
        self._channels[gateway] = _Channel(self._started_at_us, sender, send)

    def forget(self, gateway: str) -> None:
        channel = self._channels.pop(gateway, None)
        if channel is not None and self._broker.connection_per_gateway:
            channel.sender.cancel()
            self._senders.discard(channel.sender)
            if any(sender.is_connected for sender in self._senders):  # else nobody knows
                self._worked()

    def _new_sender(self) -> Sender:
        sender = Sender(self._dropped, worked=self._worked, failed=self._outage.failed)
        self._senders.add(sender)
        sender.start(self._loop, self._broker)
        return sender

    def _worked(self) -> None:
        if not any(sender.is_down for sender in self._senders):
            self._outage.worked()

    def publish(self, topic: bytes, gateways: Sequence[str], body: bytes) -> None:
        joined = join_topics((topic,))
        for gateway in gateways:
            self.publish_to(gateway, joined, body)

    def publish_to(self, gateway: str, joined: bytes, body: bytes) -> None:
        channel = self._channels.get(gateway)
        if channel is not None:
            channel.send(b"".join((channel.stamp(), joined, body)))

    @property
    def gateways(self) -> Iterable[str]:
        return self._channels.keys()

    def is_subscribed(self, gateway: str) -> bool:
        """A gateway that does not hear the broker yet pulls, and finds by the numbers what it has
        missed."""
        return self._is_open

    def when_subscribed(self, gateway: str, number: int, then: Callable[[bool], None]) -> None:
        self.meet(gateway)
        then(self._is_open)

    @property
    def problem(self) -> str:
        if not self._senders or self._outage.since is None:
            return ""  # without gateways there may be no connection, and nothing to be carried
        return "the broker of the queue is away; gateways pull instead"

    async def drain(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                for sender in tuple(self._senders):
                    await sender.is_idle.wait()
        except TimeoutError:
            pass  # gateways pull when they see that the node has gone

    def close(self) -> None:
        self._is_open = False
        for sender in self._senders:
            sender.cancel()


class BrokerSubscriber:
    """``Subscriber`` over a broker. The messages of one turn of the loop are handed on together."""

    is_shared = True

    def __init__(self, loop: asyncio.AbstractEventLoop, broker: Broker, gateway: str) -> None:
        self._loop = loop
        self._broker = broker
        self._channel = broker.channel(gateway)
        self._numbers = HeardNumbers()
        self._splits = TopicSplits()
        self._frames: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._problem = ""
        self.is_heard = False
        """True while the subscription stands, for all that is known here."""

    def open(
        self, context: Context, uris: Iterable[str], on_messages: OnMessages, on_missed: OnMissed
    ) -> None:
        self._on_messages, self._on_missed = on_messages, on_missed
        self._task = self._loop.create_task(
            keep_connected(self._broker.connect, self._listen, self._failed), name="queue listener"
        )

    async def _listen(self, connection: Connection) -> None:
        await connection.listen(self._channel, self._on_frame, self._on_begun)

    def _failed(self, error: Unavailable) -> None:
        self.is_heard = False
        self._problem = error.explained

    def _on_begun(self) -> None:
        """Messages published while nobody was subscribed are lost. The next numbers would say so,
        but those of a node that has nothing to say come late."""
        self.is_heard = True
        self._problem = ""
        for started_at_us in self._numbers.publishers:
            self._on_missed(started_at_us)

    def _on_frame(self, frame: bytes) -> None:
        if not self._frames:
            self._loop.call_soon(self._flush)
        self._frames.append(frame)

    def _flush(self) -> None:
        frames, self._frames = self._frames, []
        if self._task is None:
            return
        messages: list[QueueMessage] = []
        missed: set[int] = set()
        for frame in frames:
            if len(frame) < STAMP_BYTES + 4:
                continue  # none of ours
            stamp = frame[:STAMP_BYTES]
            joined, body = cut(frame, STAMP_BYTES)
            messages.append(QueueMessage(self._splits.split(joined), body))
            if self._numbers.own(stamp):
                missed.add(publisher_of(stamp))
        self._on_messages(messages)
        for started_at_us in missed:
            self._on_missed(started_at_us)

    def connect(self, uri: str) -> None:
        """Every node publishes to the broker."""

    def disconnect(self, uri: str) -> None:
        """A node that is told no topics publishes none."""

    def subscribe(self, topic: bytes) -> None:
        """The channel brings every topic."""

    def unsubscribe(self, topic: bytes) -> None:
        """The nodes are told by calls."""

    def mark(self, number: int) -> None:
        """Nothing is under way that could be marked."""

    def forget(self, started_at_us: int) -> None:
        self._numbers.forget(started_at_us)

    @property
    def problem(self) -> str:
        return self._problem

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
