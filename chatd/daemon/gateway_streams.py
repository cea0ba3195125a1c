"""Device streams at a gateway, put together, with the stages that feed and watch them."""

import asyncio
import time
from dataclasses import dataclass

from chatd.core.counter import Counter
from chatd.core.metric import Metric, StageTimes
from chatd.core.outage import OneCause
from chatd.daemon.seams import Seams
from chatd.daemon.settings import Settings
from chatd.gateway.ack_flush import AckFlush
from chatd.gateway.ack_times import AckTimes
from chatd.gateway.backend import Backend
from chatd.gateway.catch_up import CatchUp
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.live_delivery import LiveDelivery
from chatd.gateway.log_watch import LogWatch
from chatd.gateway.presence import GatewayPresence
from chatd.gateway.process_calls import GatewayProcessCalls
from chatd.gateway.queue_watch import QueueWatch
from chatd.gateway.resync import Resync
from chatd.gateway.stream_counts import StreamCounts
from chatd.gateway.stream_log import StreamLog
from chatd.gateway.stream_timeouts import StreamTimeouts
from chatd.gateway.tracing import Tracing
from chatd.gateway.unwritten_acks import UnwrittenAcks
from chatd.gateway.waiting_calls import OnReply
from chatd.gateway.watch import Watch
from chatd.gateway.watch_rights import WatchRights
from chatd.pb.node.v1.node_pb2 import AckBatchRequest
from chatd.transport.process_calls import ProcessCalls
from chatd.transport.queue import Subscriber


@dataclass(frozen=True, slots=True)
class Streams:
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
    counts: StreamCounts
    live: LiveDelivery
    resync: Resync
    queue_watch: QueueWatch
    timeouts: StreamTimeouts
    tracing: Tracing
    log: StreamLog

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
        """All else that can be shown of them."""
        return (*self.counts.gauges, *self.queue_watch.gauges, *self.times)

    @property
    def times(self) -> tuple[StageTimes, ...]:
        return (self.ack_times.queue, self.ack_times.acks)


def make_streams(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    watch: Watch,
    backend: Backend,
    subscriber: Subscriber,
    own_calls: ProcessCalls,
    seams: Seams,
) -> Streams:
    """Every thing is made of those above it."""
    gateway_id = settings.node.node_id
    cause = OneCause()  # a node without its database refuses all that streams ask of it
    rights, presence = _presence(settings, watch, backend)
    unwritten = UnwrittenAcks(settings.streams.ack_flush(), loop.time())

    def on_ended(peer: ClientConnection) -> None:
        unwritten.ended(peer)
        presence.ended(peer)

    connections = ConnectionManager(
        backend,
        gateway_id=gateway_id,
        subscribe=watch.subscribe,
        unsubscribe=watch.unsubscribe,
        on_failed=unwritten.failed,
        on_ended=on_ended,
        per_device=settings.gateway.max_connections_per_device,
        now=loop.time,
        cause=cause,
    )
    stream_log = StreamLog()
    sender = DeviceSender(connections.forget, stream_log)
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
        cause=cause,
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
        cause=cause,
    )
    ack_times = AckTimes(connections.streams)
    resync = Resync(loop, connections.streams, catch_up)
    watched_queue = QueueWatch(backend, watch, resync, subscriber, now=loop.time)
    live = LiveDelivery(
        connections.streams,
        catch_up,
        log_watch,
        ack_times,
        deliver=deliver,
        presence=presence.heard,
        end=sender.end,
        queue_watch=watched_queue,
        process_calls=GatewayProcessCalls(backend, own_calls),
        doubted=rights.doubt_stream,
    )
    return Streams(
        watch,
        log_watch,
        presence,
        rights,
        connections,
        sender,
        catch_up,
        acks,
        ack_times,
        StreamCounts(connections.streams),
        live,
        resync,
        watched_queue,
        _timeouts(settings, connections, catch_up, sender, unwritten),
        Tracing(connections, gateway_id=gateway_id, now=loop.time, clock=lambda: time.time_ns() // 1_000),
        stream_log,
    )


def _presence(settings: Settings, watch: Watch, backend: Backend) -> tuple[WatchRights, GatewayPresence]:
    rights = WatchRights(backend.forward)
    presence = GatewayPresence(
        subscribe=watch.subscribe,
        unsubscribe=watch.unsubscribe,
        rate=settings.presence.change_rate(),
        doubted=rights.doubt_watchers,
    )
    rights.begin(presence)
    return rights, presence


def _timeouts(
    settings: Settings,
    connections: ConnectionManager,
    catch_up: CatchUp,
    sender: DeviceSender,
    unwritten: UnwrittenAcks,
) -> StreamTimeouts:
    return StreamTimeouts(
        connections.peers,
        catch_up,
        end=sender.end,
        failed=unwritten.failed,
        after_tick=connections.flush,
        heartbeat_interval=settings.streams.heartbeat_interval(),
        repair_pull=settings.streams.repair_pull_seconds,
        delivery_retry=settings.redelivery.first_pause(),
    )
