"""The queue's way to the devices: PUB messages of one turn of the loop, each passed on untouched to its topic's stream."""

from collections.abc import Callable

import structlog
from google.protobuf.message import DecodeError

from chatd.core.stream import Published, Run, count_of
from chatd.errors import ChatdError, Superseded
from chatd.gateway.catch_up import CatchUp
from chatd.gateway.connection import ConnectionManager, Peer
from chatd.pb.node.v1.node_pb2 import QueueHead

log = structlog.get_logger()

_HEADS_KEPT = 1_000
_NOTHING = Published((), 0, b"")


class LiveDelivery:
    """Takes batches from the SUB socket."""

    def __init__(
        self,
        connections: ConnectionManager,
        catch_up: CatchUp,
        *,
        send: Callable[[Peer, list[bytes], bool], None],
        end: Callable[[Peer, ChatdError], None],
    ) -> None:
        self._streams = connections.streams
        self._catch_up = catch_up
        self._send = send
        self._end = end
        # One event goes to many devices with the same head: parsed once.
        self._heads: dict[bytes, tuple[QueueHead, tuple[Run, ...], int]] = {}

    def on_batch(self, batch: list[list[bytes]]) -> None:
        streams = self._streams
        outgoing: dict[Peer, list[bytes]] = {}
        message = _NOTHING  # the last one: what goes to many devices comes in a row and is kept once
        for frames in batch:
            first = frames[0]
            cut = first.find(b"\0") + 1
            # The subscription matched a prefix; the stream is looked up by the whole topic.
            peer = streams.get(first[:cut])
            if peer is None or peer.stream is None:
                continue
            head, runs, count = self._heads.get(first[cut:]) or self._parse(first[cut:])
            stream = peer.stream
            if runs:
                if message.records != frames[1] or message.runs is not runs:
                    message = Published(runs, count, frames[1])
                if stream.publish(message):
                    waiting = outgoing.get(peer)
                    if waiting is None:
                        outgoing[peer] = [message.records]
                    else:
                        waiting.append(message.records)
            elif head.epoch > stream.key.epoch:
                self._end(peer, Superseded("a newer stream of this device is open"))
            elif head.subscribed:
                stream.fall_behind()
            if stream.wants_pull:
                self._catch_up.want(peer)
        for peer, records in outgoing.items():
            self._send(peer, records, False)
        self._catch_up.flush()

    def _parse(self, encoded: bytes) -> tuple[QueueHead, tuple[Run, ...], int]:
        try:
            head = QueueHead.FromString(encoded)
        except DecodeError:
            log.error("A queue message does not parse; streams will pull what it held")
            head = QueueHead(subscribed=True)
        runs = tuple(Run(run.room_id, run.first_seq, run.last_seq) for run in head.runs)
        if len(self._heads) >= _HEADS_KEPT:
            self._heads.clear()
        self._heads[encoded] = parsed = (head, runs, count_of(runs))
        return parsed
