"""A default node, put together: every thing is made of those above it, and the parts are listed in
the order of the flow."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from chatd import __version__
from chatd.core import node_protocol
from chatd.core.counter import Counter
from chatd.core.ids import DELIVERIES, PRESENCE, SIGNALS, WATCH
from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.core.metric import Gauge
from chatd.core.online import OnlineTable
from chatd.core.presence import PresenceBoard
from chatd.core.routing import Routing
from chatd.daemon.database import open_database
from chatd.daemon.logs import say_audit
from chatd.daemon.seams import NO_SEAMS, Seams
from chatd.daemon.settings import Settings
from chatd.default.answer import Method
from chatd.default.audit.audit import Audit
from chatd.default.audit.service import AuditService
from chatd.default.calls import Calls
from chatd.default.dead_letters.admin import DeadLetterAdmin
from chatd.default.deadlines import Deadlines
from chatd.default.devices.admin import DeviceAdmin
from chatd.default.devices.connection_cache import DatabaseConnectionCache, MemoryConnectionCache
from chatd.default.devices.device_limit import DeviceLimit
from chatd.default.fan_out.fan_out import FanOut
from chatd.default.fan_out.last_mile_delivery import EventDeliveryQueueHandler
from chatd.default.fan_out.publishing import QueuePublishing
from chatd.default.fan_out.routing import GatewayRouting
from chatd.default.messages.message_business import MessageBusiness
from chatd.default.messages.unreadable import Unreadable
from chatd.default.node import Addresses, DefaultNode
from chatd.default.nodes.admin import NodeAdmin, NodeDescription
from chatd.default.nodes.gateways import Gateways
from chatd.default.nodes.identity import Identity
from chatd.default.nodes.known_log import KnownLog
from chatd.default.nodes.known_peers import KnownPeers
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.log_comparison import LogComparison
from chatd.default.nodes.log_file import LogFile
from chatd.default.nodes.model import Lease
from chatd.default.notifications.admin import NotificationAdmin
from chatd.default.notifications.notification_business import NotificationBusiness
from chatd.default.notifications.offline_delivery import OfflineDelivery
from chatd.default.outbox.admin import OutboxAdmin
from chatd.default.outbox.node_service import NodeService
from chatd.default.outbox.owed import OwedWalk
from chatd.default.part import Part
from chatd.default.receipts.receipt_business import ReceiptBusiness
from chatd.default.retention.admin import RetentionAdmin
from chatd.default.retention.retention import Retention
from chatd.default.rooms.admin import RoomAdmin
from chatd.default.rooms.room_business import RoomBusiness
from chatd.default.signals.presence_business import PresenceBusiness
from chatd.default.signals.signals import Signals
from chatd.default.signals.typing_business import TypingBusiness
from chatd.default.tokens.admin import TokenAdmin
from chatd.default.tokens.revoked import RevokedTokens
from chatd.errors import ChatdError
from chatd.files.claim import Claim
from chatd.files.key_file import Keys
from chatd.notify.choice import make_notifiers
from chatd.notify.push_endpoints import PushEndpoints
from chatd.pb.node.v1.node_pb2 import DescribeResponse
from chatd.store.access import StoreAccess
from chatd.store.database import Database
from chatd.store.writer import apply_group
from chatd.transport.queue.zeromq import ZeroMQPublisher
from chatd.transport.sockets import Context, is_encrypted
from chatd.transport.zap import Guard


def _now_us() -> int:
    return time.time_ns() // 1_000


async def start_default_node(
    loop: asyncio.AbstractEventLoop,
    context: Context,
    settings: Settings,
    keys: Keys,
    stack: ExitStack,
    broken: Callable[[ChatdError], None],
    seams: Seams = NO_SEAMS,
) -> tuple[DefaultNode, Identity]:
    """Return when the node serves; ``stack`` ends it. Raises ConfigError, StartFailed and what the
    database answers."""
    node_id, data_dir = settings.node.node_id, settings.place.data_dir
    claim = Claim(
        data_dir / f"default-{node_id}.lock",
        f"node {node_id} in the data directory {data_dir}",
        context.holder,
    )
    stack.enter_context(claim)
    database, before = open_database(settings, context.holder, stack)
    revoked = partial(context.listen_again, loop.call_later)
    made = assemble(loop, settings, database, revoked, broken, seams, before=before)
    (call_uri,), (queue_uri,) = settings.calls.uris(settings.place), settings.queue.uris(settings.place)
    if is_encrypted(call_uri) or is_encrypted(queue_uri):
        stack.callback(Guard(loop, context, made.leases.peers.is_known).close)
    stack.callback(made.node.close)
    stack.callback(made.store.stop)
    identity = Identity(
        context, made.leases, _lease(settings, made.started_us), keys, settings.node.public_host
    )

    async def on_bound(bound: Addresses) -> None:
        await identity.claim(bound.call_uri, bound.queue_uri, claim.place)

    await made.node.start(
        context,
        Addresses(call_uri, queue_uri),
        max_frame=settings.messages.max_frame_bytes,
        on_committed=seams.committed(made.fan_out.handle),
        on_new_log=made.leases.log.seen,
        on_bound=on_bound,
    )
    return made.node, identity


def _lease(settings: Settings, started_us: int) -> Lease:
    """This node's, before its addresses are bound."""
    return Lease(
        "",
        "default",
        settings.node.node_id,
        "",
        __version__,
        started_us,
        lease_until_us=0,
        protocol=node_protocol.NUMBER,
        oldest_protocol=node_protocol.OLDEST,
    )


@dataclass(frozen=True, slots=True)
class Assembled:
    """A node that has not begun, its store, and all calls that it answers."""

    node: DefaultNode
    store: StoreAccess
    fan_out: FanOut
    leases: Leases
    started_us: int
    methods: tuple[Method, ...]


def assemble(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    database: Database,
    revoked: Callable[[], None],
    broken: Callable[[ChatdError], None],
    seams: Seams = NO_SEAMS,
    *,
    before: LogState = UNKNOWN_LOG,
) -> Assembled:
    """Put a node together. Nothing is bound or started yet. ``revoked`` ends all connections of
    gateways. ``before`` is the log that its data directory was used with last."""
    started_us = _now_us()
    store = StoreAccess(
        loop,
        database,
        clock=_now_us,
        readers=settings.store.database_readers,
        broken=broken,
        commit=seams.commit(database.commit),
        apply=seams.apply(apply_group),
    )
    flow = _flow(loop, settings, store, started_us, seams)
    log = KnownLog(
        LogFile(settings.place.data_dir, settings.node.node_id), before, changed=store.members.clear
    )
    audit = Audit(store, say=say_audit, now=loop.time)
    peers = KnownPeers(settings.node.trusted(), audit=audit.record, revoked=revoked)
    leases = Leases(store, log, peers, lease=settings.node.node_lease_seconds, clock=_now_us, lost=broken)
    gateways = Gateways(now=loop.time, audit=audit.record)
    parts = _parts(settings, store, flow, leases, gateways, started_us)
    refused = Counter("requests_refused", "requests refused")
    parts = (*parts, Part(counters=(refused,)))
    description = NodeDescription(settings.node.node_id, __version__, store.engine, started_us)
    counters = [counter for part in parts for counter in part.counters]
    admin = NodeAdmin(
        description,
        leases,
        gateways,
        flow.online,
        counters,
        _now_us,
        away_since_us=lambda: store.away_since_us,
    )
    methods = tuple(call for part in (*parts, admin.part) for call in part.calls)
    calls = Calls(loop, store, methods, refused, Deadlines(started_us), audit.witness)
    node = DefaultNode(loop, store, calls, flow.publisher, flow.routing.on_gateway, parts)
    return Assembled(node, store, flow.fan_out, leases, started_us, methods)


@dataclass(frozen=True, slots=True)
class _Flow:
    """The way of events, signals and presence from the writer to the gateways."""

    publisher: ZeroMQPublisher
    routing: GatewayRouting
    online: OnlineTable
    presence: PresenceBusiness
    signals: Signals
    last_mile: EventDeliveryQueueHandler
    fan_out: FanOut
    owed: OwedWalk


def _flow(
    loop: asyncio.AbstractEventLoop, settings: Settings, store: StoreAccess, started_us: int, seams: Seams
) -> _Flow:
    publisher = ZeroMQPublisher(loop, started_at_us=started_us, seam=seams.queue)
    routing = Routing()
    publish = seams.publish(QueuePublishing(publisher, routing).publish)
    online = OnlineTable()
    board = PresenceBoard(
        online, grace=settings.presence.presence_grace_seconds, settle=settings.presence.settle()
    )
    presence = PresenceBusiness(board, publish)
    signals = Signals(OnlineTable(SIGNALS), publish, busy=store.is_busy, flush=settings.signals.flush())
    last_mile = EventDeliveryQueueHandler(online, publish, also=presence.on_device)
    gateway_routing = GatewayRouting(
        routing,
        publisher,
        on_topic={
            DELIVERIES: last_mile.on_device,
            SIGNALS: signals.on_topic,
            WATCH: presence.on_watch,
            PRESENCE: presence.on_state,
        },
        on_heard={WATCH: presence.on_heard},
        started_at_us=started_us,
        now=loop.time,
    )
    fan_out = FanOut(
        loop,
        store,
        last_mile,
        linger=settings.fan_out.linger(),
        repair=settings.fan_out.fanout_repair_seconds,
        clock=_now_us,
        marks=seams.marks,
    )
    owed = OwedWalk(store, clock=_now_us, now=time.monotonic, later=loop.call_later)
    return _Flow(publisher, gateway_routing, online, presence, signals, last_mile, fan_out, owed)


def _parts(
    settings: Settings, store: StoreAccess, flow: _Flow, leases: Leases, gateways: Gateways, started_us: int
) -> tuple[Part, ...]:
    """In the order of the flow, in which they begin and end."""
    receipts = ReceiptBusiness(flow.signals, store, room_limit=settings.signals.receipt_room_limit)
    cache = (
        MemoryConnectionCache() if settings.store.cache_uri == "mem:" else DatabaseConnectionCache(store.tell)
    )
    unreadable = Unreadable()
    revoked = RevokedTokens(store, clock=_now_us)
    messages = MessageBusiness(
        max_payload=settings.messages.max_payload_bytes,
        max_together=settings.messages.max_frame_bytes,
        compressor=settings.messages.compressor(),
        unreadable=unreadable,
    )
    notifiers = make_notifiers(settings.notifications.names(), settings.notifications.notifier_settings())
    endpoints = PushEndpoints(settings.notifications.webpush_hosts())
    offline = OfflineDelivery(
        settings.notifications.rule(),
        notifiers,
        store,
        online=flow.online,
        tick=settings.notifications.notify_tick_seconds,
        clock=_now_us,
    )
    retention = Retention(
        settings.retention.rule(),
        store,
        flow.online,
        period=settings.retention.retention_sweep_seconds,
        clock=_now_us,
    )
    return (
        Part(
            counters=(store.events_committed, store.commits, flow.publisher.refused, leases.peers.refused),
            gauges=(
                *store.gauges,
                Gauge("devices_online", "devices with a stream", lambda: len(flow.online)),
            ),
            times=(store.commit_times,),
        ),
        messages.part,
        RoomBusiness(settings.rooms.limits(), left=partial(_tell_left, flow)).part,
        receipts.part,
        _typing(settings, flow, store).part,
        flow.presence.part,
        _node_service(
            settings, store, flow, receipts, leases, gateways, revoked, cache, unreadable, started_us
        ).part,
        flow.routing.part,
        NotificationBusiness(
            notifiers, endpoints.fault, most_devices=settings.retention.max_devices_per_profile
        ).part,
        AuditService().part,
        RoomAdmin().part,
        OutboxAdmin(flow.online, flow.owed, _now_us).part,
        DeviceAdmin(flow.online, cache, flow.last_mile.tell_epoch).part,
        revoked.part,
        TokenAdmin(revoked.look).part,
        DeadLetterAdmin(flow.last_mile.notify, store).part,
        RetentionAdmin(_now_us).part,
        NotificationAdmin(offline.sender.test).part,
        flow.fan_out.part,
        flow.signals.part,
        offline.part,
        retention.part,
        leases.part,
    )


def _tell_left(flow: _Flow, profile_ids: Sequence[str]) -> None:
    """Profiles have left a room: whom they watch, and who watches them, is looked up again."""
    flow.presence.left(profile_ids)
    for profile_id in profile_ids:
        for topic in flow.online.of_profile(profile_id):
            flow.last_mile.notify(topic)


def _typing(settings: Settings, flow: _Flow, store: StoreAccess) -> TypingBusiness:
    section = settings.signals
    return TypingBusiness(
        flow.signals, store.members, rate=section.typing_rate(), room_limit=section.receipt_room_limit
    )


def _node_service(
    settings: Settings,
    store: StoreAccess,
    flow: _Flow,
    receipts: ReceiptBusiness,
    leases: Leases,
    gateways: Gateways,
    revoked: RevokedTokens,
    cache: MemoryConnectionCache | DatabaseConnectionCache,
    unreadable: Unreadable,
    started_us: int,
) -> NodeService:
    return NodeService(
        description=DescribeResponse(
            node_id=settings.node.node_id,
            queue_name=settings.queue.queue_user_event_delivery_name,
            version=__version__,
            started_at_us=started_us,
            protocol=node_protocol.NUMBER,
            oldest_protocol=node_protocol.OLDEST,
        ),
        leases=leases,
        comparison=LogComparison(store, leases.log),
        gateways=gateways,
        revoked=revoked,
        asked=flow.routing.asked,
        rule=settings.redelivery.rule(),
        unreadable=unreadable,
        limit=DeviceLimit(
            flow.online,
            most=settings.retention.max_devices_per_profile,
            tell_epoch=flow.last_mile.tell_epoch,
            clock=_now_us,
            steady=time.monotonic,
        ),
        cache=cache,
        tell_epoch=flow.last_mile.tell_epoch,
        acknowledged=receipts.acknowledged,
        clock=_now_us,
    )
