"""GatewayServer: what devices say, frame by frame. The stages around it do the rest:

ConnectionManager (who is connected) · LiveDelivery (queue → device) · CatchUp (outbox → device) · AckFlush (device → outbox)
· StreamTimeouts (time) · DeviceSender (everything sent) · Backend (calls to default nodes).
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from google.protobuf.message import DecodeError

from chatd.core.ids import check_id
from chatd.core.rate_limit import Rate
from chatd.core.stream import DeviceStream
from chatd.errors import (
    ChatdError,
    Draining,
    FrameTooLarge,
    InvalidArgument,
    MalformedFrame,
    NoStream,
    UnknownFrame,
    UnknownMethod,
    UnsupportedVersion,
)
from chatd.gateway.ack_flush import AckFlush
from chatd.gateway.admission import Admission
from chatd.gateway.authentication import Identity, TokenTable
from chatd.gateway.backend import Backend, OnReply
from chatd.gateway.catch_up import CatchUp
from chatd.gateway.connection import ClientConnection, ConnectionManager, PendingHello
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.discovery import Discovery
from chatd.gateway.doorkeeper import DoorSettings
from chatd.gateway.live_delivery import LiveDelivery
from chatd.gateway.presence import GatewayPresence
from chatd.gateway.rate_limits import RateSettings
from chatd.gateway.stream_timeouts import StreamTimeouts
from chatd.pb.chat.v1.chat_pb2 import WatchPresenceResponse
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello, RpcRequest, ServerFrame, Welcome
from chatd.pb.node.v1.node_pb2 import DescribeRequest, DescribeResponse
from chatd.transport.pump import Pump
from chatd.transport.sockets import Context, bind_watched_router, connect_sub, endpoint
from chatd.transport.timers import Timers

PROTOCOL_VERSION = 1
MAX_WINDOW_MESSAGES = 65_536
MIN_WINDOW_BYTES = 1024
MAX_WINDOW_BYTES = 16 * 1_048_576
PRESENCE_REPAIR = 1.0
"""Seconds until a watcher that did not keep up is told again."""
DRAIN_SPREAD = 0.8
"""Of the time to drain, so much for sending devices away."""
DRAIN_RATE = 10.0
"""DeviceSender a second, if that is quicker: a few of them are no crowd."""
MAX_REASON = 200


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What a gateway needs to know. Times in seconds."""

    gateway_id: str
    bind_uri: str
    public_uri: str
    """Where devices reach it; empty: where it is bound."""
    connections_per_device: int
    queue_uris: tuple[str, ...]
    node_uris: tuple[str, ...]
    queue_name: str
    heartbeat_interval: float
    window_messages: int
    window_bytes: int
    max_frame_bytes: int
    call_timeout: float
    ack_flush: float
    seen_every: float
    repair_pull: float
    delivery_retry: float
    presence_rate: Rate
    version: str
    nodes_file: Path | None
    """Where default nodes that were found are remembered."""
    rates: RateSettings
    door: DoorSettings


class GatewayServer:
    """One gateway. ``connect`` binds it and begins; ``drain``, then ``close``, end it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: GatewaySettings, tokens: TokenTable) -> None:
        self._loop = loop
        self._settings = settings
        self._admission = Admission(tokens, settings.rates, settings.door)
        self._draining = False
        self._timers = Timers(loop)
        gateway_id = settings.gateway_id
        self._devices = devices = DeviceSender()
        self._introduction = DescribeRequest(gateway_id=gateway_id, version=settings.version, started_at_us=time.time_ns() // 1_000)
        self.backend = Backend(
            loop,
            queue_name=settings.queue_name,
            call_timeout=settings.call_timeout,
            introduction=self._introduction,
            on_described=self._on_described,
        )
        self._discovery = Discovery(settings.node_uris, file=settings.nodes_file, found=self._node_found, lost=self._node_lost)
        self.connections = ConnectionManager(
            self.backend,
            gateway_id=gateway_id,
            subscribe=lambda topic: self._sub.socket.subscribe(topic),
            unsubscribe=lambda topic: self._sub.socket.unsubscribe(topic),
            on_open=self._welcome,
            on_failed=lambda peer: self._acks.acked(peer),
            on_ended=lambda peer: self._presence.ended(peer),
            end=devices.end,
            per_device=settings.connections_per_device,
        )
        self._catch_up = CatchUp(self.backend, gateway_id=gateway_id, send=devices.deliver, end=devices.end, later=loop.call_later)
        self._acks = AckFlush(self.backend, self._catch_up, gateway_id=gateway_id, end=devices.end)
        self._presence = GatewayPresence(
            subscribe=lambda topic: self._sub.socket.subscribe(topic),
            unsubscribe=lambda topic: self._sub.socket.unsubscribe(topic),
            tell=devices.signal,
            rate=settings.presence_rate,
        )
        self._live = LiveDelivery(
            self.connections, self._catch_up, send=devices.deliver, signal=devices.signal, presence=self._presence.heard, end=devices.end
        )
        self._vigil = StreamTimeouts(
            self.connections,
            self._catch_up,
            devices,
            self._acks,
            heartbeat_interval=settings.heartbeat_interval,
            repair_pull=settings.repair_pull,
            delivery_retry=settings.delivery_retry,
        )
        self._handlers: dict[str, Callable[[ClientConnection, ClientFrame], None]] = {
            "hello": self._on_hello,
            "ack": self._on_ack,
            "heartbeat": self._on_heartbeat,
            "bye": self._on_bye,
            "call": self._on_call,
            "reject": self._on_reject,
            "presence": self._on_presence,
        }

    def connect(self, context: Context) -> None:
        """Bind, connect to the default nodes, begin. Raises ConfigError."""
        settings = self._settings
        router, monitor = bind_watched_router(context, settings.bind_uri, max_frame=settings.max_frame_bytes, send_hwm=100_000)
        self.uri = endpoint(router)
        self._sub = Pump(self._loop, connect_sub(context, settings.queue_uris), self._live.on_batch, frames=1)
        self._introduction.gateway_uri = settings.public_uri or self.uri
        self.backend.connect(context, settings.node_uris)
        self._discovery.remember()
        accepted = self._admission.watch(self._loop, router, monitor)
        self._timers.every(self._admission.period, lambda: self._admission.tick(self._loop.time()))
        self._router = Pump(self._loop, router, self._on_batch, strangers=accepted)
        self._devices.bind(self._router, self.connections)
        self._timers.every(settings.ack_flush, self._acks.flush)
        self._timers.every(PRESENCE_REPAIR, self._presence.repair)
        self._timers.every(self._vigil.period, lambda: self._vigil.tick(self._loop.time()))

    def _on_described(self, via: str, description: DescribeResponse) -> None:
        self._discovery.heard(via, description.call_uri, description.nodes, self.backend.is_silent)
        self._devices.elsewhere = tuple(uri for uri in description.gateway_uris if uri != self._introduction.gateway_uri)

    def _node_found(self, call_uri: str, queue_uri: str) -> None:
        self.backend.add(call_uri)
        self._sub.socket.connect(queue_uri)

    def _node_lost(self, call_uri: str, queue_uri: str) -> None:
        self.backend.remove(call_uri)
        self._sub.socket.disconnect(queue_uri)

    def _on_batch(self, batch: list[list[bytes]]) -> None:
        now = self._loop.time()
        for frames in batch:
            peer = self.connections.peers.get(frames[0])
            if peer is None:
                peer = ClientConnection(frames[0], now)
            peer.delimiter = len(frames) == 3 and not frames[1]
            peer.heard_at = now
            try:
                self._on_frame(peer, frames)
            except ChatdError as exc:
                self._refuse(peer, exc, len(frames[-1]))
        self.connections.flush()
        self._catch_up.flush()

    def _on_frame(self, peer: ClientConnection, frames: list[bytes]) -> None:
        if len(frames) != (3 if peer.delimiter else 2):
            raise MalformedFrame(f"a message has one frame, not {len(frames) - 1}")
        if len(frames[-1]) > self._settings.max_frame_bytes:
            raise FrameTooLarge(f"{len(frames[-1])} bytes; the limit is {self._settings.max_frame_bytes}")
        try:
            frame = ClientFrame.FromString(frames[-1])
        except DecodeError as exc:
            raise MalformedFrame("the frame is not a ClientFrame") from exc
        handler = self._handlers.get(frame.WhichOneof("kind") or "")
        if handler is None:
            raise UnknownFrame("no known kind of frame is set")
        handler(peer, frame)

    def _refuse(self, peer: ClientConnection, error: ChatdError, size: int, call_id: int | None = None) -> None:
        """Say so; but who goes on and on loses the connection instead."""
        if not self._admission.may_be_told(peer, size):
            self._devices.end(peer, error)
        elif call_id is None:
            self._devices.refuse(peer, error)
        else:
            self._devices.reply(peer.routing_id, peer.delimiter, call_id, b"", error)

    def _on_hello(self, peer: ClientConnection, frame: ClientFrame) -> None:
        hello = frame.hello
        if self._draining:
            raise Draining("this gateway is stopping; connect elsewhere")
        if hello.version < 1:
            raise UnsupportedVersion(f"version {hello.version}; this gateway speaks 1 to {PROTOCOL_VERSION}")
        identity = self._admission.authenticate(peer, hello.token, hello.profile_id)
        self._admission.limit_frame(peer, identity, hello.ByteSize())
        opening = PendingHello(
            peer,
            identity,
            check_id("device_id", hello.device_id),
            hello,
            window=self._window(hello),
        )
        if peer.stream is not None:
            self.connections.forget(peer, failed=True)
        self.connections.record_failure(identity.profile_id, hello.device_id)
        # An older stream's last acks are written before the new one reads its cursors.
        self._acks.flush()
        self.connections.open(opening)

    def _window(self, hello: Hello) -> tuple[int, int]:
        messages = hello.window_messages or self._settings.window_messages
        size = hello.window_bytes or self._settings.window_bytes
        return min(messages, MAX_WINDOW_MESSAGES), max(MIN_WINDOW_BYTES, min(size, MAX_WINDOW_BYTES))

    def _welcome(self, opening: PendingHello) -> None:
        stream = opening.peer.stream
        assert stream is not None
        welcome = Welcome(
            epoch=stream.key.epoch,
            profile_id=stream.key.profile_id,
            device_id=stream.key.device_id,
            heartbeat_interval_ms=round(self._settings.heartbeat_interval * 1000),
            window_messages=opening.window_messages,
            window_bytes=opening.window_bytes,
            version=min(opening.hello.version, PROTOCOL_VERSION),
            gateway_id=self._settings.gateway_id,
            new_device=opening.new_device,
            gateways=self._devices.elsewhere,
        )
        self._devices.send(opening.peer, ServerFrame(welcome=welcome).SerializeToString())
        if opening.peer.stream is not None:
            self._presence.opened(opening.peer, opening.hello.presence)
        self._catch_up.want(opening.peer)
        self._catch_up.flush()

    def _on_ack(self, peer: ClientConnection, frame: ClientFrame) -> None:
        stream = peer.stream
        if stream is None:
            raise NoStream("ack without a stream")
        self._admission.limit_acks(peer)
        stream.ack(frame.ack.up_to)
        self._acks.acked(peer)
        if stream.wants_pull:
            self._catch_up.want(peer)

    def _on_reject(self, peer: ClientConnection, frame: ClientFrame) -> None:
        if peer.stream is None:
            raise NoStream("reject without a stream")
        self._admission.limit_frame(peer, peer.identity, frame.ByteSize())
        reason = "".join(char if char.isprintable() else " " for char in frame.reject.reason[:MAX_REASON])
        peer.stream.reject(frame.reject.delivery, reason)
        self._acks.acked(peer)

    def _on_presence(self, peer: ClientConnection, frame: ClientFrame) -> None:
        if peer.stream is None:
            raise NoStream("presence without a stream")
        self._presence.change(peer, frame.presence.state, self._loop.time())

    def _on_heartbeat(self, peer: ClientConnection, frame: ClientFrame) -> None:
        if peer.stream is None and peer.opening is None:
            raise NoStream("heartbeat without a stream")
        self._admission.limit_acks(peer)
        if not peer.note_at:
            peer.note_at = peer.heard_at + self._settings.seen_every * random.random()  # its Hello has been noted
        elif peer.heard_at >= peer.note_at:
            peer.note_at = peer.heard_at + self._settings.seen_every
            self._acks.alive(peer)
        self._devices.send(peer, ServerFrame(heartbeat=frame.heartbeat).SerializeToString())

    def _on_bye(self, peer: ClientConnection, frame: ClientFrame) -> None:
        if peer.stream is None:
            raise NoStream("bye without a stream")
        self._acks.flush_one(peer, partial(self._said_bye, peer))

    def _said_bye(self, peer: ClientConnection) -> None:
        self._devices.end(peer, None)
        self.connections.flush()

    def _on_call(self, peer: ClientConnection, frame: ClientFrame) -> None:
        call = frame.call
        on_reply = partial(self._devices.reply, peer.routing_id, peer.delimiter, call.call_id)
        try:
            identity = self._caller(peer, call)
            self._admission.limit_call(peer, identity, call)
        except ChatdError as exc:
            self._refuse(peer, exc, len(call.payload), call.call_id)
            return
        if call.method == "ChatService/WatchPresence":
            if peer.stream is None:
                on_reply(b"", InvalidArgument("only a connection with an open stream can watch"))
                return
            on_reply = partial(self._watched, peer, peer.stream, on_reply)
        affinity = call.affinity or identity.profile_id
        self.backend.forward(call.method, call.payload, identity.to_caller(), on_reply, affinity=affinity)

    def _watched(self, peer: ClientConnection, stream: DeviceStream, on_reply: OnReply, payload: bytes, error: ChatdError | None) -> None:
        """A node has said whom the stream may watch."""
        if error is None and peer.stream is stream:
            self._presence.watch(peer, {one.profile_id for one in WatchPresenceResponse.FromString(payload).presences})
        on_reply(payload, error)

    def _caller(self, peer: ClientConnection, call: RpcRequest) -> Identity:
        if call.method.startswith("NodeService/"):
            raise UnknownMethod("NodeService is not for clients")
        if not call.token and peer.identity is not None and call.profile_id in ("", peer.identity.profile_id):
            return peer.identity
        return self._admission.authenticate(peer, call.token, call.profile_id)

    async def drain(self, seconds: float) -> None:
        """Send the devices away: spread over ``seconds`` when there are other gateways to take them, else at once. Each stream's acks are written
        before it is told. Then wait for calls under way, at most until ``seconds`` are over."""
        self._draining = self._introduction.draining = True
        started = self._loop.time()
        peers = list(self.connections.peers.values())
        random.shuffle(peers)
        spread = min(seconds * DRAIN_SPREAD, len(peers) / DRAIN_RATE) if self._devices.elsewhere else 0.0
        for number, peer in enumerate(peers):
            while (left := started + spread * number / len(peers) - self._loop.time()) > 0:
                await asyncio.sleep(min(left, 0.05))
            self._acks.flush_one(peer, partial(self._send_away, peer))
        self._acks.flush()
        while self.backend.waiting and self.backend.ready and self._loop.time() < started + seconds:
            await asyncio.sleep(0.01)
        # Whoever has no node to write his acks, or came in between.
        for peer in list(self.connections.peers.values()):
            self._send_away(peer)
        self.connections.flush()

    def _send_away(self, peer: ClientConnection) -> None:
        if peer.routing_id in self.connections.peers:
            self._devices.end(peer, Draining("this gateway is stopping; connect elsewhere"))
            self.connections.flush()

    def close(self) -> None:
        """Close the sockets; what was sent may take a second to leave."""
        self._timers.cancel()
        self.backend.close()
        self._sub.close()
        self._admission.close()
        self._router.close(linger_ms=1_000)
