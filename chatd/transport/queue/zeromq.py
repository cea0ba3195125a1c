"""The queue over ZeroMQ: an XPUB socket at each node, one SUB socket at each gateway connected to
all of them.

Topics are subscriptions. A gateway also subscribes to its own topic, by which messages for several
of its topics travel as one frame. ``mark`` subscribes to a topic made of the instance and the
number, a fence, and ends that subscription at once. libzmq sends the subscriptions of one
connection in the order in which they were made, so a node that sees a fence has seen all that were
made before it. When a connection is made (again) the SUB sends all subscriptions it holds, in an
order of its own; a fence is never among them.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence

from chatd.core.address import Address
from chatd.core.counter import Counter
from chatd.core.subscribed import Subscribed
from chatd.transport.pump import Message, Pump
from chatd.transport.queue import OnGateway, OnMessages, QueueMessage
from chatd.transport.queue.subscriptions import FENCE, OWN, GrantedSubscriptions
from chatd.transport.sockets import Context, bind_xpub, connect_also, connect_sub, endpoint, is_encrypted

_END = re.compile(rb"[\0-\x1f]")
"""Ids hold no control characters: the first one ends the topic."""
SPLITS_KEPT = 16 * 1_048_576
"""Bytes of joined topics whose parts are kept at a gateway: a room of a thousand devices has about
25 KB."""


def _own_topic(gateway: str) -> bytes:
    return OWN + gateway.encode() + b"\0"


class ZeroMQPublisher:
    """``Publisher`` over an XPUB socket; at its high-water mark it drops messages for the gateway
    that does not keep up.

    XPUB_VERBOSER shows each connection's subscriptions, repeated ones too: a gateway that
    reconnects before its old connection is known to be dead is noticed only by that. Where
    connections are encrypted XPUB_MANUAL does that too, and each subscription is granted.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.refused = Counter("topics_refused", "subscriptions of gateways that were refused")
        self._pump: Pump | None = None
        self._own: dict[str, bytes] = {}
        self._subscribed = Subscribed()

    def open(self, context: Context, uri: str, on_gateway: OnGateway) -> str:
        self._on_gateway = on_gateway
        xpub = bind_xpub(context, uri)
        granted = GrantedSubscriptions(xpub, self.refused).receive if is_encrypted(uri) else None
        self._pump = Pump(self._loop, xpub, self._on_subscriptions, frames=1, receive=granted)
        return endpoint(xpub)

    def publish(self, topic: bytes, gateways: Sequence[str], body: bytes) -> None:
        if self._pump is not None:
            self._pump.publish(topic + body)

    def publish_to(self, gateway: str, joined: bytes, body: bytes) -> None:
        own = self._own.get(gateway)
        if own is not None and self._pump is not None:
            self._pump.publish(b"".join((own, joined, body)))

    def is_subscribed(self, gateway: str) -> bool:
        return gateway in self._subscribed

    def when_subscribed(self, gateway: str, number: int, then: Callable[[bool], None]) -> None:
        self._subscribed.when(gateway, number, then)

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
            self._own[gateway] = _own_topic(gateway)
            self._subscribed.come(gateway)
            self._on_gateway(gateway, True)
        elif self._subscribed.go(gateway):
            self._own.pop(gateway, None)
            self._on_gateway(gateway, False)

    def _on_fence(self, name: str) -> None:
        gateway, _, digits = name.rpartition(":")
        if digits.isdecimal():
            self._subscribed.fence(gateway, int(digits))


class ZeroMQSubscriber:
    """``Subscriber`` over a SUB socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop, gateway: str) -> None:
        self._loop = loop
        self._gateway = gateway
        self._own = _own_topic(gateway)
        self._pump: Pump | None = None
        self._splits: dict[bytes, tuple[bytes, ...]] = {}
        self._splits_size = 0

    def open(self, context: Context, uris: Iterable[str], on_messages: OnMessages) -> None:
        self._context, self._on_messages = context, on_messages
        sub = connect_sub(context, uris)
        sub.subscribe(self._own)
        self._pump = Pump(self._loop, sub, self._on_frames, frames=1)

    @property
    def _open(self) -> Pump:
        assert self._pump is not None, "not opened yet"
        return self._pump

    def connect(self, uri: str) -> None:
        connect_also(self._context, self._open.socket, uri)

    def disconnect(self, uri: str) -> None:
        self._open.socket.disconnect(Address.parse(uri).endpoint)

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

    def close(self) -> None:
        if self._pump is not None:
            self._pump.close()

    def _on_frames(self, batch: list[Message]) -> None:
        own, size = self._own, len(self._own)
        messages: list[QueueMessage] = []
        for (frame,) in batch:
            if frame.startswith(own):
                end = size + 4 + int.from_bytes(frame[size : size + 4], "big")
                messages.append(QueueMessage(self._split(frame[size + 4 : end]), frame[end:]))
                continue
            found = _END.search(frame)
            if found is not None:
                messages.append(QueueMessage((frame[: found.end()],), frame[found.end() :]))
        self._on_messages(messages)

    def _split(self, joined: bytes) -> tuple[bytes, ...]:
        """The topics, the same tuple each time while it is kept."""
        topics = self._splits.get(joined)
        if topics is None:
            self._splits_size += len(joined)
            if self._splits_size > SPLITS_KEPT:
                self._splits.clear()
                self._splits_size = len(joined)
            topics = self._splits[joined] = split_topics(joined)
        return topics


def split_topics(joined: bytes) -> tuple[bytes, ...]:
    """Topics that were joined; each ends with its control character."""
    topics, start = [], 0
    for found in _END.finditer(joined):
        topics.append(joined[start : found.end()])
        start = found.end()
    return tuple(topics)
