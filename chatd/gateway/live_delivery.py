"""LiveDelivery: queue → devices. The messages of one turn of the loop, each passed on untouched to
the streams of its topics."""

from collections.abc import Callable, Mapping
from functools import partial

import structlog
from google.protobuf.message import DecodeError

from chatd.core.counter import Counter
from chatd.core.each import each
from chatd.core.ids import DELIVERIES, SIGNALS, WATCH
from chatd.core.priority import URGENT
from chatd.core.stream import DeviceStream, Published, Run, count_of
from chatd.core.wire import plain_records, split_queue_body
from chatd.errors import ChatdError, Superseded
from chatd.gateway.ack_times import AckTimes
from chatd.gateway.catch_up import Deliver, Pulls
from chatd.gateway.connection import ClientConnection
from chatd.gateway.device_sender import frames_of
from chatd.gateway.log_watch import LogWatch
from chatd.gateway.process_calls import GatewayProcessCalls
from chatd.gateway.queue_watch import QueueWatch
from chatd.pb.node.v1.node_pb2 import QueueHeader
from chatd.transport.queue import QueueMessage

log = structlog.get_logger()

MAX_PLAIN_BYTES = 4_194_304
"""A message that would be larger without compression is not passed on: streams that need it plain
pull it, a window at a time."""

_NOTHING = Published((), 0, b"")
_NOT_MADE: Published | None = _NOTHING


class LiveDelivery:
    """Takes batches from the queue. ``streams`` are the open ones, by topic; ``doubted`` is told of
    a stream whose profile may have left a room."""

    def __init__(
        self,
        streams: Mapping[bytes, ClientConnection],
        pulls: Pulls,
        log_watch: LogWatch,
        times: AckTimes,
        *,
        deliver: Deliver,
        presence: Callable[[bytes, bytes], None],
        end: Callable[[ClientConnection, ChatdError], None],
        queue_watch: QueueWatch,
        process_calls: GatewayProcessCalls,
        doubted: Callable[[ClientConnection], None],
    ) -> None:
        self._streams = streams
        self._pulls = pulls
        self._log_watch = log_watch
        self._times = times
        self._deliver = deliver
        self._presence = presence
        self._end = end
        self._queue_watch = queue_watch
        self._process_calls = process_calls
        self._doubted = doubted
        self.passed_on = Counter("deliveries_passed_on", "published deliveries passed on to devices")

    def on_batch(self, batch: list[QueueMessage]) -> None:
        """One event goes to many devices with the same body: it is taken apart once, and kept
        once."""
        outgoing: dict[ClientConnection, list[bytes]] = {}
        each(batch, partial(self._on_message, outgoing), self._unhandled)
        parts: list[bytes] = []
        joined: list[bytes] = []
        for peer, records in outgoing.items():
            if len(records) > 1:
                # The devices of one room get the same messages: they are joined once.
                if records != parts:
                    parts, joined = records, list(frames_of(records))
                records = joined
            self._deliver(peer, records, False)
        self._pulls.flush()

    def _on_message(self, outgoing: dict[ClientConnection, list[bytes]], message: QueueMessage) -> None:
        """Add the records to send to ``outgoing``."""
        streams = self._streams
        topics, body = message
        if not topics:
            self._on_own(body)
            return
        # Parsed when the first of its streams is found: a signal has no header.
        head: QueueHeader | None = None
        published, plain = _NOTHING, _NOT_MADE
        passed_on = 0
        alone: list[bytes] = []  # the records; a list of one is never changed: many connections have it
        for topic in topics:
            peer = streams.get(topic)
            if peer is None or peer.stream is None:
                self._on_other(topic, body)
                continue
            if head is None:
                head, published = _parse(body)
            stream = peer.stream
            if not published.runs:
                self._on_word(peer, stream, head)
                continue
            mine: Published | None = published
            if stream.plain:
                if plain is _NOT_MADE:
                    plain = _plain(published)
                mine = plain
            if mine is None or peer.link.is_full:
                stream.fall_behind()
            elif stream.offer(mine):
                passed_on += 1
                waiting = outgoing.get(peer)
                if waiting is None:
                    if not alone or alone[0] is not mine.records:
                        alone = [mine.records]
                    outgoing[peer] = alone
                elif len(waiting) == 1:
                    outgoing[peer] = [*waiting, mine.records]
                else:
                    waiting.append(mine.records)
            if stream.wants_pull:
                self._pulls.want(peer)
        if published.runs:
            self._log_watch.seen = published.runs[-1]
        if head is not None and head.published_at_us:
            self._times.passed_on(topics, head.published_at_us)
        self.passed_on.add(passed_on * published.events)

    def _unhandled(self, message: QueueMessage, exc: Exception) -> None:
        """Its streams pull what it held."""
        log.exception("A queue message could not be handled; its streams pull")
        for topic in message.topics:
            peer = self._streams.get(topic)
            if peer is not None and peer.stream is not None:
                peer.stream.fall_behind()
                if peer.stream.wants_pull:
                    self._pulls.want(peer)

    def _on_word(self, peer: ClientConnection, stream: DeviceStream, head: QueueHeader) -> None:
        """A message to a device's stream with no deliveries."""
        if head.epoch > stream.key.epoch:
            self._end(peer, Superseded("a newer stream of this device is open"))
        elif head.resync:
            self._doubted(peer)
            stream.fall_behind()
            if stream.wants_pull:
                self._pulls.want(peer)

    def _on_own(self, body: bytes) -> None:
        """A message to this gateway itself."""
        head, _ = _parse(body)
        if head.HasField("process_call"):
            self._process_calls.heard(head.process_call, head.node_started_at_us)
        elif head.resync:
            self._queue_watch.reconnected(head.node_started_at_us)
        else:
            self._queue_watch.beat(head.node_started_at_us, head.watched)

    def _on_other(self, topic: bytes, body: bytes) -> None:
        """A signal, or for a stream that has just ended."""
        if topic.endswith(WATCH):
            self._presence(topic, body)
        elif topic.endswith(SIGNALS):
            peer = self._streams.get(topic[:-1] + DELIVERIES)
            if peer is not None and peer.wants_signals:
                peer.link.send(body)


def _parse(body: bytes) -> tuple[QueueHeader, Published]:
    encoded, records = split_queue_body(body)
    try:
        head = QueueHeader.FromString(encoded)
    except DecodeError:
        log.error("A queue message does not parse; streams will pull what it held")
        head, records = QueueHeader(resync=True), b""
    runs = tuple(Run(run.room_id, run.first_seq, run.last_seq) for run in head.runs)
    return head, Published(runs, count_of(runs), records, head.priority >= URGENT)


def _plain(message: Published) -> Published | None:
    """The same with nothing compressed; None when that is too much at once, or when a payload
    cannot be decompressed: the streams pull, and get a marker in its place."""
    try:
        records = plain_records(message.records, MAX_PLAIN_BYTES)
    except ChatdError:
        return None
    if records is None or records is message.records:
        return message if records is not None else None
    return Published(message.runs, message.events, records, message.urgent)
