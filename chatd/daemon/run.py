"""Runs a mode: wires everything in one place, serves until SIGTERM or SIGINT, then drains in the order of the flow.

Nothing here is decided per message; what connects to what can be read from top to bottom.
"""

import asyncio
import gc
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import structlog
import uvloop

from chatd import __version__
from chatd.control.admin_service import AdminService
from chatd.control.device_service import DeviceService
from chatd.control.notification_service import NotificationService
from chatd.control.upkeep_service import UpkeepService
from chatd.core.compression import Compressor
from chatd.core.ids import PRESENCE, SIGNALS, WATCH
from chatd.core.online import OnlineTable
from chatd.core.presence import PresenceBoard
from chatd.core.rate_limit import Rate
from chatd.daemon.logs import configure
from chatd.daemon.settings import Mode, Settings
from chatd.daemon.systemd import ServiceManager, watchdog_interval
from chatd.default.connection_cache import DatabaseConnectionCache, MemoryConnectionCache
from chatd.default.last_mile_delivery import EventDeliveryQueueHandler
from chatd.default.leases import Leases
from chatd.default.message_business import MessageBusiness
from chatd.default.node import DefaultNode
from chatd.default.node_service import NodeService
from chatd.default.notification_business import NotificationBusiness
from chatd.default.offline_delivery import NotifyRule, OfflineDelivery
from chatd.default.presence import PresenceBusiness
from chatd.default.receipt_business import ReceiptBusiness
from chatd.default.retention import Retention, RetentionRule
from chatd.default.room_business import RoomBusiness
from chatd.default.signals import Signals
from chatd.default.typing_business import TypingBusiness
from chatd.errors import ChatdError
from chatd.gateway.authentication import load_tokens
from chatd.gateway.doorkeeper import DoorSettings
from chatd.gateway.gateway import GatewayServer, GatewaySettings
from chatd.gateway.rate_limits import RateSettings
from chatd.notify.choice import NotifierSettings, make_notifiers
from chatd.notify.push_endpoints import PushEndpoints
from chatd.pb.admin.v1.admin_pb2 import GetStatusResponse
from chatd.pb.node.v1.node_pb2 import DescribeResponse
from chatd.store.commands import RetryRule
from chatd.store.database import Database
from chatd.store.queries import Ping
from chatd.store.reader import Reader
from chatd.store.writer import Writer
from chatd.transport.sockets import Context, new_context

log = structlog.get_logger()

SWITCH_INTERVAL = 50e-6
"""Seconds a thread may keep the interpreter: with the usual 5 ms the writer waits that long at every step of SQLite under load."""

PRESENCE_TICK = 0.1
"""Seconds between looks at what has settled."""

GC_THRESHOLD = (50_000, 20, 50)
"""Nothing on the hot path makes cycles; looking for them every 700 allocations costs a few per cent."""


def _now_us() -> int:
    return time.time_ns() // 1_000


def run(mode: Mode, settings: Settings) -> int:
    """Serve until told to stop; the process's exit code. Raises ConfigError when the settings cannot be served."""
    configure(settings.log_level, settings.log_format)
    sys.setswitchinterval(SWITCH_INTERVAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(mode, settings))


async def _serve(mode: Mode, settings: Settings) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    code = 0
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def give_up(error: ChatdError) -> None:
        nonlocal code
        log.critical("The database can no longer be trusted; stopping", error=str(error))
        code = 1
        stop.set()

    notifier = ServiceManager()
    with ExitStack() as stack:
        context = new_context(max_sockets=65_536)
        stack.callback(context.term)
        node = None if mode == "gateway" else await _start_node(mode, loop, context, settings, stack, give_up)
        gateway = None if mode == "default" else _start_gateway(mode, loop, context, settings, stack)
        if mode == "gateway":
            notifier.status("waiting for a default node")
        while gateway is not None and not gateway.backend.ready and not stop.is_set():
            await asyncio.sleep(0.01)
        # What lives this long lives for ever: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLD)
        where = {"gateway": gateway.uri} if gateway is not None else {}
        log.info("chatd is ready", mode=mode, node_id=settings.node_id, version=__version__, **where)
        notifier.ready(f"serving as {mode}")
        await _until(stop, notifier)
        log.info("chatd is stopping", mode=mode)
        notifier.stopping()
        if gateway is not None:
            await gateway.drain(settings.drain_seconds)
        if node is not None:
            await node.drain(settings.drain_seconds)
    log.info("chatd has stopped", mode=mode)
    return code


async def _until(stop: asyncio.Event, notifier: ServiceManager) -> None:
    """Wait; the watchdog is fed from the same loop that serves, so a loop that hangs is noticed."""
    interval = watchdog_interval()
    while not stop.is_set():
        notifier.alive()
        try:
            await asyncio.wait_for(stop.wait(), interval)
        except TimeoutError:
            continue


async def _start_node(
    mode: Mode,
    loop: asyncio.AbstractEventLoop,
    context: Context,
    settings: Settings,
    stack: ExitStack,
    give_up: Callable[[ChatdError], None],
) -> DefaultNode:
    database = Database(settings.database())
    database.check()
    database.migrate()
    started = time.monotonic()

    def on_loop(deliver: Callable[..., None]) -> Callable[..., None]:
        def hand_over(batch: object) -> None:
            loop.call_soon_threadsafe(deliver, batch)

        return hand_over

    writer = Writer(database, on_loop(lambda batch: node.on_written(batch)), _now_us, on_loop(give_up))
    reader = Reader(database, on_loop(lambda batch: node.on_read(batch)), threads=settings.database_readers)
    signals = Signals(OnlineTable(SIGNALS), lambda topics, body: node.publish(topics, body), busy=lambda: node.is_busy)
    online = OnlineTable()
    board = PresenceBoard(online, grace=settings.presence_grace_seconds, settle=settings.presence_settle_ms / 1e3)
    presence = PresenceBusiness(board, lambda topics, body: node.publish(topics, body))
    last_mile = EventDeliveryQueueHandler(
        online,
        lambda topics, body: node.publish(topics, body),
        on_device=presence.on_device,
        others={SIGNALS: signals.on_topic, WATCH: presence.on_watch, PRESENCE: presence.on_state},
    )
    leases = Leases(lease=settings.node_lease_seconds, clock=_now_us)
    node = DefaultNode(
        loop,
        writer=writer,
        reader=reader,
        last_mile=last_mile,
        leases=leases,
        clock=_now_us,
        sweep=settings.fanout_repair_seconds,
        gather=settings.fanout_linger_ms / 1e3,
    )
    cache = MemoryConnectionCache() if settings.cache_uri == "mem:" else DatabaseConnectionCache(node.write)
    description = DescribeResponse(
        node_id=settings.node_id, queue_name=settings.queue_user_event_delivery_name, version=__version__, started_at_us=_now_us()
    )
    outbox = NodeService(
        description=description,
        leases=leases,
        rule=RetryRule(settings.max_delivery_retries, settings.delivery_retry_ms * 1_000),
        cache=cache,
        tell_epoch=last_mile.tell_epoch,
        acknowledged=lambda acks: receipts.acknowledged(acks),
        clock=_now_us,
    )
    retention = Retention(
        RetentionRule(
            keep_days=settings.retention_days,
            keep_events=settings.retention_events,
            backlog_days=settings.backlog_days,
            backlog_events=settings.backlog_events,
            expiry_days=settings.device_expiry_days,
        ),
        ask=lambda query, then: node.ask_own(query, then, retention.failed),
        write=lambda command, then: node.write_own(command, then, retention.failed),
        clock=_now_us,
    )
    webpush_hosts = tuple(settings.notify_webpush_hosts.split(","))
    notifiers = make_notifiers(
        settings.notifier_names(),
        NotifierSettings(
            timeout=settings.notify_timeout_ms / 1e3,
            program=settings.notify_exec,
            webhook_url=settings.notify_webhook_url,
            webhook_secret=settings.notify_webhook_secret.get_secret_value(),
            vapid_key=settings.notify_vapid_key,
            vapid_subject=settings.notify_vapid_subject,
            webpush_hosts=webpush_hosts,
        ),
    )
    offline = OfflineDelivery(
        NotifyRule(
            delay=settings.notify_delay_seconds,
            quiet=settings.notify_quiet_seconds,
            retry=settings.notify_retry_ms / 1e3,
            timeout=settings.notify_timeout_ms / 1e3,
            max_retries=settings.notify_max_retries,
            preview=settings.notify_preview_chars,
        ),
        notifiers,
        online=last_mile.online,
        ask=lambda query, then: node.ask_own(query, then, offline.stopped_short),
        write=lambda command, then: node.write_own(command, then, offline.stopped_short),
        clock=_now_us,
    )

    def status() -> GetStatusResponse:
        return GetStatusResponse(
            node_id=settings.node_id,
            version=__version__,
            uptime_seconds=time.monotonic() - started,
            database=database.engine,
            devices_online=len(last_mile.online),
            events_committed=node.events_committed,
            commits=node.commits,
            deliveries_published=last_mile.deliveries_published,
            events_pulled=outbox.events_pulled,
            requests_refused=node.requests_refused,
            events_purged=retention.events_purged,
            devices_expired=retention.devices_expired,
            notifications_sent=offline.sent,
            notifications_failed=offline.failed,
            notifications_dead=offline.dead,
            signals_published=signals.published,
            signals_dropped=signals.dropped,
            presence_changes=presence.changes,
        )

    admin = AdminService(online=last_mile.online, cache=cache, status=status, clock=_now_us)
    upkeep = UpkeepService(leases=leases, notify=last_mile.notify, clock=_now_us)
    devices = DeviceService(online=last_mile.online, tell_epoch=last_mile.tell_epoch)
    messages = MessageBusiness(
        max_payload=settings.max_payload_bytes,
        compressor=Compressor(min_bytes=settings.compress_min_bytes, level=settings.compress_level),
    )
    notifications = NotificationBusiness(notifiers, PushEndpoints(webpush_hosts).fault)
    queue = NotificationService(ask=node.ask_own, test=offline.test)
    receipts = ReceiptBusiness(signals, ask=lambda query, then: node.ask_own(query, then), room_limit=settings.receipt_room_limit)
    typing = TypingBusiness(signals, rate=Rate(settings.typing_per_second, settings.typing_burst), room_limit=settings.receipt_room_limit)
    node.serve(
        presence.methods
        | receipts.methods
        | typing.methods
        | messages.methods
        | RoomBusiness().methods
        | outbox.methods
        | admin.methods
        | devices.methods
        | upkeep.methods
        | notifications.methods
        | queue.methods
    )
    writer.start()
    stack.callback(node.close)
    stack.callback(reader.stop)
    stack.callback(writer.stop)
    reader.start()
    (call_uri,), (queue_uri,) = settings.node_uris(mode), settings.queue_uris(mode)
    await node.ping(Ping())
    node.connect(
        context,
        call_uri=call_uri,
        queue_uri=queue_uri,
        max_frame=settings.max_frame_bytes,
        node_id=settings.node_id,
        version=__version__,
    )
    node.every(settings.retention_sweep_seconds, retention.begin)
    node.every(settings.notify_tick_seconds, offline.begin)
    node.before_the_end(offline.stop)
    node.every(settings.signal_flush_ms / 1e3, signals.flush)
    node.every(PRESENCE_TICK, presence.tick)
    return node


def _start_gateway(mode: Mode, loop: asyncio.AbstractEventLoop, context: Context, settings: Settings, stack: ExitStack) -> GatewayServer:
    tokens = load_tokens(settings.tokens(), create=True)
    gateway_settings = GatewaySettings(
        gateway_id=settings.node_id,
        bind_uri=settings.gateway_uri,
        public_uri=settings.gateway_public_uri,
        connections_per_device=settings.max_connections_per_device,
        queue_uris=settings.queue_uris(mode),
        node_uris=settings.node_uris(mode),
        queue_name=settings.queue_user_event_delivery_name,
        heartbeat_interval=settings.heartbeat_interval_ms / 1e3,
        window_messages=settings.window_messages,
        window_bytes=settings.window_bytes,
        max_frame_bytes=settings.max_frame_bytes,
        call_timeout=settings.call_timeout_ms / 1e3,
        ack_flush=settings.ack_flush_ms / 1e3,
        seen_every=settings.connection_touch_seconds,
        repair_pull=settings.repair_pull_seconds,
        delivery_retry=settings.delivery_retry_ms / 1e3,
        presence_rate=Rate(settings.presence_changes_per_minute / 60, settings.presence_burst),
        version=__version__,
        nodes_file=settings.data_dir / f"nodes-{settings.node_id}.json" if mode == "gateway" else None,
        rates=RateSettings(
            device_events=settings.max_events_per_second,
            device_bytes=settings.max_bytes_per_second,
            profile_events=settings.profile_events_per_second,
            profile_bytes=settings.profile_bytes_per_second,
            address_events=settings.address_events_per_second,
            address_bytes=settings.address_bytes_per_second,
            device_frames=settings.max_frames_per_second,
            burst=settings.rate_burst_seconds,
        ),
        door=DoorSettings(
            handshake=settings.handshake_timeout_ms / 1e3,
            # Silent connections alone must not use up the descriptors.
            max_unauthenticated=min(settings.max_unauthenticated, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2),
            max_failures=settings.max_failed_authentications,
        ),
    )
    gateway = GatewayServer(loop, gateway_settings, tokens)
    gateway.connect(context)
    stack.callback(gateway.close)
    return gateway
