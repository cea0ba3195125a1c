"""A gateway, put together: every thing is made of those above it."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from chatd import __version__
from chatd.core import node_protocol
from chatd.core.counter import Counter
from chatd.core.curve import CurveServer
from chatd.core.metric import Metric
from chatd.daemon.authenticators import load_token_files
from chatd.daemon.logs import say_audit
from chatd.daemon.seams import NO_SEAMS, Seams
from chatd.daemon.settings import Settings
from chatd.files.key_file import Keys
from chatd.gateway import ack_flush, queue_watch, token_expiry, watch_rights
from chatd.gateway.ack_flush import AckFlush, UnwrittenAcks
from chatd.gateway.ack_times import AckTimes
from chatd.gateway.admission import Admission
from chatd.gateway.audit import PERIOD as AUDIT_PERIOD
from chatd.gateway.audit import GatewayAudit
from chatd.gateway.authentication.chain import Authentication
from chatd.gateway.authentication.revocations import Revocations
from chatd.gateway.authentication.webhook import WebhookTokens
from chatd.gateway.backend import Backend, OnReply
from chatd.gateway.calls import ClientCalls
from chatd.gateway.catch_up import CatchUp
from chatd.gateway.connection import ConnectionManager
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.discovery import Discovery
from chatd.gateway.doorkeeper import Doorkeeper
from chatd.gateway.drain import Drain
from chatd.gateway.fronts.zmtp import ZmtpFront
from chatd.gateway.fronts.zmtp_link import Door
from chatd.gateway.gateway import GatewayServer
from chatd.gateway.introduction import Introduction
from chatd.gateway.live_delivery import LiveDelivery
from chatd.gateway.log_watch import LogWatch
from chatd.gateway.node import GatewayAddresses, GatewayNode
from chatd.gateway.node_queues import NodeQueues
from chatd.gateway.opening import Opening
from chatd.gateway.presence import GatewayPresence
from chatd.gateway.queue_watch import QueueWatch
from chatd.gateway.rate_limits import RateLimits
from chatd.gateway.refusals import Refusals
from chatd.gateway.reload import Reload
from chatd.gateway.resync import Resync
from chatd.gateway.revoking import Revoking
from chatd.gateway.stream_counts import StreamCounts
from chatd.gateway.stream_timeouts import StreamTimeouts
from chatd.gateway.token_check import TokenCheck
from chatd.gateway.token_expiry import TokenExpiry
from chatd.gateway.watch import Watch
from chatd.gateway.watch_rights import WatchRights
from chatd.pb.node.v1.node_pb2 import AckBatchRequest, DescribeRequest
from chatd.transport.queue import Subscriber
from chatd.transport.queue.zeromq import ZeroMQSubscriber
from chatd.transport.sockets import CALLS_HERE, QUEUE_HERE, Context, is_encrypted

PRESENCE_REPAIR = 1.0
"""Seconds until a watcher that did not keep up is told again."""


def start_gateway(
    loop: asyncio.AbstractEventLoop,
    context: Context,
    settings: Settings,
    keys: Keys,
    stack: ExitStack,
    seams: Seams = NO_SEAMS,
) -> GatewayNode:
    """Return when the gateway listens; ``stack`` ends it. Raises ConfigError, StartFailed."""
    revocations = Revocations(now=time.time)
    webhook = _webhook(loop, settings)
    lasting = () if webhook is None else (webhook,)
    tokens = Authentication((*load_token_files(settings, create=True), *lasting), revocations, now=time.time)
    door = Doorkeeper(settings.gateway.door(settings.authentication.door()))
    # Two gateways may have one id, and one that is started again is another.
    instance = f"{settings.node.node_id}-{secrets.token_hex(8)}"
    subscriber = ZeroMQSubscriber(loop, instance)
    backend = Backend(loop, call_timeout=settings.calls.timeout())
    audit = GatewayAudit(settings.node.node_id, backend, say=say_audit, now=loop.time)
    admission = Admission(tokens, RateLimits(settings.sending_limits.rates()), door, audit)
    watch = Watch(loop, backend, subscriber, instance=instance)
    streams = _streams(loop, settings, watch, backend, subscriber, seams)
    expiry = TokenExpiry(admission, streams.connections, streams.sender, now=time.time)
    front = ZmtpFront(
        loop,
        settings.gateway.front(settings.messages.max_frame_bytes),
        Door(door.accepted, door.ended, door.broke, door.commanded, door.is_stranger, door.newcomers),
        on_lost=streams.sender.lost,
        on_room=streams.catch_up.has_room,
        curve=CurveServer(*keys.pairs) if settings.gateway.is_encrypted else None,
    )
    server, opening, calls, refusals = _frames(settings, admission, streams, backend, expiry, audit)
    addresses = _addresses(settings)
    queues = NodeQueues(addresses.queue_uris, connect=subscriber.connect, disconnect=subscriber.disconnect)
    discovery = _discovery(settings, addresses.node_uris, backend, queues)
    counters = (*streams.counters, calls.forwarded, refusals.refused, door.hung_up)
    check = TokenCheck(streams.connections, streams.sender, expiry)
    revoking = Revoking(revocations, admission, check)
    introduction = _introduction(
        loop, settings, streams, backend, discovery, queues, audit, revoking, counters
    )
    drain = _drain(loop, settings, streams, backend, opening, introduction, front, audit)

    node = GatewayNode(
        loop,
        front,
        refusals,
        subscriber,
        backend,
        discovery,
        queues,
        introduction,
        streams.watch,
        streams.resync,
        streams.queue_watch,
        drain,
        Reload(admission, check, lasting),
        webhook,
        every=_every(loop, settings, front, door, streams, expiry, audit),
        metrics=(*counters, *front.gauges, *backend.gauges, *streams.watch.gauges, *streams.metrics),
    )
    node.start(
        context,
        addresses,
        on_frame=seams.gateway_frame(server.on_frame),
        after_batch=server.after_batch,
        on_messages=seams.gateway_receive(streams.live.on_batch),
    )
    stack.callback(node.close)
    return node


def _webhook(loop: asyncio.AbstractEventLoop, settings: Settings) -> WebhookTokens | None:
    section = settings.authentication_webhook.webhook()
    return None if section is None else WebhookTokens(loop, section, now=time.time)


def _every(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    front: ZmtpFront,
    door: Doorkeeper,
    streams: "_Streams",
    expiry: TokenExpiry,
    audit: GatewayAudit,
) -> Sequence[tuple[float, Callable[[], None]]]:
    """Recurring actions and their periods in seconds."""

    def look_at_the_door() -> None:
        front.look()
        door.tick(loop.time())

    def look_at_streams() -> None:
        streams.timeouts.tick(loop.time())

    return (
        (door.period, look_at_the_door),
        (AUDIT_PERIOD, audit.flush),
        (min(ack_flush.TICK, settings.streams.ack_flush()), streams.acks.tick),
        (PRESENCE_REPAIR, streams.presence.repair),
        (watch_rights.PERIOD, streams.rights.tick),
        (queue_watch.TICK_SECONDS, streams.queue_watch.tick),
        (streams.timeouts.period, look_at_streams),
        (token_expiry.PERIOD, expiry.tick),
    )


@dataclass(frozen=True, slots=True)
class _Streams:
    """Device streams and the stages that feed and watch them."""

    watch: Watch
    log_watch: LogWatch
    presence: GatewayPresence
    rights: WatchRights
    connections: ConnectionManager
    sender: DeviceSender
    catch_up: CatchUp
    acks: AckFlush
    ack_times: AckTimes
    live: LiveDelivery
    resync: Resync
    queue_watch: QueueWatch
    timeouts: StreamTimeouts

    @property
    def counters(self) -> tuple[Counter, ...]:
        return (
            self.connections.opened,
            self.live.passed_on,
            self.catch_up.pulled,
            self.acks.written,
            self.queue_watch.repairs,
        )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What else can be shown of them."""
        counts = StreamCounts(self.connections.streams)
        return (*counts.gauges, *self.queue_watch.gauges, self.ack_times.queue, self.ack_times.acks)


def _streams(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    watch: Watch,
    backend: Backend,
    subscriber: Subscriber,
    seams: Seams,
) -> _Streams:
    gateway_id = settings.node.node_id
    rights = WatchRights(backend.forward)
    presence = GatewayPresence(
        subscribe=watch.subscribe,
        unsubscribe=watch.unsubscribe,
        rate=settings.presence.change_rate(),
        doubted=rights.doubt_watchers,
    )
    rights.begin(presence)
    unwritten = UnwrittenAcks(settings.streams.ack_flush())
    connections = ConnectionManager(
        backend,
        gateway_id=gateway_id,
        subscribe=watch.subscribe,
        unsubscribe=watch.unsubscribe,
        on_failed=unwritten.failed,
        on_ended=presence.ended,
        per_device=settings.gateway.max_connections_per_device,
        now=loop.time,
    )
    sender = DeviceSender(connections.forget)
    deliver = seams.gateway_deliver(sender.deliver)
    log_watch = LogWatch(connections.streams, end=sender.end, after=connections.flush, later=loop.call_later)
    catch_up = CatchUp(
        backend,
        log_watch,
        gateway_id=gateway_id,
        deliver=deliver,
        end=sender.end,
        later=loop.call_later,
        now=loop.time,
    )

    def send_acks(request: AckBatchRequest, on_reply: OnReply) -> None:
        backend.call("NodeService/AckBatch", request, on_reply, affinity=gateway_id)

    acks = AckFlush(
        unwritten,
        catch_up,
        log_watch,
        is_ready=backend.is_ready,
        send=seams.gateway_send_acks(send_acks),
        end=sender.end,
        now=loop.time,
    )
    ack_times = AckTimes(connections.streams)
    resync = Resync(loop, connections.streams, catch_up)
    watched_queue = QueueWatch(backend, watch, resync, forget=subscriber.forget, now=loop.time)
    live = LiveDelivery(
        connections.streams,
        catch_up,
        log_watch,
        ack_times,
        deliver=deliver,
        presence=presence.heard,
        end=sender.end,
        queue_watch=watched_queue,
        doubted=rights.doubt_stream,
    )
    timeouts = StreamTimeouts(
        connections.peers,
        catch_up,
        end=sender.end,
        failed=unwritten.failed,
        after_tick=connections.flush,
        heartbeat_interval=settings.streams.heartbeat_interval(),
        repair_pull=settings.streams.repair_pull_seconds,
        delivery_retry=settings.redelivery.first_pause(),
    )
    return _Streams(
        watch,
        log_watch,
        presence,
        rights,
        connections,
        sender,
        catch_up,
        acks,
        ack_times,
        live,
        resync,
        watched_queue,
        timeouts,
    )


def _frames(
    settings: Settings,
    admission: Admission,
    streams: _Streams,
    backend: Backend,
    expiry: TokenExpiry,
    audit: GatewayAudit,
) -> tuple[GatewayServer, Opening, ClientCalls, Refusals]:
    """Frames of clients, by their kind."""
    refusals = Refusals(admission, streams.sender)
    opening = Opening(
        settings.streams.defaults(settings.node.node_id),
        admission,
        streams.connections,
        streams.sender,
        streams.presence,
        backend,
        streams.catch_up,
        streams.log_watch,
        audit,
        expiry,
        write_acks=streams.acks.flush,
    )
    calls = ClientCalls(
        settings.node.node_id,
        admission,
        streams.sender,
        refusals,
        forward=backend.forward,
        watch=streams.presence.watch,
    )
    server = GatewayServer(
        admission,
        streams.connections,
        streams.sender,
        refusals,
        opening,
        calls,
        streams.catch_up,
        streams.acks,
        streams.presence,
        streams.ack_times,
        expiry,
        touch=settings.streams.connection_touch_seconds,
    )
    return server, opening, calls, refusals


def _introduction(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    streams: _Streams,
    backend: Backend,
    discovery: Discovery,
    queues: NodeQueues,
    audit: GatewayAudit,
    revoking: Revoking,
    counters: Sequence[Counter],
) -> Introduction:
    request = DescribeRequest(
        gateway_id=settings.node.node_id,
        gateway_instance=streams.watch.instance,
        version=__version__,
        started_at_us=time.time_ns() // 1_000,
        protocol=node_protocol.NUMBER,
        oldest_protocol=node_protocol.OLDEST,
    )
    return Introduction(
        loop,
        backend,
        discovery,
        streams.sender,
        streams.watch,
        streams.log_watch,
        queues,
        audit,
        revoking,
        request=request,
        queue_name=settings.queue.queue_user_event_delivery_name,
        counters=counters,
    )


def _drain(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    streams: _Streams,
    backend: Backend,
    opening: Opening,
    introduction: Introduction,
    front: ZmtpFront,
    audit: GatewayAudit,
) -> Drain:
    def stop_opening() -> None:
        opening.stop()
        introduction.leave()
        audit.flush()
        if settings.gateway.gateway_share_port:
            front.stop_accepting()

    return Drain(
        loop,
        streams.connections,
        streams.acks,
        streams.sender,
        calls_under_way=backend.has_calls,
        stop_opening=stop_opening,
    )


def _discovery(
    settings: Settings, node_uris: Sequence[str], backend: Backend, queues: NodeQueues
) -> Discovery:
    """Default nodes that come and go are called, and listened to."""

    def found(call_uri: str, queue_uri: str) -> None:
        backend.add(call_uri)
        queues.add(queue_uri)

    def lost(call_uri: str, queue_uri: str) -> None:
        backend.remove(call_uri)
        queues.remove(queue_uri)

    path = settings.node.data_dir / f"nodes-{settings.node.node_id}.json"
    file = path if settings.mode == "gateway" else None
    return Discovery(node_uris, file=file, found=found, lost=lost)


def _addresses(settings: Settings) -> GatewayAddresses:
    call_uris, queue_uris = settings.calls.uris(settings.place), settings.queue.uris(settings.place)
    return GatewayAddresses(
        settings.gateway.gateway_uri,
        settings.gateway.gateway_public_uri,
        settings.node.public_host,
        _inside(queue_uris, QUEUE_HERE) if settings.mode == "all" else queue_uris,
        _inside(call_uris, CALLS_HERE) if settings.mode == "all" else call_uris,
    )


def _inside(uris: Sequence[str], here: str) -> Sequence[str]:
    """A gateway reaches the node of its own process without a key."""
    return [here if is_encrypted(uri) else uri for uri in uris]
