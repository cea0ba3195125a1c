"""A default node, put together: every thing is made of those above it, and the parts are listed in the order of the flow."""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack

from chatd import __version__
from chatd.core.compression import Compressor
from chatd.core.counter import Counter
from chatd.core.ids import DELIVERIES, PRESENCE, SIGNALS, WATCH
from chatd.core.online import OnlineTable
from chatd.core.presence import PresenceBoard
from chatd.core.rate_limit import Rate
from chatd.core.routing import Routing
from chatd.daemon.seams import NO_SEAMS, Seams
from chatd.daemon.settings import Mode, Settings
from chatd.default.calls import Calls
from chatd.default.dead_letters.admin import DeadLetterAdmin
from chatd.default.dead_letters.failures import RetryRule
from chatd.default.devices.admin import DeviceAdmin
from chatd.default.devices.connection_cache import DatabaseConnectionCache, MemoryConnectionCache
from chatd.default.fan_out.fan_out import FanOut
from chatd.default.fan_out.last_mile_delivery import EventDeliveryQueueHandler
from chatd.default.fan_out.publishing import QueuePublishing
from chatd.default.fan_out.routing import GatewayRouting
from chatd.default.messages.message_business import MessageBusiness
from chatd.default.node import Addresses, DefaultNode
from chatd.default.nodes.admin import NodeAdmin, NodeDescription
from chatd.default.nodes.gateways import Gateways
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.model import Lease
from chatd.default.notifications.admin import NotificationAdmin
from chatd.default.notifications.notification_business import NotificationBusiness
from chatd.default.notifications.offline_delivery import OfflineDelivery
from chatd.default.notifications.sender import NotifyRule
from chatd.default.outbox.admin import OutboxAdmin
from chatd.default.outbox.node_service import NodeService
from chatd.default.part import Part
from chatd.default.receipts.receipt_business import ReceiptBusiness
from chatd.default.retention.admin import RetentionAdmin
from chatd.default.retention.retention import Retention, RetentionRule
from chatd.default.rooms.admin import RoomAdmin
from chatd.default.rooms.room_business import RoomBusiness
from chatd.default.signals.presence_business import PresenceBusiness
from chatd.default.signals.signals import Signals
from chatd.default.signals.typing_business import TypingBusiness
from chatd.errors import ChatdError
from chatd.notify.choice import NotifierSettings, make_notifiers
from chatd.notify.push_endpoints import PushEndpoints
from chatd.pb.node.v1.node_pb2 import DescribeResponse
from chatd.store.access import StoreAccess
from chatd.store.database import Database
from chatd.store.writer import apply_group
from chatd.transport.queue.zeromq import ZeroMQPublisher
from chatd.transport.sockets import Context


def _now_us() -> int:
    return time.time_ns() // 1_000


async def start_default_node(
    mode: Mode,
    loop: asyncio.AbstractEventLoop,
    context: Context,
    settings: Settings,
    stack: ExitStack,
    broken: Callable[[ChatdError], None],
    seams: Seams = NO_SEAMS,
) -> DefaultNode:
    """Return when the node serves; ``stack`` ends it. Raises ConfigError and what the database answers."""
    database = Database(settings.database())
    database.check()
    database.migrate()
    started_us = _now_us()
    store = StoreAccess(
        loop,
        database,
        clock=_now_us,
        readers=settings.database_readers,
        broken=broken,
        commit=seams.commit(database.commit),
        apply=seams.apply(apply_group),
    )
    publisher = ZeroMQPublisher(loop)
    routing = Routing()
    publish = seams.publish(QueuePublishing(publisher, routing).publish)

    online = OnlineTable()
    board = PresenceBoard(online, grace=settings.presence_grace_seconds, settle=settings.presence_settle_ms / 1e3)
    presence = PresenceBusiness(board, publish)
    signals = Signals(OnlineTable(SIGNALS), publish, busy=store.is_busy, flush=settings.signal_flush_ms / 1e3)
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
        linger=settings.fanout_linger_ms / 1e3,
        repair=settings.fanout_repair_seconds,
        clock=_now_us,
        marks=seams.marks,
    )
    gateways = Gateways(now=loop.time)
    leases = Leases(store, lease=settings.node_lease_seconds, clock=_now_us)
    cache = MemoryConnectionCache() if settings.cache_uri == "mem:" else DatabaseConnectionCache(store.tell)
    receipts = ReceiptBusiness(signals, store, room_limit=settings.receipt_room_limit)
    typing = TypingBusiness(
        signals,
        store.members,
        rate=Rate(settings.typing_per_second, settings.typing_burst),
        room_limit=settings.receipt_room_limit,
    )
    messages = MessageBusiness(
        max_payload=settings.max_payload_bytes,
        compressor=Compressor(min_bytes=settings.compress_min_bytes, level=settings.compress_level),
    )
    node_service = NodeService(
        description=DescribeResponse(
            node_id=settings.node_id,
            queue_name=settings.queue_user_event_delivery_name,
            version=__version__,
            started_at_us=started_us,
        ),
        leases=leases,
        gateways=gateways,
        asked=gateway_routing.asked,
        rule=RetryRule(settings.max_delivery_retries, settings.delivery_retry_ms * 1_000),
        cache=cache,
        tell_epoch=last_mile.tell_epoch,
        acknowledged=receipts.acknowledged,
        clock=_now_us,
    )
    webpush_hosts = tuple(settings.notify_webpush_hosts.split(","))
    notifiers = make_notifiers(settings.notifier_names(), _notifier_settings(settings, webpush_hosts))
    offline = OfflineDelivery(_notify_rule(settings), notifiers, store, online=online, tick=settings.notify_tick_seconds, clock=_now_us)
    retention = Retention(_retention_rule(settings), store, period=settings.retention_sweep_seconds, clock=_now_us)

    parts = (
        Part(counters=(store.events_committed, store.commits)),
        messages.part,
        RoomBusiness().part,
        receipts.part,
        typing.part,
        presence.part,
        node_service.part,
        gateway_routing.part,
        NotificationBusiness(notifiers, PushEndpoints(webpush_hosts).fault).part,
        RoomAdmin().part,
        OutboxAdmin(online, _now_us).part,
        DeviceAdmin(online, cache, last_mile.tell_epoch).part,
        DeadLetterAdmin(last_mile.notify).part,
        RetentionAdmin(_now_us).part,
        NotificationAdmin(offline.sender.test).part,
        fan_out.part,
        signals.part,
        offline.part,
        retention.part,
        leases.part,
    )
    description = NodeDescription(settings.node_id, __version__, store.engine, started_us)
    refused = Counter("requests_refused", "requests refused")
    counters = [counter for part in parts for counter in part.counters]
    admin = NodeAdmin(description, leases, gateways, online, [*counters, refused], _now_us)
    calls = Calls(loop, store, [call for part in (*parts, admin.part) for call in part.calls], refused)
    node = DefaultNode(loop, store, calls, publisher, gateway_routing.on_gateway, parts)
    stack.callback(node.close)
    stack.callback(store.stop)
    (call_uri,), (queue_uri,) = settings.node_uris(mode), settings.queue_uris(mode)

    def on_bound(bound: Addresses) -> None:
        leases.serve(Lease(bound.call_uri, "default", settings.node_id, bound.queue_uri, __version__, started_us, 0))

    await node.start(
        context,
        Addresses(call_uri, queue_uri),
        max_frame=settings.max_frame_bytes,
        on_committed=seams.committed(fan_out.handle),
        on_bound=on_bound,
    )
    return node


def _retention_rule(settings: Settings) -> RetentionRule:
    return RetentionRule(
        keep_days=settings.retention_days,
        keep_events=settings.retention_events,
        backlog_days=settings.backlog_days,
        backlog_events=settings.backlog_events,
        expiry_days=settings.device_expiry_days,
    )


def _notifier_settings(settings: Settings, webpush_hosts: tuple[str, ...]) -> NotifierSettings:
    return NotifierSettings(
        timeout=settings.notify_timeout_ms / 1e3,
        program=settings.notify_exec,
        webhook_url=settings.notify_webhook_url,
        webhook_secret=settings.notify_webhook_secret.get_secret_value(),
        vapid_key=settings.notify_vapid_key,
        vapid_subject=settings.notify_vapid_subject,
        webpush_hosts=webpush_hosts,
    )


def _notify_rule(settings: Settings) -> NotifyRule:
    return NotifyRule(
        delay=settings.notify_delay_seconds,
        quiet=settings.notify_quiet_seconds,
        retry=settings.notify_retry_ms / 1e3,
        timeout=settings.notify_timeout_ms / 1e3,
        max_retries=settings.notify_max_retries,
        preview=settings.notify_preview_chars,
    )
