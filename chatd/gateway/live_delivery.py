"""The queue's way to the devices: PUB messages of one turn of the loop, each passed on untouched to its topic's stream."""

import re
from collections.abc import Callable, Mapping

import structlog
from google.protobuf.message import DecodeError

from chatd.core.counter import Counter
from chatd.core.ids import DELIVERIES, SIGNALS, WATCH
from chatd.core.priority import URGENT
from chatd.core.stream import Published, Run, count_of
from chatd.core.wire import plain_records, split_queue_body
from chatd.errors import ChatdError, Superseded
from chatd.gateway.catch_up import Deliver, Pulls
from chatd.gateway.connection import ClientConnection
from chatd.pb.node.v1.node_pb2 import QueueHeader

log = structlog.get_logger()

MAX_PLAIN_BYTES = 4_194_304
"""A message that would be larger without compression is not passed on: streams that need it plain pull it, a window at a time."""

_TOPIC = re.compile(rb"[^\0-\x1f]+[\0-\x1f]")
"""Ids hold no control characters: the first one ends the topic."""
_NOT_MADE = Published((), 0, b"")


class LiveDelivery:
    """Takes batches from the queue. ``streams`` are the open ones, by topic."""

    def __init__(
        self,
        streams: Mapping[bytes, ClientConnection],
        pulls: Pulls,
        *,
        deliver: Deliver,
        presence: Callable[[bytes, bytes], None],
        end: Callable[[ClientConnection, ChatdError], None],
    ) -> None:
        self._streams = streams
        self._pulls = pulls
        self._deliver = deliver
        self._presence = presence
        self._end = end
        self.passed_on = Counter("deliveries_passed_on", "published deliveries passed on to devices")

    def on_batch(self, batch: list[list[bytes]]) -> None:
        streams = self._streams
        passed_on = 0
        outgoing: dict[ClientConnection, list[bytes]] = {}
        # One event goes to many devices in a row with the same body: it is taken apart once, and kept once.
        last, head, message = b"", QueueHeader(), _NOT_MADE
        plain: Published | None = _NOT_MADE
        for (frame,) in batch:
            cut = frame.find(b"\0") + 1
            # The subscription matched a prefix; the stream is looked up by the whole topic.
            peer = streams.get(frame[:cut])
            if peer is None or peer.stream is None:
                self._on_other(frame)
                continue
            body = frame[cut:]
            if body != last:
                last, plain = body, _NOT_MADE
                head, message = _parse(body)
            stream = peer.stream
            if message.runs:
                mine: Published | None = message
                if stream.plain:
                    if plain is _NOT_MADE:
                        plain = _plain(message)
                    mine = plain
                if mine is None:
                    stream.fall_behind()
                elif stream.offer(mine):
                    passed_on += mine.events
                    waiting = outgoing.get(peer)
                    if waiting is None:
                        outgoing[peer] = [mine.records]
                    else:
                        waiting.append(mine.records)
            elif head.epoch > stream.key.epoch:
                self._end(peer, Superseded("a newer stream of this device is open"))
            elif head.subscribed:
                stream.fall_behind()
            if stream.wants_pull:
                self._pulls.want(peer)
        self.passed_on.add(passed_on)
        for peer, records in outgoing.items():
            self._deliver(peer, records, False)
        self._pulls.flush()

    def _on_other(self, frame: bytes) -> None:
        """A signal, or for a stream that has just ended."""
        found = _TOPIC.match(frame)
        if found is None:
            return
        topic, body = found.group(), frame[found.end() :]
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
        head, records = QueueHeader(subscribed=True), b""
    runs = tuple(Run(run.room_id, run.first_seq, run.last_seq) for run in head.runs)
    return head, Published(runs, count_of(runs), records, head.priority >= URGENT)


def _plain(message: Published) -> Published | None:
    """The same with nothing compressed; None when that is too much at once."""
    records = plain_records(message.records, MAX_PLAIN_BYTES)
    if records is None or records is message.records:
        return message if records is not None else None
    return Published(message.runs, message.events, records, message.urgent)
