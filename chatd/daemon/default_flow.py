"""The way of events, signals and presence through a default node, put together."""

import asyncio
import time
from dataclasses import dataclass

from chatd.core.ids import DELIVERIES, PRESENCE, SIGNALS, WATCH
from chatd.core.online import OnlineTable
from chatd.core.presence import PresenceBoard
from chatd.core.routing import Routing
from chatd.daemon.seams import Seams
from chatd.daemon.settings import Settings
from chatd.default.fan_out.fan_out import FanOut
from chatd.default.fan_out.last_mile_delivery import EventDeliveryQueueHandler
from chatd.default.fan_out.publishing import QueuePublishing
from chatd.default.fan_out.routing import GatewayRouting
from chatd.default.outbox.owed import OwedWalk
from chatd.default.signals.presence_business import PresenceBusiness
from chatd.default.signals.signals import Signals
from chatd.store.access import StoreAccess
from chatd.transport.queue import Publisher
from chatd.transport.queue.drivers import make_publisher


def now_us() -> int:
    """Microseconds since the Unix epoch."""
    return time.time_ns() // 1_000


@dataclass(frozen=True, slots=True)
class Flow:
    """The way of events, signals and presence from the writer to the gateways."""

    publisher: Publisher
    routing: GatewayRouting
    online: OnlineTable
    presence: PresenceBusiness
    signals: Signals
    last_mile: EventDeliveryQueueHandler
    fan_out: FanOut
    owed: OwedWalk


def make_flow(
    loop: asyncio.AbstractEventLoop, settings: Settings, store: StoreAccess, started_us: int, seams: Seams
) -> Flow:
    publisher = make_publisher(loop, settings.queue.broker(), started_at_us=started_us, seam=seams.queue)
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
        clock=now_us,
        marks=seams.marks,
    )
    owed = OwedWalk(store, clock=now_us, now=time.monotonic, later=loop.call_later)
    return Flow(publisher, gateway_routing, online, presence, signals, last_mile, fan_out, owed)
