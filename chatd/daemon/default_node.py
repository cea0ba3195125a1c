"""A default node, put together: every thing is made of those above it, and the parts are listed in the order of the flow."""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack

from chatd import __version__
from chatd.core.counter import Counter
from chatd.core.ids import PRESENCE, SIGNALS, WATCH
from chatd.core.online import OnlineTable
from chatd.core.presence import PresenceBoard
from chatd.daemon.settings import Mode, Settings
from chatd.default.calls import Calls
from chatd.default.dead_letters.admin import DeadLetterAdmin
from chatd.default.devices.admin import DeviceAdmin
from chatd.default.devices.connection_cache import DatabaseConnectionCache, MemoryConnectionCache
from chatd.default.fan_out.fan_out import FanOut
from chatd.default.fan_out.last_mile_delivery import EventDeliveryQueueHandler
from chatd.default.messages.message_business import MessageBusiness
from chatd.default.node import Addresses, DefaultNode
from chatd.default.nodes.admin import NodeAdmin, NodeDescription
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.model import Lease
from chatd.default.notifications.admin import NotificationAdmin
from chatd.default.notifications.notification_business import NotificationBusiness
from chatd.default.notifications.offline_delivery import OfflineDelivery
from chatd.default.outbox.admin import OutboxAdmin
from chatd.default.outbox.node_service import NodeService
from chatd.default.part import Part
from chatd.default.receipts.receipt_business import ReceiptBusiness
from chatd.default.retention.admin import RetentionAdmin
from chatd.default.retention.retention import Retention
from chatd.default.rooms.admin import RoomAdmin
from chatd.default.rooms.room_business import RoomBusiness
from chatd.default.signals.presence_business import PresenceBusiness
from chatd.default.signals.signals import Signals
from chatd.default.signals.typing_business import TypingBusiness
from chatd.errors import ChatdError
from chatd.notify.choice import make_notifiers
from chatd.notify.push_endpoints import PushEndpoints
from chatd.pb.node.v1.node_pb2 import DescribeResponse
from chatd.store.access import StoreAccess
from chatd.store.database import Database
from chatd.transport.publisher import Publisher
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
) -> DefaultNode:
    """Return when the node serves; ``stack`` ends it. Raises ConfigError and what the database answers."""
    database = Database(settings.store.database(settings.place))
    database.check()
    database.migrate()
    started_us = _now_us()
    store = StoreAccess(loop, database, clock=_now_us, readers=settings.store.database_readers, broken=broken)
    publisher = Publisher(loop)

    online = OnlineTable()
    board = PresenceBoard(online, grace=settings.presence.presence_grace_seconds, settle=settings.presence.settle())
    presence = PresenceBusiness(board, publisher.publish)
    signals = Signals(OnlineTable(SIGNALS), publisher.publish, busy=store.is_busy, flush=settings.signals.flush())
    last_mile = EventDeliveryQueueHandler(
        online,
        publisher.publish,
        on_device=presence.on_device,
        others={SIGNALS: signals.on_topic, WATCH: presence.on_watch, PRESENCE: presence.on_state},
    )
    fan_out = FanOut(
        loop,
        store,
        last_mile,
        linger=settings.fan_out.linger(),
        repair=settings.fan_out.fanout_repair_seconds,
        clock=_now_us,
    )
    leases = Leases(store, lease=settings.node.node_lease_seconds, clock=_now_us)
    cache = MemoryConnectionCache() if settings.store.cache_uri == "mem:" else DatabaseConnectionCache(store.tell)
    receipts = ReceiptBusiness(signals, store, room_limit=settings.signals.receipt_room_limit)
    typing = TypingBusiness(
        signals,
        store.members,
        rate=settings.signals.typing_rate(),
        room_limit=settings.signals.receipt_room_limit,
    )
    messages = MessageBusiness(
        max_payload=settings.messages.max_payload_bytes,
        compressor=settings.messages.compressor(),
    )
    node_service = NodeService(
        description=DescribeResponse(
            node_id=settings.node.node_id,
            queue_name=settings.queue.queue_user_event_delivery_name,
            version=__version__,
            started_at_us=started_us,
        ),
        leases=leases,
        rule=settings.redelivery.rule(),
        cache=cache,
        tell_epoch=last_mile.tell_epoch,
        acknowledged=receipts.acknowledged,
        clock=_now_us,
    )
    notifiers = make_notifiers(settings.notifications.names(), settings.notifications.notifier_settings())
    offline = OfflineDelivery(
        settings.notifications.rule(), notifiers, store, online=online, tick=settings.notifications.notify_tick_seconds, clock=_now_us
    )
    retention = Retention(settings.retention.rule(), store, period=settings.retention.retention_sweep_seconds, clock=_now_us)

    parts = (
        Part(counters=(store.events_committed, store.commits)),
        messages.part,
        RoomBusiness().part,
        receipts.part,
        typing.part,
        presence.part,
        node_service.part,
        NotificationBusiness(notifiers, PushEndpoints(settings.notifications.webpush_hosts()).fault).part,
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
    description = NodeDescription(settings.node.node_id, __version__, store.engine, started_us)
    refused = Counter("requests_refused", "requests refused")
    counters = [counter for part in parts for counter in part.counters]
    admin = NodeAdmin(description, leases, online, [*counters, refused], _now_us)
    calls = Calls(loop, store, [call for part in (*parts, admin.part) for call in part.calls], refused)
    node = DefaultNode(loop, store, calls, publisher, last_mile, parts)
    stack.callback(node.close)
    stack.callback(store.stop)
    (call_uri,), (queue_uri,) = settings.calls.uris(settings.place), settings.queue.uris(settings.place)

    def on_bound(bound: Addresses) -> None:
        leases.serve(Lease(bound.call_uri, "default", settings.node.node_id, bound.queue_uri, __version__, started_us, 0))

    await node.start(
        context,
        Addresses(call_uri, queue_uri),
        max_frame=settings.messages.max_frame_bytes,
        on_committed=fan_out.handle,
        on_bound=on_bound,
    )
    return node
