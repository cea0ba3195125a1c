"""ConnectionManager: which stream belongs to which connection and topic, from Hello to the end.

The default node's cache gets the same facts for operators to look at.
"""

import random
from collections.abc import Callable

import structlog

from chatd.core.counter import Counter
from chatd.core.ids import signals_of, topic_of
from chatd.core.model import StreamKey
from chatd.core.outage import OneCause, Outage
from chatd.core.stream import DeviceStream
from chatd.errors import ChatdError
from chatd.gateway.authentication.identity import Identity
from chatd.gateway.backend import NodeCalls
from chatd.gateway.link import Link
from chatd.pb.gateway.v1.gateway_pb2 import Hello, Shown
from chatd.pb.node.v1.node_pb2 import CloseStream, CloseStreamsRequest

log = structlog.get_logger()


class ClientConnection:
    """One client connection and its stream, if it has one. Times in seconds of the loop's clock.

    Each field has one writer: ``heard_at`` the front; ``identity``, ``opening``, ``stream``,
    ``hello_id``, ``ordinal``, ``topic`` and ``wants_signals`` ConnectionManager; ``caller``,
    ``frames_left`` and ``frames_at`` Admission and its RateLimits; ``repair_at`` StreamTimeouts;
    ``touch_at`` and ``said_bye`` GatewayServer, ``timed_delivery`` and ``timed_at`` AckTimes, until
    a new Hello. ``link`` and ``retry_jitter`` stay.
    """

    __slots__ = (
        "caller",
        "frames_at",
        "frames_left",
        "heard_at",
        "hello_id",
        "identity",
        "link",
        "opening",
        "ordinal",
        "repair_at",
        "retry_jitter",
        "said_bye",
        "stream",
        "timed_at",
        "timed_delivery",
        "topic",
        "touch_at",
        "wants_signals",
    )

    def __init__(self, link: Link, now: float) -> None:
        self.link = link
        self.caller: Identity | None = None
        """The identity of the last good token that came over it."""
        self.identity: Identity | None = None
        self.heard_at = now
        self.frames_left = 0
        self.frames_at = 0.0
        self.repair_at = 0.0
        self.touch_at = 0.0
        """When operators are to be shown again that the device lives; 0.0: no heartbeat has come
        yet."""
        self.retry_jitter = random.uniform(0.8, 1.2)
        """Factor of this connection's retry times: deliveries that failed together are not sent
        again together."""
        self.timed_delivery = 0
        """The delivery whose ack is timed, counted from 1; 0: none is."""
        self.timed_at = 0.0
        self.said_bye = False
        self.opening: PendingHello | None = None
        self.hello_id = 0
        """The client's number of the Hello that opened the stream, or is to open one."""
        self.ordinal = 0
        """``Hello.ordinal`` of the same Hello."""
        self.stream: DeviceStream | None = None
        self.topic = b""
        self.wants_signals = False

    @property
    def device_id(self) -> str:
        """The device of the stream, or of the one on the way; empty without either."""
        if self.opening is not None:
            return self.opening.device_id
        return "" if self.stream is None else self.stream.key.device_id

    @property
    def is_open(self) -> bool:
        """True with a stream, or on the way to one."""
        return self.stream is not None or self.opening is not None

    def has_replaced(self, epoch: int) -> bool:
        """True if a frame that names this epoch (0: none) is for a stream which the connection's
        own, or the one on the way, has replaced."""
        if not epoch or not self.is_open:
            return False
        return self.stream is None or self.stream.key.epoch != epoch


class PendingHello:
    """A Hello that waits for its epoch."""

    __slots__ = ("device_id", "hello", "identity", "peer", "shown", "window_bytes", "window_messages")

    def __init__(
        self,
        peer: ClientConnection,
        identity: Identity,
        device_id: str,
        hello: Hello,
        *,
        window: tuple[int, int],
        shown: Shown | None = None,
    ) -> None:
        self.peer = peer
        self.identity = identity
        self.device_id = device_id
        self.hello = hello
        self.shown = shown
        self.window_messages, self.window_bytes = window


class ConnectionManager:
    """Registers and unregisters streams. ``on_failed`` is told of streams whose oldest delivery was
    not taken, ``on_ended`` of all that end."""

    def __init__(
        self,
        calls: NodeCalls,
        *,
        gateway_id: str,
        subscribe: Callable[[bytes], None],
        unsubscribe: Callable[[bytes], None],
        on_failed: Callable[[ClientConnection], None],
        on_ended: Callable[[ClientConnection], None],
        per_device: int,
        now: Callable[[], float],
        cause: OneCause | None = None,
    ) -> None:
        self._outage = Outage(
            log,
            "Ended streams cannot be unregistered",
            "Ended streams are unregistered again",
            now=now,
            cause=cause,
        )
        self._calls = calls
        self._gateway_id = gateway_id
        self._subscribe = subscribe
        self._unsubscribe = unsubscribe
        self._on_failed = on_failed
        self._on_ended = on_ended
        self._per_device = per_device
        self._of_device: dict[bytes, list[ClientConnection]] = {}  # the oldest first
        self._closed: list[StreamKey] = []
        self.peers: dict[ClientConnection, None] = {}
        """Connections with a stream or on the way to one; the oldest first."""
        self.streams: dict[bytes, ClientConnection] = {}
        """Connections with a stream, by topic."""
        self.opened = Counter("streams_opened", "streams opened")

    def is_overtaken(self, opening: PendingHello) -> bool:
        """True if the device has a later Hello here: this one ends no stream."""
        topic = topic_of(opening.identity.profile_id, opening.device_id)
        newest = max((one.ordinal for one in self._of_device.get(topic, ())), default=0)
        return 0 < opening.hello.ordinal < newest

    def expect(self, opening: PendingHello) -> ClientConnection | None:
        """A stream is on its way. A device that has too many connections under way loses the
        oldest, or this one if it is overtaken. That is returned to be ended: a storm of logins
        costs the database no more than those."""
        peer = opening.peer
        overtaken = self.is_overtaken(opening)
        self._let_go(peer)
        peer.opening = opening
        peer.hello_id = opening.hello.hello_id
        peer.ordinal = opening.hello.ordinal
        peer.said_bye = False
        peer.topic = topic_of(opening.identity.profile_id, opening.device_id)
        self.peers[peer] = None
        mine = self._of_device.setdefault(peer.topic, [])
        mine.append(peer)
        if len(mine) <= self._per_device:
            return None
        return peer if overtaken else mine[0]

    def _let_go(self, peer: ClientConnection) -> None:
        mine = self._of_device.get(peer.topic)
        if mine is not None and peer in mine:
            mine.remove(peer)
            if not mine:
                del self._of_device[peer.topic]

    def has_newer(self, topic: bytes, epoch: int, log: str) -> bool:
        """True if the device has a stream of a newer epoch in this log: two nodes, or one that was
        asked again, may answer its Hellos in another order than they give epochs."""
        current = self.streams.get(topic)
        return (
            current is not None
            and current.stream is not None
            and current.stream.log == log
            and current.stream.key.epoch > epoch
        )

    def register(self, opening: PendingHello, epoch: int, log: str) -> ClientConnection | None:
        """The stream has its epoch, in the log of this name. Returns the connection that had the
        device's stream before, to be ended."""
        peer = opening.peer
        peer.opening = None
        peer.identity = opening.identity
        peer.stream = DeviceStream(
            StreamKey(opening.identity.profile_id, opening.device_id, epoch),
            window_messages=opening.window_messages,
            window_bytes=opening.window_bytes,
            plain=not opening.hello.accept_zstd,
            log=log,
        )
        self.opened.add()
        older = self.streams.get(peer.topic)
        self.streams[peer.topic] = peer
        if older is None:
            self._subscribe(peer.topic)
        peer.wants_signals = opening.hello.want_signals
        if peer.wants_signals:
            self._subscribe(signals_of(peer.topic))
        return older

    def authorise(self, peer: ClientConnection, identity: Identity) -> None:
        """The stream, or the one on the way, goes on with these rights."""
        if peer.opening is not None:
            peer.opening.identity = identity
        else:
            peer.identity = identity

    def unwanted(self, opening: PendingHello, epoch: int) -> None:
        """The stream has its epoch, and its connection has left, or said Hello again, meanwhile."""
        self._closed.append(StreamKey(opening.identity.profile_id, opening.device_id, epoch))

    def record_failure(self, opening: PendingHello) -> None:
        """A device says Hello whose stream was thought to live: its oldest delivery in flight may
        be what ended it. A Hello that is overtaken says nothing about it."""
        if self.is_overtaken(opening):
            return
        older = self.streams.get(topic_of(opening.identity.profile_id, opening.device_id))
        if older is not None and older.stream is not None and older.stream.oldest_failed(send_again=False):
            self._on_failed(older)

    def forget(self, peer: ClientConnection, *, failed: bool) -> None:
        """The stream, or the Hello on its way to one, has ended. The connection itself may live on.
        ``failed``: the oldest delivery in flight was not taken."""
        self.peers.pop(peer, None)
        self._let_go(peer)
        peer.opening = peer.identity = None  # calls of its next stream are not the last one's
        peer.hello_id = peer.ordinal = peer.timed_delivery = 0
        if peer.stream is None:
            return
        if self.streams.get(peer.topic) is peer:
            del self.streams[peer.topic]
            self._unsubscribe(peer.topic)
        if peer.wants_signals:
            peer.wants_signals = False
            self._unsubscribe(signals_of(peer.topic))
        self._on_ended(peer)
        self._closed.append(peer.stream.key)
        if failed and peer.stream.oldest_failed(send_again=False):
            self._on_failed(peer)
        peer.stream.close()
        peer.stream = None

    def flush(self) -> None:
        """Unregister the streams that have ended since the last call."""
        if self._closed:
            ended, self._closed = self._closed, []
            request = CloseStreamsRequest(
                streams=[
                    CloseStream(profile_id=key.profile_id, device_id=key.device_id, epoch=key.epoch)
                    for key in ended
                ]
            )
            self._calls.call("NodeService/CloseStreams", request, self._on_closed, affinity=self._gateway_id)

    def _on_closed(self, payload: bytes, error: ChatdError | None) -> None:
        if error is None:
            self._outage.worked()
        else:
            # The registration grows stale until the device's next Hello replaces it; nothing else
            # depends on it.
            self._outage.failed(error)
