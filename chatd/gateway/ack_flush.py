"""Acks on their way back: every stream's cursors that moved are written together, every few milliseconds, until confirmed."""

from collections.abc import Callable
from typing import NamedTuple

import structlog

from chatd.core.ack_batch import encode_acks
from chatd.core.model import StreamAcks
from chatd.core.stream import DeviceStream
from chatd.errors import ChatdError, Superseded
from chatd.gateway.backend import Backend
from chatd.gateway.catch_up import CatchUp
from chatd.gateway.connection import ClientConnection
from chatd.pb.node.v1.node_pb2 import AckBatchResponse

log = structlog.get_logger()

MAX_STREAMS = 256
"""In one call: a transaction of many more would hold up the events that come behind it."""


class _Flushed(NamedTuple):
    """What one stream had to say; nothing (``acks`` is None) says that it lives."""

    peer: ClientConnection
    stream: DeviceStream
    acks: StreamAcks | None


class AckFlush:
    """Gathers streams with acks and sends AckBatch. A batch that fails is gathered again."""

    def __init__(
        self, backend: Backend, catch_up: CatchUp, *, gateway_id: str, end: Callable[[ClientConnection, ChatdError], None]
    ) -> None:
        self._backend = backend
        self._catch_up = catch_up
        self._gateway_id = gateway_id
        self._end = end
        # A stream that has ended is still flushed: what its device acknowledged counts.
        self._acked: dict[DeviceStream, ClientConnection] = {}
        self._alive: dict[DeviceStream, ClientConnection] = {}

    def acked(self, peer: ClientConnection) -> None:
        """The peer's stream has acks, rejections or a failure to write."""
        if peer.stream is not None:
            self._acked[peer.stream] = peer

    def alive(self, peer: ClientConnection) -> None:
        """The peer has been heard: noted with the next flush for operators to see."""
        if peer.stream is not None:
            self._alive[peer.stream] = peer

    def flush(self) -> None:
        """Send what has gathered; while no default node answers it gathers on."""
        if not self._backend.ready:
            return
        batch: list[_Flushed] = []
        still_under_way: dict[DeviceStream, ClientConnection] = {}
        for stream, peer in (self._acked | self._alive).items():
            if stream.pending_acks.under_way:
                still_under_way[stream] = peer
                continue
            batch.append(_Flushed(peer, stream, stream.pending_acks.take()))
        self._acked, self._alive = still_under_way, {}
        for start in range(0, len(batch), MAX_STREAMS):
            self._send(batch[start : start + MAX_STREAMS], None)

    def flush_one(self, peer: ClientConnection, done: Callable[[], None]) -> None:
        """Write the acks of a stream that ends, then call ``done``, whatever came of it."""
        stream = peer.stream
        acks = stream.pending_acks.take() if stream is not None else None
        if stream is None or acks is None:
            done()
            return
        self._acked.pop(stream, None)
        self._send([_Flushed(peer, stream, acks)], done)

    def _send(self, batch: list[_Flushed], done: Callable[[], None] | None) -> None:
        def written(payload: bytes, error: ChatdError | None) -> None:
            self._written(batch, payload, error)
            if done is not None:
                done()

        request = encode_acks([one.acks or StreamAcks(one.stream.key) for one in batch])
        self._backend.call("NodeService/AckBatch", request, written, affinity=self._gateway_id)

    def _written(self, batch: list[_Flushed], payload: bytes, error: ChatdError | None) -> None:
        if error is not None:
            log.warning("Acks could not be written; trying again", error=str(error), streams=len(batch))
            for peer, stream, acks in batch:
                if acks is not None:
                    stream.pending_acks.lost()
                    self._acked[stream] = peer
            return
        superseded = set(AckBatchResponse.FromString(payload).superseded)
        for index, (peer, stream, acks) in enumerate(batch):
            if acks is not None:
                stream.acks_written()
            if peer.stream is not stream:
                continue
            if index in superseded:
                self._end(peer, Superseded("a newer stream of this device is open"))
            elif stream.wants_pull:
                self._catch_up.want(peer)
        self._catch_up.flush()
