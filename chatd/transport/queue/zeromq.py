"""The queue over ZeroMQ: an XPUB socket at each node, one SUB socket at each gateway connected to
all of them.

Topics are subscriptions. A gateway also subscribes to its own topic, by which messages for several
of its topics travel as one frame. So do those for one topic which several gateways want, since
each has another number for them, or whose subscription may still be on its way.

``mark`` subscribes to a topic made of the instance and the number, a fence, and ends that
subscription at once. libzmq sends the subscriptions of one connection in the order in which they
were made, so a node that sees a fence has seen all that were made before it. When a connection is
made (again) the SUB sends all subscriptions it holds, in an order of its own; a fence is never
among them.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from chatd.core.address import Address
from chatd.core.channel_numbers import STAMP_BYTES, HeardNumbers, SentNumbers, publisher_of
from chatd.core.counter import Counter
from chatd.core.subscribed import Subscribed
from chatd.transport.pump import Message, Pump
from chatd.transport.queue import OnGateway, OnMessages, OnMissed, QueueMessage, SendFrame
from chatd.transport.queue.joined import END, TopicSplits, cut, join_topics
from chatd.transport.queue.subscriptions import FENCE, OWN, GrantedSubscriptions
from chatd.transport.sockets import Context, bind_xpub, connect_also, connect_sub, endpoint, is_encrypted


def _own_topic(gateway: str) -> bytes:
    return OWN + gateway.encode() + b"\0"


class _Channel:
    """To one gateway: its own topic, and the numbers of what is published to it."""

    __slots__ = ("own", "stamp")

    def __init__(self, gateway: str, started_at_us: int) -> None:
        self.own = _own_topic(gateway)
        self.stamp = SentNumbers(started_at_us).stamp


class ZeroMQPublisher:
    """``Publisher`` over an XPUB socket; at its high-water mark it drops messages for the gateway
    that does not keep up. ``started_at_us`` names this process; ``seam`` stands between it and the
    socket.

    XPUB_VERBOSER shows each connection's subscriptions, repeated ones too: a gateway that
    reconnects before its old connection is known to be dead is noticed only by that. Where
    connections are encrypted XPUB_MANUAL does that too, and each subscription is granted.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        started_at_us: int,
        seam: Callable[[SendFrame], SendFrame] = lambda send: send,
    ) -> None:
        self._loop = loop
        self._started_at_us = started_at_us
        self._seam = seam
        self._refused = Counter("topics_refused", "subscriptions of gateways that were refused")
        self.counters = (self._refused,)
        self._pump: Pump | None = None
        self._channels: dict[str, _Channel] = {}
        self._subscribed = Subscribed()

    def open(self, context: Context, uri: str, on_gateway: OnGateway) -> str:
        self._on_gateway = on_gateway
        xpub = bind_xpub(context, uri)
        granted = GrantedSubscriptions(xpub, self._refused).receive if is_encrypted(uri) else None
        self._pump = Pump(self._loop, xpub, self._on_subscriptions, frames=1, receive=granted)
        self._send = self._seam(self._pump.publish)
        return endpoint(xpub)

    def publish(self, topic: bytes, gateways: Sequence[str], body: bytes) -> None:
        if len(gateways) == 1 and self._subscribed.is_complete(gateways[0]):
            channel = self._channels.get(gateways[0])
            if channel is not None:
                self._send(b"".join((topic, channel.stamp(), body)))
            return
        joined = join_topics((topic,))
        for gateway in gateways:
            self.publish_to(gateway, joined, body)

    def publish_to(self, gateway: str, joined: bytes, body: bytes) -> None:
        channel = self._channels.get(gateway)
        if channel is not None:
            self._send(b"".join((channel.own, channel.stamp(), joined, body)))

    @property
    def gateways(self) -> Iterable[str]:
        return self._channels.keys()

    def is_subscribed(self, gateway: str) -> bool:
        return gateway in self._subscribed

    def when_subscribed(self, gateway: str, number: int, then: Callable[[bool], None]) -> None:
        self._subscribed.when(gateway, number, then)

    def meet(self, gateway: str) -> None:
        """Its subscriptions say so."""

    def forget(self, gateway: str) -> None:
        """Its subscriptions say so."""

    @property
    def problem(self) -> str:
        return ""

    async def drain(self, seconds: float) -> None:
        """``close`` leaves libzmq the time."""

    def close(self) -> None:
        if self._pump is not None:
            self._pump.close(linger_ms=1_000)

    def _on_subscriptions(self, batch: list[Message]) -> None:
        for (message,) in batch:
            there, kind = message[:1] != b"\0", message[1:2]
            try:
                name = message[2:-1].decode()
            except UnicodeDecodeError:
                continue  # no gateway has such a name
            if kind == OWN:
                self._on_own_topic(name, there)
            elif kind == FENCE and there:
                self._on_fence(name)

    def _on_own_topic(self, gateway: str, there: bool) -> None:
        if there:
            if gateway not in self._channels:
                self._channels[gateway] = _Channel(gateway, self._started_at_us)
            self._subscribed.come(gateway)
            self._on_gateway(gateway, True)
        elif self._subscribed.go(gateway):
            self._channels.pop(gateway, None)
            self._on_gateway(gateway, False)

    def _on_fence(self, name: str) -> None:
        gateway, _, digits = name.rpartition(":")
        if digits.isdecimal():
            self._subscribed.fence(gateway, int(digits))


class ZeroMQSubscriber:
    """``Subscriber`` over a SUB socket."""

    is_shared = False

    def __init__(self, loop: asyncio.AbstractEventLoop, gateway: str) -> None:
        self._loop = loop
        self._gateway = gateway
        self._own = _own_topic(gateway)
        self._pump: Pump | None = None
        self._numbers = HeardNumbers()
        self._splits = TopicSplits()

    def open(
        self, context: Context, uris: Iterable[str], on_messages: OnMessages, on_missed: OnMissed
    ) -> None:
        self._context, self._on_messages, self._on_missed = context, on_messages, on_missed
        sub = connect_sub(context, uris)
        sub.subscribe(self._own)
        self._pump = Pump(self._loop, sub, self._on_frames, frames=1)

    @property
    def _open(self) -> Pump:
        assert self._pump is not None, "not opened yet"
        return self._pump

    def connect(self, uri: str) -> None:
        connect_also(self._context, self._open.socket, uri)
        self._open.look_again()

    def disconnect(self, uri: str) -> None:
        self._open.socket.disconnect(Address.parse(uri).endpoint)
        self._open.look_again()

    def subscribe(self, topic: bytes) -> None:
        self._open.socket.subscribe(topic)

    def unsubscribe(self, topic: bytes) -> None:
        self._open.socket.unsubscribe(topic)

    def mark(self, number: int) -> None:
        fence = FENCE + f"{self._gateway}:{number}".encode() + b"\0"
        # Nothing may happen on the socket in between: a connection that is made then would send the
        # fence among all other subscriptions.
        self._open.socket.subscribe(fence)
        self._open.socket.unsubscribe(fence)

    def forget(self, started_at_us: int) -> None:
        self._numbers.forget(started_at_us)

    @property
    def problem(self) -> str:
        return ""

    def close(self) -> None:
        if self._pump is not None:
            self._pump.close()

    def _on_frames(self, batch: list[Message]) -> None:
        own, size = self._own, len(self._own)
        numbers = self._numbers
        messages: list[QueueMessage] = []
        missed: set[int] = set()
        for (frame,) in batch:
            if frame.startswith(own):
                at = size + STAMP_BYTES
                stamp = frame[size:at]
                joined, body = cut(frame, at)
                messages.append(QueueMessage(self._splits.split(joined), body))
                is_hole = numbers.own(stamp)
            else:
                found = END.search(frame)
                if found is None:
                    continue
                end = found.end() + STAMP_BYTES
                stamp = frame[found.end() : end]
                messages.append(QueueMessage((frame[: found.end()],), frame[end:]))
                is_hole = numbers.other(stamp)
            if is_hole:
                missed.add(publisher_of(stamp))
        self._on_messages(messages)
        for publisher in missed:
            self._on_missed(publisher)
