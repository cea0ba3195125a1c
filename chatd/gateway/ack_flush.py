"""Acks on their way back: the cursors of many streams are written together, until confirmed.
``unwritten_acks.py`` chooses what is written when."""

import math
from collections.abc import Callable
from functools import partial

import structlog

from chatd.core.ack_batch import encode_acks
from chatd.core.counter import Counter
from chatd.core.model import StreamAcks
from chatd.core.outage import OneCause, Outage
from chatd.core.stream import DeviceStream
from chatd.errors import ChatdError, StreamUnknown, Superseded, Unavailable
from chatd.gateway.catch_up import Pulls
from chatd.gateway.connection import ClientConnection
from chatd.gateway.log_watch import LogWatch
from chatd.gateway.unwritten_acks import Flushed, UnwrittenAcks
from chatd.gateway.waiting_calls import OnReply
from chatd.pb.node.v1.node_pb2 import AckBatchRequest, AckBatchResponse

log = structlog.get_logger()

MAX_STREAMS = 256
"""In one call: a transaction of many more would hold up the events that come behind it."""

SendAcks = Callable[[AckBatchRequest, OnReply], None]
"""Sends a batch to a default node."""


class AckFlush:
    """Sends what ``unwritten`` has gathered as AckBatch, by ``send``. A batch that fails is
    gathered again; after an error that will not pass, each of its streams goes alone, and one that
    fails alone is ended. Acks of another log than the nodes serve are dropped. ``is_ready`` is true
    while a default node answers."""

    def __init__(
        self,
        unwritten: UnwrittenAcks,
        pulls: Pulls,
        log_watch: LogWatch,
        *,
        is_ready: Callable[[], bool],
        send: SendAcks,
        end: Callable[[ClientConnection, ChatdError], None],
        now: Callable[[], float],
        cause: OneCause | None = None,
    ) -> None:
        self._outage = Outage(
            log, "Acks cannot be written; trying again", "Acks are written again", now=now, cause=cause
        )
        self._unwritten = unwritten
        self._pulls = pulls
        self._log_watch = log_watch
        self._is_ready = is_ready
        self._send_acks = send
        self._end = end
        self._alone: set[DeviceStream] = set()
        self._ending: dict[DeviceStream, list[Callable[[], None]]] = {}
        """Streams that end when what is under way has been written."""
        self._now = now
        self.acked = unwritten.acked
        self.failed = unwritten.failed
        self.alive = unwritten.alive
        self.written = Counter("acks_written", "streams whose acks were written, counted once a batch")

    def tick(self) -> None:
        """To be called every TICK: send what is due. While no default node answers it gathers
        on."""
        self._flush(self._now())

    def flush(self) -> None:
        """Send all that has gathered."""
        self._flush(math.inf)

    def _flush(self, now: float) -> None:
        if not self._is_ready():
            return
        batch = [one for one in self._unwritten.take(now) if self._is_current(one.stream)]
        if self._alone:
            for one in batch:
                if one.stream in self._alone:
                    self._send([one], None)
            batch = [one for one in batch if one.stream not in self._alone]
            self._alone.clear()
        for start in range(0, len(batch), MAX_STREAMS):
            self._send(batch[start : start + MAX_STREAMS], None)

    def flush_one(self, peer: ClientConnection, done: Callable[[], None]) -> None:
        """Write the acks of a stream that ends, those under way first, then call ``done``, whatever
        came of it."""
        stream = peer.stream
        if stream is not None and stream.pending_acks.under_way:
            self._ending.setdefault(stream, []).append(partial(self.flush_one, peer, done))
            return
        acks = stream.pending_acks.take() if stream is not None else None
        if stream is None or acks is None or not self._is_current(stream):
            done()
            return
        self._unwritten.leave_out(stream)
        self._send([Flushed(peer, stream, acks)], done)

    def _is_current(self, stream: DeviceStream) -> bool:
        """False: its acks are of another log, and have been dropped."""
        if self._log_watch.is_current(stream):
            return True
        stream.pending_acks.drop()
        return False

    def _send(self, batch: list[Flushed], done: Callable[[], None] | None) -> None:
        def written(payload: bytes, error: ChatdError | None) -> None:
            self._written(batch, payload, error)
            if done is not None:
                done()
            for one in batch:
                for flush_rest in self._ending.pop(one.stream, ()):
                    flush_rest()

        request = encode_acks([one.acks or StreamAcks(one.stream.key) for one in batch])
        request.log.CopyFrom(self._log_watch.newest.to_pb())
        self._send_acks(request, written)

    def _written(self, batch: list[Flushed], payload: bytes, error: ChatdError | None) -> None:
        if error is not None:
            self._outage.failed(error, streams=len(batch))
            self._not_written(batch, error)
            return
        self._outage.worked()
        response = AckBatchResponse.FromString(payload)
        superseded, unknown = set(response.superseded), set(response.unknown)
        self.written.add(sum(one.acks is not None for one in batch))
        for index, (peer, stream, acks) in enumerate(batch):
            if acks is not None:
                stream.acks_written()
            if peer.stream is not stream:
                continue
            if index in superseded:
                self._end(peer, Superseded("a newer stream of this device is open"))
            elif index in unknown:
                self._end(peer, StreamUnknown("the database does not know this stream; say Hello again"))
            elif stream.wants_pull:
                self._pulls.want(peer)
        self._pulls.flush()

    def _not_written(self, batch: list[Flushed], error: ChatdError) -> None:
        for peer, stream, acks in batch:
            if acks is None:
                continue
            stream.pending_acks.lost()
            if error.retry or len(batch) > 1:
                self._unwritten.put_back(stream, peer)
                if not error.retry:
                    self._alone.add(stream)
            elif peer.stream is stream:
                self._end(peer, Unavailable("what the device acknowledged cannot be written"))
