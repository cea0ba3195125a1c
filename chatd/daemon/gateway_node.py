"""A gateway, put together: every thing is made of those above it. Settings become seconds and bytes here, once."""

import asyncio
import resource
import secrets
import time
from contextlib import ExitStack

from chatd import __version__
from chatd.core.rate_limit import Rate
from chatd.daemon.seams import NO_SEAMS, Seams
from chatd.daemon.settings import Mode, Settings
from chatd.gateway.ack_flush import AckFlush, UnwrittenAcks
from chatd.gateway.admission import Admission
from chatd.gateway.authentication import load_tokens
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


def start_gateway(
    mode: Mode,
    loop: asyncio.AbstractEventLoop,
    context: Context,
    settings: Settings,
    stack: ExitStack,
    seams: Seams = NO_SEAMS,
) -> GatewayNode:
    """Return when the gateway listens; ``stack`` ends it. Raises ConfigError."""
    gateway_id = settings.node_id
    tokens = load_tokens(settings.tokens(), create=True)

    # Sockets, opened by GatewayNode.start.
    door = Doorkeeper(_door_settings(settings))
    front = RouterFront(loop, max_frame=settings.max_frame_bytes, on_accepted=door.accepted, on_ended=door.ended)
    # Two gateways may have one id, and one that is started again is another.
    instance = f"{gateway_id}-{secrets.token_hex(8)}"
    subscriber = ZeroMQSubscriber(loop, instance)
    backend = Backend(loop, call_timeout=settings.call_timeout_ms / 1e3)
    watch = Watch(loop, backend, subscriber, instance=instance)

    # Streams.
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

    acks = AckFlush(unwritten, catch_up, is_ready=backend.is_ready, send=seams.gateway_send_acks(send_acks), end=sender.end)
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

    # Frames of clients.
    admission = Admission(tokens, RateLimits(_rate_settings(settings)), door)
    refusals = Refusals(admission, sender)
    opening = Opening(_defaults(settings), admission, connections, sender, presence, backend, catch_up, write_acks=acks.flush)
    calls = ClientCalls(admission, sender, refusals, forward=backend.forward, watch=presence.watch)
    server = GatewayServer(
        admission, connections, sender, refusals, opening, calls, catch_up, acks, presence, touch=settings.connection_touch_seconds
    )

    # Default nodes.
    def node_found(call_uri: str, queue_uri: str) -> None:
        backend.add(call_uri)
        subscriber.connect(queue_uri)

    def node_lost(call_uri: str, queue_uri: str) -> None:
        backend.remove(call_uri)
        subscriber.disconnect(queue_uri)

    nodes_file = settings.data_dir / f"nodes-{gateway_id}.json" if mode == "gateway" else None
    discovery = Discovery(settings.node_uris(mode), file=nodes_file, found=node_found, lost=node_lost)
    introduction = Introduction(
        loop,
        backend,
        discovery,
        sender,
        watch,
        request=DescribeRequest(
            gateway_id=gateway_id, gateway_instance=instance, version=__version__, started_at_us=time.time_ns() // 1_000
        ),
        queue_name=settings.queue_user_event_delivery_name,
        counters=(
            connections.opened,
            live.passed_on,
            catch_up.pulled,
            acks.written,
            calls.forwarded,
            refusals.refused,
            door.hung_up,
        ),
    )

    # The end, and time.
    def stop_opening() -> None:
        opening.stop()
        introduction.leave()

    def look_at_the_door() -> None:
        front.look()
        door.tick(loop.time())

    def calls_under_way() -> bool:
        return backend.ready and backend.waiting > 0

    drain = Drain(loop, connections, acks, sender, calls_under_way=calls_under_way, stop_opening=stop_opening)
    every = (
        (door.period, look_at_the_door),
        (settings.ack_flush_ms / 1e3, acks.flush),
        (PRESENCE_REPAIR, presence.repair),
        (timeouts.period, lambda: timeouts.tick(loop.time())),
    )
    node = GatewayNode(loop, front, server, refusals, subscriber, backend, discovery, introduction, watch, resync, drain, every)
    addresses = GatewayAddresses(settings.gateway_uri, settings.gateway_public_uri, settings.queue_uris(mode), settings.node_uris(mode))
    node.start(context, addresses, on_frame=seams.gateway_frame(server.on_frame), on_messages=seams.gateway_receive(live.on_batch))
    stack.callback(node.close)
    return node


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
