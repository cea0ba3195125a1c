"""A gateway, put together: every thing is made of those above it. Settings become seconds and bytes here,
once."""

import asyncio
import resource
import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass

from chatd import __version__
from chatd.core.rate_limit import Rate
from chatd.daemon.seams import NO_SEAMS, Seams
from chatd.daemon.settings import Mode, Settings
from chatd.gateway.ack_flush import AckFlush, UnwrittenAcks
from chatd.gateway.admission import Admission
from chatd.gateway.authentication import TokenTable, load_tokens
from chatd.gateway.backend import Backend, OnReply
from chatd.gateway.calls import ClientCalls
from chatd.gateway.catch_up import CatchUp
from chatd.gateway.connection import ConnectionManager
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.discovery import Discovery
from chatd.gateway.doorkeeper import Doorkeeper, DoorSettings
from chatd.gateway.drain import Drain
from chatd.gateway.fronts.router import RouterFront
from chatd.gateway.gateway import GatewayServer
from chatd.gateway.introduction import Introduction
from chatd.gateway.live_delivery import LiveDelivery
from chatd.gateway.node import GatewayAddresses, GatewayNode
from chatd.gateway.opening import Opening, StreamDefaults
from chatd.gateway.presence import GatewayPresence
from chatd.gateway.rate_limits import RateLimits, RateSettings
from chatd.gateway.refusals import Refusals
from chatd.gateway.resync import Resync
from chatd.gateway.stream_timeouts import StreamTimeouts
from chatd.gateway.watch import Watch
from chatd.pb.node.v1.node_pb2 import AckBatchRequest, DescribeRequest
from chatd.transport.queue.zeromq import ZeroMQSubscriber
from chatd.transport.sockets import Context

PRESENCE_REPAIR = 1.0
"""Seconds until a watcher that did not keep up is told again."""


@dataclass(frozen=True, slots=True)
class _Outside:
    """Sockets, made early; GatewayNode.start opens them."""

    door: Doorkeeper
    front: RouterFront
    subscriber: ZeroMQSubscriber
    backend: Backend
    watch: Watch


@dataclass(frozen=True, slots=True)
class _Streams:
    """Streams and everything that is sent on them."""

    presence: GatewayPresence
    connections: ConnectionManager
    sender: DeviceSender
    catch_up: CatchUp
    acks: AckFlush
    live: LiveDelivery
    resync: Resync
    timeouts: StreamTimeouts


@dataclass(frozen=True, slots=True)
class _Clients:
    """The frames of clients."""

    refusals: Refusals
    opening: Opening
    calls: ClientCalls
    server: GatewayServer


def start_gateway(
    mode: Mode,
    loop: asyncio.AbstractEventLoop,
    context: Context,
    settings: Settings,
    stack: ExitStack,
    seams: Seams = NO_SEAMS,
) -> GatewayNode:
    """Return when the gateway listens; ``stack`` ends it. Raises ConfigError."""
    tokens = load_tokens(settings.tokens(), create=True)
    outside = _make_outside(loop, settings)
    streams = _make_streams(loop, settings, outside, seams)
    clients = _make_clients(settings, outside, streams, tokens)
    discovery = _make_discovery(mode, settings, outside)
    introduction = _make_introduction(loop, settings, outside, streams, clients, discovery)
    backend = outside.backend

    def stop_opening() -> None:
        clients.opening.stop()
        introduction.leave()

    def calls_under_way() -> bool:
        return backend.ready and backend.waiting > 0

    def look_at_the_door() -> None:
        outside.front.look()
        outside.door.tick(loop.time())

    def look_at_streams() -> None:
        streams.timeouts.tick(loop.time())

    drain = Drain(
        loop,
        streams.connections,
        streams.acks,
        streams.sender,
        calls_under_way=calls_under_way,
        stop_opening=stop_opening,
    )
    every = (
        (outside.door.period, look_at_the_door),
        (settings.ack_flush_ms / 1e3, streams.acks.flush),
        (PRESENCE_REPAIR, streams.presence.repair),
        (streams.timeouts.period, look_at_streams),
    )
    node = GatewayNode(
        loop,
        outside.front,
        clients.refusals,
        outside.subscriber,
        backend,
        discovery,
        introduction,
        outside.watch,
        streams.resync,
        drain,
        every,
    )
    node.start(
        context,
        GatewayAddresses(
            settings.gateway_uri,
            settings.gateway_public_uri,
            settings.queue_uris(mode),
            settings.node_uris(mode),
        ),
        on_frame=seams.gateway_frame(clients.server.on_frame),
        after_batch=clients.server.after_batch,
        on_messages=seams.gateway_receive(streams.live.on_batch),
    )
    stack.callback(node.close)
    return node


def _make_outside(loop: asyncio.AbstractEventLoop, settings: Settings) -> _Outside:
    door = Doorkeeper(_door_settings(settings))
    front = RouterFront(
        loop,
        max_frame=settings.max_frame_bytes,
        on_accepted=door.accepted,
        on_ended=door.ended,
    )
    # Two gateways may have one id, and one that is started again is another.
    instance = f"{settings.node_id}-{secrets.token_hex(8)}"
    subscriber = ZeroMQSubscriber(loop, instance)
    backend = Backend(loop, call_timeout=settings.call_timeout_ms / 1e3)
    watch = Watch(loop, backend, subscriber, instance=instance)
    return _Outside(door, front, subscriber, backend, watch)


def _make_streams(loop: asyncio.AbstractEventLoop, settings: Settings, outside: _Outside, seams: Seams) -> _Streams:
    backend, watch, gateway_id = outside.backend, outside.watch, settings.node_id
    presence = GatewayPresence(
        subscribe=watch.subscribe,
        unsubscribe=watch.unsubscribe,
        rate=Rate(settings.presence_changes_per_minute / 60, settings.presence_burst),
    )
    unwritten = UnwrittenAcks()
    connections = ConnectionManager(
        backend,
        gateway_id=gateway_id,
        subscribe=watch.subscribe,
        unsubscribe=watch.unsubscribe,
        on_failed=unwritten.acked,
        on_ended=presence.ended,
        per_device=settings.max_connections_per_device,
    )
    sender = DeviceSender(connections.forget)
    deliver = seams.gateway_deliver(sender.deliver)
    catch_up = CatchUp(backend, gateway_id=gateway_id, deliver=deliver, end=sender.end, later=loop.call_later)

    def send_acks(request: AckBatchRequest, on_reply: OnReply) -> None:
        backend.call("NodeService/AckBatch", request, on_reply, affinity=gateway_id)

    send = seams.gateway_send_acks(send_acks)
    acks = AckFlush(unwritten, catch_up, is_ready=backend.is_ready, send=send, end=sender.end)
    live = LiveDelivery(
        connections.streams,
        catch_up,
        deliver=deliver,
        presence=presence.heard,
        end=sender.end,
        resync=watch.resync,
    )
    resync = Resync(loop, connections.streams, catch_up)
    timeouts = StreamTimeouts(
        connections.peers,
        catch_up,
        end=sender.end,
        acked=unwritten.acked,
        after_tick=connections.flush,
        heartbeat_interval=settings.heartbeat_interval_ms / 1e3,
        repair_pull=settings.repair_pull_seconds,
        delivery_retry=settings.delivery_retry_ms / 1e3,
    )
    return _Streams(presence, connections, sender, catch_up, acks, live, resync, timeouts)


def _make_clients(settings: Settings, outside: _Outside, streams: _Streams, tokens: TokenTable) -> _Clients:
    connections, sender, presence = streams.connections, streams.sender, streams.presence
    admission = Admission(tokens, RateLimits(_rate_settings(settings)), outside.door)
    refusals = Refusals(admission, sender)
    opening = Opening(
        _defaults(settings),
        admission,
        connections,
        sender,
        presence,
        outside.backend,
        streams.catch_up,
        write_acks=streams.acks.flush,
    )
    calls = ClientCalls(admission, sender, refusals, forward=outside.backend.forward, watch=presence.watch)
    server = GatewayServer(
        admission,
        connections,
        sender,
        refusals,
        opening,
        calls,
        streams.catch_up,
        streams.acks,
        presence,
        touch=settings.connection_touch_seconds,
    )
    return _Clients(refusals, opening, calls, server)


def _make_discovery(mode: Mode, settings: Settings, outside: _Outside) -> Discovery:
    def found(call_uri: str, queue_uri: str) -> None:
        outside.backend.add(call_uri)
        outside.subscriber.connect(queue_uri)

    def lost(call_uri: str, queue_uri: str) -> None:
        outside.backend.remove(call_uri)
        outside.subscriber.disconnect(queue_uri)

    file = settings.data_dir / f"nodes-{settings.node_id}.json" if mode == "gateway" else None
    return Discovery(settings.node_uris(mode), file=file, found=found, lost=lost)


def _make_introduction(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    outside: _Outside,
    streams: _Streams,
    clients: _Clients,
    discovery: Discovery,
) -> Introduction:
    return Introduction(
        loop,
        outside.backend,
        discovery,
        streams.sender,
        outside.watch,
        request=DescribeRequest(
            gateway_id=settings.node_id,
            gateway_instance=outside.watch.instance,
            version=__version__,
            started_at_us=time.time_ns() // 1_000,
        ),
        queue_name=settings.queue_user_event_delivery_name,
        counters=(
            streams.connections.opened,
            streams.live.passed_on,
            streams.catch_up.pulled,
            streams.acks.written,
            clients.calls.forwarded,
            clients.refusals.refused,
            outside.door.hung_up,
        ),
    )


def _defaults(settings: Settings) -> StreamDefaults:
    return StreamDefaults(
        gateway_id=settings.node_id,
        heartbeat_interval=settings.heartbeat_interval_ms / 1e3,
        window_messages=settings.window_messages,
        window_bytes=settings.window_bytes,
    )


def _rate_settings(settings: Settings) -> RateSettings:
    return RateSettings(
        device_events=settings.max_events_per_second,
        device_bytes=settings.max_bytes_per_second,
        profile_events=settings.profile_events_per_second,
        profile_bytes=settings.profile_bytes_per_second,
        address_events=settings.address_events_per_second,
        address_bytes=settings.address_bytes_per_second,
        device_frames=settings.max_frames_per_second,
        burst=settings.rate_burst_seconds,
    )


def _door_settings(settings: Settings) -> DoorSettings:
    return DoorSettings(
        handshake=settings.handshake_timeout_ms / 1e3,
        # Silent connections alone must not use up the descriptors.
        max_unauthenticated=min(settings.max_unauthenticated, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2),
        max_failures=settings.max_failed_authentications,
    )
