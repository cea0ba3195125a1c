"""NodeService: the calls of gateways for their streams: epochs, backlogs, cursors that move."""

import time
from collections.abc import Callable, Sequence

import structlog

from chatd.core.ack_batch import decode_acks
from chatd.core.counter import Counter
from chatd.core.ids import check_id, check_seq, topic_of
from chatd.core.log_state import from_pb
from chatd.core.model import Owed, Pull, Shown, StreamAcks, StreamKey
from chatd.core.seldom import Seldom
from chatd.core.start import read_start
from chatd.core.wire import error_to_pb
from chatd.default.answer import (
    Answer,
    Call,
    Caller,
    CallStore,
    Done,
    Later,
    Read,
    Refuse,
    Respond,
    Role,
    Write,
)
from chatd.default.dead_letters.failures import RetryRule
from chatd.default.devices.connection_cache import ConnectionCache
from chatd.default.devices.device_limit import DeviceLimit, Opened
from chatd.default.devices.model import Connection, DeviceHello, Registered
from chatd.default.messages.unreadable import Unreadable
from chatd.default.nodes.gateways import Gateways
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.log_comparison import LogComparison
from chatd.default.nodes.log_store import Compared
from chatd.default.outbox.backlog import PullOwed
from chatd.default.outbox.cursors import AckCursors, NotCounted
from chatd.default.part import Part
from chatd.default.tokens.revoked import RevokedTokens
from chatd.errors import ChatdError
from chatd.pb.gateway.v1 import gateway_pb2
from chatd.pb.node.v1 import node_pb2
from chatd.store.steady import steady_us

log = structlog.get_logger()


class NodeService:
    """``asked`` is told that a gateway lives, and gives the last Watch of it that was applied;
    ``tell_epoch`` closes a topic's older streams; ``acknowledged`` is told of cursors that moved.
    ``clock`` gives microseconds since the Unix epoch."""

    def __init__(
        self,
        *,
        description: node_pb2.DescribeResponse,
        leases: Leases,
        comparison: LogComparison,
        gateways: Gateways,
        revoked: RevokedTokens,
        asked: Callable[[str], int],
        rule: RetryRule,
        limit: DeviceLimit,
        cache: ConnectionCache,
        tell_epoch: Callable[[bytes, int], None],
        acknowledged: Callable[[Sequence[StreamAcks]], None],
        unreadable: Unreadable,
        clock: Callable[[], int],
    ) -> None:
        self._description = description
        self._leases = leases
        self._comparison = comparison
        self._gateways = gateways
        self._revoked = revoked
        self._asked = asked
        self._rule = rule
        self._limit = limit
        self._cache = cache
        self._tell_epoch = tell_epoch
        self._clock = clock
        self._acknowledged = acknowledged
        self._unreadable = unreadable
        self._seldom = Seldom()
        self._events_pulled = Counter("events_pulled", "events read from the outbox for gateways")
        self.part = Part(
            calls=(
                Call("NodeService/Describe", node_pb2.DescribeRequest, Role.GATEWAY, self.describe),
                Call("NodeService/OpenStreams", node_pb2.OpenStreamsRequest, Role.GATEWAY, self.open_streams),
                Call("NodeService/PullOutbox", node_pb2.PullOutboxRequest, Role.GATEWAY, self.pull_outbox),
                Call("NodeService/AckBatch", node_pb2.AckBatchRequest, Role.GATEWAY, self.ack_batch),
                Call(
                    "NodeService/CloseStreams", node_pb2.CloseStreamsRequest, Role.GATEWAY, self.close_streams
                ),
            ),
            counters=(self._events_pulled, limit.replaced),
        )

    def describe(self, caller: Caller, request: node_pb2.DescribeRequest) -> Answer:
        """This node and the others that serve. The call shows the gateway that the node lives, and
        the node that the gateway does. One that this node cannot speak to is told the numbers."""
        response = node_pb2.DescribeResponse(
            call_uri=self._leases.call_uri, queue_uri=self._leases.queue_uri, steady_us=steady_us()
        )
        response.MergeFrom(self._description)
        refused = self._gateways.heard(request)
        if refused:
            response.ClearField("queue_name")
            response.refused = refused
            return Done(response)
        self._leases.record_gateway(request)
        self._comparison.described(request)
        response.MergeFrom(
            node_pb2.DescribeResponse(
                nodes=self._leases.default_nodes(),
                gateway_uris=self._leases.gateway_uris(),
                watched=self._asked(request.gateway_instance),
                log=self._comparison.log.state.to_pb(),
                drained=self._leases.is_drained,
            )
        )
        self._revoked.tell(response, request.revocations_version)
        return Done(response)

    def open_streams(self, caller: Caller, request: node_pb2.OpenStreamsRequest) -> Answer:
        """Raise the devices' epochs, register their connections, tell older streams. A new device
        that its profile has no place for is refused alone."""
        hellos = tuple(map(_to_hello, request.streams))
        shown = {
            index: (hellos[index].profile_id, _to_shown(one.shown))
            for index, one in enumerate(request.streams)
            if one.HasField("shown")
        }

        def then(compared: Compared, outcomes: Sequence[Opened]) -> node_pb2.OpenStreamsResponse:
            now = self._clock()
            opened = [(index, one) for index, one in enumerate(outcomes) if isinstance(one, Registered)]
            new = [(index, one.start) for index, one in opened if one.start is not None]
            self._cache.register(
                tuple(
                    Connection(
                        *hellos[index].device,
                        one.epoch,
                        request.gateway_id,
                        request.streams[index].client,
                        since_us=now,
                        seen_us=now,
                    )
                    for index, one in opened
                )
            )
            for index, one in opened:
                self._tell_epoch(topic_of(*hellos[index].device), one.epoch)
            return node_pb2.OpenStreamsResponse(
                epochs=[one.epoch if isinstance(one, Registered) else 0 for one in outcomes],
                new_devices=[index for index, _ in new],
                starts=[start.to_pb() for _, start in new],
                refused=[
                    node_pb2.RefusedStream(stream=index, error=error_to_pb(one))
                    for index, one in enumerate(outcomes)
                    if isinstance(one, ChatdError)
                ],
                log=compared.log.to_pb(),
                rewound=[index for index, one in shown.items() if one in compared.lost],
            )

        def begin(store: CallStore, respond: Respond, refuse: Refuse) -> None:
            def open_them(compared: Compared) -> None:
                self._limit.open(store, hellos, lambda outcomes: respond(then(compared, outcomes)), refuse)

            self._comparison.compare(from_pb(request.log), list(shown.values()), open_them, refuse)

        return Later(begin)

    def pull_outbox(self, caller: Caller, request: node_pb2.PullOutboxRequest) -> Answer:
        """Read the backlog of streams."""
        pulls = tuple(_to_pull(pull) for pull in request.pulls)

        def then(answers: Sequence[Owed]) -> node_pb2.PullOutboxResponse:
            self._events_pulled.add(
                sum(run.last_seq - run.first_seq + 1 for owed in answers for run in owed.runs)
            )
            return node_pb2.PullOutboxResponse(owed=[_to_pb(owed) for owed in answers])

        return Read(PullOwed(pulls, from_pb(request.log), self._unreadable), then)

    def ack_batch(self, caller: Caller, request: node_pb2.AckBatchRequest) -> Answer:
        """Move cursors, record failures and rejections. Acks that do not count are named in the
        response."""
        acks = decode_acks(request)
        alive = tuple(one.stream for one in acks if not one)
        if alive:
            self._cache.touch(alive, self._clock())

        def after(not_counted: NotCounted) -> None:
            for index, room_id, seq in not_counted.dead:
                self._say_dead(acks[index].stream, room_id, seq)
            left_out = {*not_counted.superseded, *not_counted.unknown}
            self._acknowledged(
                [one for index, one in enumerate(acks) if index not in left_out] if left_out else acks
            )

        def then(not_counted: NotCounted) -> node_pb2.AckBatchResponse:
            return node_pb2.AckBatchResponse(superseded=not_counted.superseded, unknown=not_counted.unknown)

        return Write(AckCursors(acks, self._rule, from_pb(request.log)), then, after)

    def _say_dead(self, stream: StreamKey, room_id: str, seq: int) -> None:
        device = (stream.profile_id, stream.device_id)
        repeated = self._seldom.due(device, time.monotonic())
        if repeated is not None:
            log.warning(
                "A delivery became a dead letter",
                profile=device[0],
                device=device[1],
                room=room_id,
                seq=seq,
                repeated=repeated,
            )

    def close_streams(self, caller: Caller, request: node_pb2.CloseStreamsRequest) -> Answer:
        """Forget connections that ended."""
        self._cache.forget(
            tuple(StreamKey(one.profile_id, one.device_id, one.epoch) for one in request.streams)
        )
        return Done(node_pb2.CloseStreamsResponse())


def _to_hello(one: node_pb2.OpenStream) -> DeviceHello:
    return DeviceHello(
        check_id("profile_id", one.profile_id),
        check_id("device_id", one.device_id),
        read_start(one.start) if one.HasField("start") else None,
        check_seq("ordinal", one.ordinal),
    )


def _to_shown(shown: gateway_pb2.Shown) -> Shown:
    return Shown(
        shown.log,
        check_id("room_id", shown.room_id),
        check_seq("seq", shown.seq),
        check_id("event_id", shown.event_id),
    )


def _to_pull(pull: node_pb2.StreamPull) -> Pull:
    return Pull(
        stream=StreamKey(pull.profile_id, pull.device_id, pull.epoch),
        sent={cursor.room_id: cursor.seq for cursor in pull.sent},
        max_messages=pull.max_messages,
        max_bytes=pull.max_bytes,
        want_cursors=pull.want_cursors,
        first_may_exceed=pull.first_may_exceed,
        again=(pull.again.room_id, pull.again.seq) if pull.HasField("again") else None,
        plain=pull.plain,
        urgent_only=pull.urgent_only,
        replays=frozenset((one.room_id, one.seq) for one in pull.replays),
    )


def _to_pb(owed: Owed) -> node_pb2.StreamOwed:
    return node_pb2.StreamOwed(
        runs=[
            node_pb2.OwedRun(
                room_id=run.room_id,
                first_seq=run.first_seq,
                last_seq=run.last_seq,
                deliveries=run.records,
                skipped=run.skipped,
                again=run.again,
                replay=run.replay,
            )
            for run in owed.runs
        ],
        more=owed.more,
        cursors=[node_pb2.RoomCursor(room_id=room_id, seq=seq) for room_id, seq in owed.cursors.items()],
        superseded=owed.superseded,
        unknown=owed.unknown,
        alone=owed.alone,
        unread=owed.unread,
        error=error_to_pb(owed.error) if owed.error is not None else None,
    )
