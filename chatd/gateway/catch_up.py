"""Pulls from the outbox for streams that are CATCHING_UP: all that want one in a turn of the loop
share one call."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Protocol

import structlog

from chatd.core.counter import Counter
from chatd.core.each import each
from chatd.core.model import Owed, OwedRun, Pull
from chatd.core.outage import OneCause, Outage
from chatd.core.stream import DeviceStream
from chatd.core.wire import error_from_pb
from chatd.errors import ChatdError, StreamUnknown, Superseded, Unavailable
from chatd.gateway.backend import NodeCalls
from chatd.gateway.connection import ClientConnection
from chatd.gateway.log_watch import LogWatch, another_log
from chatd.pb.node.v1.node_pb2 import (
    PullOutboxRequest,
    PullOutboxResponse,
    RoomCursor,
    StreamOwed,
    StreamPull,
)

log = structlog.get_logger()

RETRY_SECONDS = 0.5
MAX_PULL_BYTES = 1_048_576
MAX_CALL_BYTES = 8 * MAX_PULL_BYTES
"""The most that a stream and a call may ask for. Single deliveries may be larger than what is asked
for, so the node leaves streams unread for which its answer has no room."""

Deliver = Callable[[ClientConnection, Sequence[bytes], bool], None]
"""Sends delivery records; True: then tells the device that it has caught up
(``DeviceSender.deliver``)."""


class Pulls(Protocol):
    """Pulls for streams that want one (``CatchUp``)."""

    def want(self, peer: ClientConnection) -> None:
        """The connection's stream wants a pull; it goes out with the next ``flush``."""

    def flush(self) -> None: ...


class CatchUp:
    """Asks for, and hands on, what streams are owed."""

    def __init__(
        self,
        calls: NodeCalls,
        log_watch: LogWatch,
        *,
        gateway_id: str,
        deliver: Deliver,
        end: Callable[[ClientConnection, ChatdError], None],
        later: Callable[[float, Callable[[], None]], object],
        now: Callable[[], float],
        cause: OneCause | None = None,
    ) -> None:
        self._outage = Outage(
            log,
            "The outbox cannot be pulled; trying again",
            "The outbox is pulled again",
            now=now,
            cause=cause,
        )
        self._calls = calls
        self._log_watch = log_watch
        self._gateway_id = gateway_id
        self._deliver = deliver
        self._end = end
        self._later = later
        self._wanting: set[ClientConnection] = set()
        self.pulled = Counter("deliveries_pulled", "deliveries pulled from the outbox and sent to devices")

    def want(self, peer: ClientConnection) -> None:
        """The peer's stream wants a pull; it goes out with the next ``flush``."""
        self._wanting.add(peer)

    def has_room(self, peer: ClientConnection) -> None:
        """The peer's link was full, and has room again."""
        if peer.stream is not None and peer.stream.wants_pull:
            self.want(peer)
            self.flush()

    def flush(self) -> None:
        """Ask for what the streams want whose links have room."""
        if not self._wanting:
            return
        wanting, self._wanting = self._wanting, set()
        batch: list[tuple[ClientConnection, Pull]] = []
        asked = 0
        for peer in wanting:
            if peer.stream is None or peer.link.is_full:
                continue  # ``has_room`` asks again
            if not self._log_watch.is_current(peer.stream):
                self._end(peer, another_log())
                continue
            pull = peer.stream.begin_pull()
            if pull is None:
                continue
            if asked + min(pull.max_bytes, MAX_PULL_BYTES) > MAX_CALL_BYTES and batch:
                self._ask(batch)
                batch, asked = [], 0
            batch.append((peer, pull))
            asked += min(pull.max_bytes, MAX_PULL_BYTES)
        if batch:
            self._ask(batch)

    def _ask(self, batch: list[tuple[ClientConnection, Pull]]) -> None:
        request = PullOutboxRequest(
            pulls=[_to_pb(pull) for _, pull in batch], log=self._log_watch.newest.to_pb()
        )
        self._calls.call(
            "NodeService/PullOutbox",
            request,
            lambda payload, error: self._answered(batch, payload, error),
            affinity=self._gateway_id,
        )

    def _answered(
        self, batch: list[tuple[ClientConnection, Pull]], payload: bytes, error: ChatdError | None
    ) -> None:
        answers: Sequence[StreamOwed] = ()
        if error is None:
            answers = PullOutboxResponse.FromString(payload).owed
            self._outage.worked()
        else:
            self._outage.failed(error, streams=len(batch))
        again: list[ClientConnection] = []

        def take(one: tuple[tuple[ClientConnection, Pull], StreamOwed | None]) -> None:
            (peer, pull), owed = one
            if peer.stream is None or peer.stream.key != pull.stream:
                return  # closed or replaced meanwhile
            if owed is None or owed.HasField("error"):
                peer.stream.pull_failed()
                again.append(peer)
            elif owed.unread:
                peer.stream.pull_failed()
                self.want(peer)
            else:
                self._pulled(peer, peer.stream, _from_pb(owed))

        def failed(one: tuple[tuple[ClientConnection, Pull], StreamOwed | None], exc: Exception) -> None:
            log.exception("The answer to a pull could not be handled; its stream ends")
            self._end(one[0][0], Unavailable(f"the backlog could not be handled: {type(exc).__name__}"))

        each(zip_longest(batch, answers[: len(batch)]), take, failed)
        if again:
            self._later(RETRY_SECONDS, lambda: self._again(again))
        self.flush()

    def _pulled(self, peer: ClientConnection, stream: DeviceStream, owed: Owed) -> None:
        before = stream.window.sent
        try:
            frames, caught_up = stream.pulled(owed)
        except (Superseded, StreamUnknown) as exc:
            self._end(peer, exc)
            return
        self.pulled.add(stream.window.sent - before)
        self._deliver(peer, frames, caught_up)
        if stream.wants_pull:
            self.want(peer)

    def _again(self, peers: list[ClientConnection]) -> None:
        for peer in peers:
            if peer.stream is not None and peer.stream.wants_pull:
                self.want(peer)
        self.flush()


def _to_pb(pull: Pull) -> StreamPull:
    return StreamPull(
        profile_id=pull.stream.profile_id,
        device_id=pull.stream.device_id,
        epoch=pull.stream.epoch,
        sent=[RoomCursor(room_id=room_id, seq=seq) for room_id, seq in pull.sent.items()],
        max_messages=pull.max_messages,
        max_bytes=min(pull.max_bytes, MAX_PULL_BYTES),
        want_cursors=pull.want_cursors,
        first_may_exceed=pull.first_may_exceed,
        again=RoomCursor(room_id=pull.again[0], seq=pull.again[1]) if pull.again is not None else None,
        plain=pull.plain,
        urgent_only=pull.urgent_only,
        replays=[RoomCursor(room_id=room_id, seq=seq) for room_id, seq in pull.replays],
    )


def _from_pb(owed: StreamOwed) -> Owed:
    return Owed(
        runs=tuple(
            OwedRun(
                run.room_id,
                run.first_seq,
                run.last_seq,
                run.deliveries,
                skipped=run.skipped,
                again=run.again,
                replay=run.replay,
            )
            for run in owed.runs
        ),
        more=owed.more,
        cursors={cursor.room_id: cursor.seq for cursor in owed.cursors},
        superseded=owed.superseded,
        unknown=owed.unknown,
        alone=owed.alone,
        unread=owed.unread,
        error=error_from_pb(owed.error) if owed.HasField("error") else None,
    )
