"""A gateway, put together: every thing is made of those above it."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from chatd import __version__
from chatd.core import node_protocol
from chatd.core.counter import Counter
from chatd.daemon.authenticators import load_token_files
from chatd.daemon.gateway_addresses import gateway_addresses
from chatd.daemon.gateway_calls import gateway_calls
from chatd.daemon.gateway_frames import make_frames
from chatd.daemon.gateway_fronts import Fronts
from chatd.daemon.gateway_streams import Streams, make_streams
from chatd.daemon.logs import say_audit
from chatd.daemon.name import claim_name
from chatd.daemon.seams import NO_SEAMS, Seams
from chatd.daemon.settings import Settings
from chatd.files.key_file import Keys
from chatd.gateway import queue_watch, token_expiry, tracing, unwritten_acks, watch_rights
from chatd.gateway.admission import Admission
from chatd.gateway.audit import PERIOD as AUDIT_PERIOD
from chatd.gateway.audit import GatewayAudit
from chatd.gateway.authentication.chain import Authentication
from chatd.gateway.authentication.revocations import Revocations
from chatd.gateway.authentication.webhook import WebhookTokens
from chatd.gateway.backend import Backend
from chatd.gateway.discovery import Discovery
from chatd.gateway.doorkeeper import Doorkeeper
from chatd.gateway.drain import DRAINED, STOPPING, Drain
from chatd.gateway.introduction import Introduction
from chatd.gateway.newcomers import Newcomers
from chatd.gateway.node import GatewayNode
from chatd.gateway.node_queues import NodeQueues
from chatd.gateway.opening import Opening
from chatd.gateway.rate_limits import RateLimits
from chatd.gateway.reload import Reload
from chatd.gateway.revoking import Revoking
from chatd.gateway.token_check import TokenCheck
from chatd.gateway.token_expiry import TokenExpiry
from chatd.gateway.watch import Watch
from chatd.pb.node.v1.node_pb2 import DescribeRequest
from chatd.transport.process_calls import ProcessCalls
from chatd.transport.queue.drivers import make_subscriber
from chatd.transport.sockets import Context

PRESENCE_REPAIR = 1.0
"""Seconds until a watcher that did not keep up is told again."""


def start_gateway(
    loop: asyncio.AbstractEventLoop,
    context: Context,
    settings: Settings,
    keys: Keys,
    stack: ExitStack,
    own_calls: ProcessCalls,
    seams: Seams = NO_SEAMS,
) -> GatewayNode:
    """Return when the gateway listens; ``stack`` ends it. Operators' calls to it are added to
    ``own_calls``. Raises ConfigError, StartFailed."""
    claim_name("gateway", settings, context.holder, stack)
    revocations = Revocations(now=time.time)
    webhook = _webhook(loop, settings)
    lasting = () if webhook is None else (webhook,)
    tokens = Authentication((*load_token_files(settings, create=True), *lasting), revocations, now=time.time)
    door = Doorkeeper(settings.gateway.door(settings.authentication.door()))
    newcomers = Newcomers(settings.gateway.max_connections_per_profile, now=loop.time, later=loop.call_later)
    # One that is started again is another.
    instance = f"{settings.node.node_id}-{secrets.token_hex(8)}"
    subscriber = make_subscriber(loop, settings.queue.broker(), instance)
    backend = Backend(loop, call_timeout=settings.calls.timeout())
    audit = GatewayAudit(settings.node.node_id, backend, say=say_audit, now=loop.time)
    admission = Admission(tokens, RateLimits(settings.sending_limits.rates()), door, newcomers, audit)
    watch = Watch(loop, backend, subscriber, instance=instance)
    streams = make_streams(loop, settings, watch, backend, subscriber, own_calls, seams)
    expiry = TokenExpiry(admission, streams.connections, streams.sender, now=time.time)
    fronts = Fronts(loop, settings, keys, door, newcomers, streams)
    server, opening, calls, refusals = make_frames(settings, admission, streams, backend, expiry, audit)
    addresses = gateway_addresses(settings)
    queues = NodeQueues(addresses.queue_uris, connect=subscriber.connect, disconnect=subscriber.disconnect)
    discovery = _discovery(settings, addresses.node_uris, backend, queues)
    counters = (*streams.counters, calls.forwarded, refusals.refused, door.hung_up)
    check = TokenCheck(streams.connections, streams.sender, expiry)
    revoking = Revoking(revocations, admission, check)
    introduction = _introduction(
        loop, settings, streams, backend, discovery, queues, audit, revoking, counters
    )
    drain = _drain(loop, settings, streams, backend, opening, introduction, fronts, audit)
    own_calls.add(*gateway_calls(settings, streams, drain))

    node = GatewayNode(
        loop,
        fronts.zmtp,
        fronts.http,
        fronts.grpc,
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
        every=_every(loop, settings, fronts, door, streams, expiry, audit),
        metrics=(
            *counters,
            *fronts.gauges,
            newcomers.gauge,
            *backend.gauges,
            *streams.watch.gauges,
            *streams.metrics,
        ),
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
    fronts: Fronts,
    door: Doorkeeper,
    streams: Streams,
    expiry: TokenExpiry,
    audit: GatewayAudit,
) -> Sequence[tuple[float, Callable[[], None]]]:
    """Recurring actions and their periods in seconds."""

    def look_at_streams() -> None:
        streams.timeouts.tick(loop.time())

    return (
        (door.period, fronts.look),
        (AUDIT_PERIOD, audit.flush),
        (min(unwritten_acks.TICK, settings.streams.ack_flush()), streams.acks.tick),
        (PRESENCE_REPAIR, streams.presence.repair),
        (watch_rights.PERIOD, streams.rights.tick),
        (queue_watch.TICK_SECONDS, streams.queue_watch.tick),
        (streams.timeouts.period, look_at_streams),
        (token_expiry.PERIOD, expiry.tick),
        (tracing.TICK_SECONDS, streams.tracing.tick),
    )


def _introduction(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    streams: Streams,
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
        queue_name=settings.queue.said_name(),
        counters=counters,
        times=streams.times,
        streams=streams.connections.streams,
        stream_counts=streams.counts,
    )


def _drain(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    streams: Streams,
    backend: Backend,
    opening: Opening,
    introduction: Introduction,
    fronts: Fronts,
    audit: GatewayAudit,
) -> Drain:
    def stop_opening() -> None:
        opening.stop(STOPPING)
        introduction.leave()
        audit.flush()
        if settings.gateway.gateway_share_port:
            fronts.stop_accepting()

    def pause() -> None:
        opening.stop(DRAINED)
        introduction.drain(True)
        if settings.gateway.gateway_share_port:
            fronts.stop_accepting(for_ever=False)

    def resume() -> None:
        if settings.gateway.gateway_share_port:
            fronts.accept_again()
        opening.resume()
        introduction.drain(False)

    return Drain(
        loop,
        streams.connections,
        streams.acks,
        streams.sender,
        calls_under_way=backend.has_calls,
        stop_opening=stop_opening,
        pause=pause,
        resume=resume,
        seconds=settings.node.drain_seconds,
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
