"""ConnectionManager: which stream belongs to which connection and topic, from Hello to the end.

A stream is known by its connection's routing id (never shown to anybody, never trusted as an identity) and by its topic. The default
node's cache gets the same facts for operators to look at.
"""

import random
from collections.abc import Callable
from functools import partial

import structlog

from chatd.core.ids import signals_of, topic_of
from chatd.core.model import StreamKey
from chatd.core.stream import DeviceStream
from chatd.errors import ChatdError, Superseded
from chatd.gateway.authentication import Identity
from chatd.gateway.backend import Backend
from chatd.pb.gateway.v1.gateway_pb2 import Hello
from chatd.pb.node.v1.node_pb2 import CloseStream, CloseStreamsRequest, OpenStream, OpenStreamsRequest, OpenStreamsResponse

log = structlog.get_logger()

MAX_CLIENT = 128
"""Characters kept of what a client calls itself."""


class ClientConnection:
    """One client connection: how to reach it, and its stream if it has one."""

    __slots__ = (
        "delimiter",
        "frames_at",
        "frames_left",
        "heard_at",
        "identity",
        "note_at",
        "opening",
        "repair_at",
        "retry_jitter",
        "routing_id",
        "stream",
        "topic",
        "wants_signals",
    )

    def __init__(self, routing_id: bytes, now: float) -> None:
        self.routing_id = routing_id
        self.delimiter = False
        self.identity: Identity | None = None
        self.heard_at = now
        self.frames_left = 0
        self.frames_at = 0.0
        self.repair_at = 0.0
        self.note_at = 0.0
        self.retry_jitter = random.uniform(0.8, 1.2)
        """Factor of this peer's retry times: what failed together is not sent again together."""
        self.opening: PendingHello | None = None
        self.stream: DeviceStream | None = None
        self.topic = b""
        self.wants_signals = False


class PendingHello:
    """A Hello that waits for its epoch."""

    __slots__ = ("device_id", "hello", "identity", "new_device", "peer", "window_bytes", "window_messages")

    def __init__(self, peer: ClientConnection, identity: Identity, device_id: str, hello: Hello, *, window: tuple[int, int]) -> None:
        self.peer = peer
        self.identity = identity
        self.device_id = device_id
        self.hello = hello
        self.window_messages, self.window_bytes = window
        self.new_device = False


class ConnectionManager:
    """Registers and unregisters streams; batches of one turn of the loop go to the default node as one call."""

    def __init__(
        self,
        backend: Backend,
        *,
        gateway_id: str,
        subscribe: Callable[[bytes], None],
        unsubscribe: Callable[[bytes], None],
        on_open: Callable[[PendingHello], None],
        on_failed: Callable[[ClientConnection], None],
        on_ended: Callable[[ClientConnection], None],
        end: Callable[[ClientConnection, ChatdError], None],
        per_device: int,
    ) -> None:
        self._backend = backend
        self._gateway_id = gateway_id
        self._subscribe = subscribe
        self._unsubscribe = unsubscribe
        self._on_open = on_open
        self._on_failed = on_failed
        self._on_ended = on_ended
        self._end = end
        self._per_device = per_device
        self._of_device: dict[bytes, list[ClientConnection]] = {}  # the oldest first
        self._opening: list[PendingHello] = []
        self._closed: list[StreamKey] = []
        self.peers: dict[bytes, ClientConnection] = {}
        """Connections with a stream or on the way to one, by routing id."""
        self.streams: dict[bytes, ClientConnection] = {}
        """The same, by topic; only open ones."""

    def open(self, opening: PendingHello) -> None:
        """Register with the next ``flush``. A device that has too many connections under way loses the oldest: a storm of logins costs the
        database no more than those."""
        peer = opening.peer
        self._let_go(peer)
        peer.opening = opening
        peer.topic = topic_of(opening.identity.profile_id, opening.device_id)
        self.peers[peer.routing_id] = peer
        self._opening.append(opening)
        mine = self._of_device.setdefault(peer.topic, [])
        mine.append(peer)
        if len(mine) > self._per_device:
            self._end(mine[0], Superseded("newer connections of this device have taken its place"))

    def _let_go(self, peer: ClientConnection) -> None:
        mine = self._of_device.get(peer.topic)
        if mine is not None and peer in mine:
            mine.remove(peer)
            if not mine:
                del self._of_device[peer.topic]

    def flush(self) -> None:
        """Hand over what has gathered since the last call."""
        if self._closed:
            ended, self._closed = self._closed, []
            request = CloseStreamsRequest(
                streams=[CloseStream(profile_id=key.profile_id, device_id=key.device_id, epoch=key.epoch) for key in ended]
            )
            self._backend.call("NodeService/CloseStreams", request, self._on_forgotten, affinity=self._gateway_id)
        if self._opening:
            batch, self._opening = [one for one in self._opening if one.peer.opening is one], []
        else:
            batch = []
        if batch:
            opens = OpenStreamsRequest(
                gateway_id=self._gateway_id,
                streams=[
                    OpenStream(profile_id=one.identity.profile_id, device_id=one.device_id, client=one.hello.client[:MAX_CLIENT])
                    for one in batch
                ],
            )
            self._backend.call("NodeService/OpenStreams", opens, partial(self._opened, batch), affinity=self._gateway_id)

    def _on_forgotten(self, payload: bytes, error: ChatdError | None) -> None:
        if error is not None:
            # The registration grows stale until the device's next Hello replaces it; nothing else depends on it.
            log.warning("Ended streams could not be unregistered", error=str(error))

    def _opened(self, batch: list[PendingHello], payload: bytes, error: ChatdError | None) -> None:
        opened = OpenStreamsResponse.FromString(payload) if error is None else OpenStreamsResponse(epochs=[0] * len(batch))
        for index in opened.new_devices:
            batch[index].new_device = True
        for opening, epoch in zip(batch, opened.epochs, strict=True):
            peer = opening.peer
            if peer.opening is not opening:
                self._closed.append(StreamKey(opening.identity.profile_id, opening.device_id, epoch))
                continue  # it left, or said Hello again, meanwhile
            peer.opening = None
            if error is not None:
                self._end(peer, error)
                continue
            self._register(opening, epoch)

    def _register(self, opening: PendingHello, epoch: int) -> None:
        peer = opening.peer
        key = StreamKey(opening.identity.profile_id, opening.device_id, epoch)
        peer.identity = opening.identity
        peer.stream = DeviceStream(
            key, window_messages=opening.window_messages, window_bytes=opening.window_bytes, plain=not opening.hello.accept_zstd
        )
        older = self.streams.get(peer.topic)
        self.streams[peer.topic] = peer
        if older is None:
            # One subscription a topic: the default nodes count them.
            self._subscribe(peer.topic)
        else:
            self._end(older, Superseded("a newer stream of this device is open"))
        peer.wants_signals = opening.hello.want_signals
        if peer.wants_signals:
            self._subscribe(signals_of(peer.topic))
        self._on_open(opening)

    def record_failure(self, profile_id: str, device_id: str) -> None:
        """A device says Hello whose stream was thought to live: what was in flight on it may be what ended it."""
        older = self.streams.get(topic_of(profile_id, device_id))
        if older is not None and older.stream is not None and older.stream.oldest_failed(send_again=False):
            self._on_failed(older)

    def forget(self, peer: ClientConnection, *, failed: bool) -> None:
        """The stream, or what was to become one, has ended. The connection itself may live on. ``failed``: the oldest delivery in flight was
        not taken."""
        self.peers.pop(peer.routing_id, None)
        self._let_go(peer)
        peer.opening = None
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
