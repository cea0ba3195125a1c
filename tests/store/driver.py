"""Drives a writer and a reader from a test, one call at a time or many at once; and the commands
that most tests need."""

import queue
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from chatd.core.deadline import Deadline
from chatd.core.log_state import LogState
from chatd.core.model import CommittedRun, Owed, OwedRun, Pull, StreamAcks, StreamKey
from chatd.core.priority import NORMAL
from chatd.core.start import HEAD, Start
from chatd.default.dead_letters.failures import RetryRule
from chatd.default.devices.model import DeviceHello
from chatd.default.devices.store import ExpireDevices, FindUnusedDevices, OpenStreams
from chatd.default.fan_out.marks import MarkPublished
from chatd.default.messages.model import NewEvent
from chatd.default.messages.store import StoreEvents
from chatd.default.nodes.log_store import CompareLog
from chatd.default.outbox.backlog import PullOwed
from chatd.default.outbox.cursors import AckCursors
from chatd.default.retention.erase import EraseProfile, FindTraces
from chatd.default.retention.model import Purged
from chatd.errors import ChatdError
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame
from chatd.store.access import Failed, StoreAccess
from chatd.store.command import Command, Query
from chatd.store.database import Database
from chatd.store.reader import Reader
from chatd.store.room_log import MembersCache
from chatd.store.worker import Completed
from chatd.store.writer import WriteBatch, Writer

R = TypeVar("R")
MANY = 1_000
"""Devices of a profile, for tests that are not about their number."""


class Store:
    """A database with its writer and reader running. Results that are errors are raised."""

    def __init__(self, uri: str) -> None:
        self.database = Database(uri)
        self.members = MembersCache()
        self.runs: list[CommittedRun] = []
        self.batches = 0
        self.stopped_with: list[ChatdError] = []
        self.logs: list[LogState] = []
        self.now_us = 1_000_000
        """Advances by a microsecond a transaction; tests may turn it."""
        self.writer = Writer(self.database, self.members, self._written, self._tick, self.stopped_with.append)
        self.reader = Reader(self.database, self._complete)
        self.writer.start()
        self.reader.start()

    def _tick(self) -> int:
        self.now_us += 1
        return self.now_us

    def _written(self, batch: WriteBatch) -> None:
        self.batches += 1
        self.runs += batch.runs
        if batch.log is not None:
            self.logs.append(batch.log)
        self._complete(batch.completed)

    def _complete(self, batch: list[Completed]) -> None:
        for completed in batch:
            if completed.on_result is not None:
                completed.on_result(completed.result)

    def many(self, commands: Sequence[Command[object]]) -> list[Any]:
        """Submit at once; results in order, errors as values."""
        results: list[queue.SimpleQueue[object]] = [queue.SimpleQueue() for _ in commands]
        for command, result in zip(commands, results, strict=True):
            self.writer.submit(command, result.put)
        return [result.get(timeout=20) for result in results]

    def do(self, command: Command[R]) -> R:
        (result,) = self.many([command])
        return cast(R, _value(result))

    def ask(self, query: Query[R]) -> R:
        result: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.reader.submit(query, result.put)
        return cast(R, _value(result.get(timeout=20)))

    def erase(self, profile_id: str, limit: int = 100) -> Purged:
        """One step of erasing a profile, as the operator's call does it."""
        return self.do(EraseProfile(profile_id, self.ask(FindTraces(profile_id, limit)), limit))

    def expire(self, unseen_since_us: int, limit: int = 100) -> int:
        """One step of expiring devices, as a pass of retention does it."""
        return self.do(ExpireDevices(self.ask(FindUnusedDevices(unseen_since_us, limit)), unseen_since_us))

    def publish(self) -> None:
        """Mark the committed runs as published, as fan-out does."""
        runs, self.runs = self.runs, []
        self.do(MarkPublished(tuple((run.room_id, run.first_seq, run.last_seq) for run in runs)))

    def log_state(self) -> LogState:
        """Which log the database holds, and how far it has come."""
        return self.ask(CompareLog(())).log

    def open(self, profile: str, device: str, start: Start | None = HEAD) -> StreamKey:
        """A stream; if the device is new it begins at ``start``."""
        (opened,) = self.do(OpenStreams((DeviceHello(profile, device, start),), MANY))
        return StreamKey(profile, device, opened.epoch)

    def epochs(self, *devices: tuple[str, str], most: int = MANY) -> tuple[int, ...]:
        """The epochs of streams that are opened at once; new devices begin at the head."""
        hellos = tuple(DeviceHello(*device, HEAD) for device in devices)
        return tuple(one.epoch for one in self.do(OpenStreams(hellos, most)))

    def owed(self, stream: StreamKey, **limits: Any) -> Owed:
        (owed,) = self.ask(PullOwed((Pull(stream, **limits),)))
        return owed

    def close(self) -> None:
        self.writer.stop()
        self.reader.stop()


def _value(result: object) -> object:
    if isinstance(result, ChatdError):
        raise result
    return result


class DirectAccess(StoreAccess):
    """Answers at once, on the caller's thread; ``commands`` keeps what was asked of the writer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.engine = store.database.engine
        self.commands: list[Command[object]] = []
        self.deadlines: list[Deadline | None] = []
        """Those of the commands that calls made."""

    def ask(
        self,
        query: Query[R],
        then: Callable[[R], None],
        failed: Failed | None = None,
        *,
        owner: str = "",
        deadline: Deadline | None = None,
    ) -> None:
        then(self._store.ask(query))

    def write(
        self,
        command: Command[R],
        then: Callable[[R], None],
        failed: Failed | None = None,
        *,
        deadline: Deadline | None = None,
    ) -> None:
        self.commands.append(command)
        self.deadlines.append(deadline)
        then(self._store.do(command))

    def tell(self, command: Command[object]) -> None:
        self.commands.append(command)
        self._store.do(command)


def at_once(nodes: Iterable[Store], action: Callable[[Store], R]) -> list[R]:
    """The results of ``action`` on each node, run at the same time. Raises the error of the first
    that failed."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(action, nodes))


def event(
    room: str, event_id: str, payload: bytes = b"", priority: int = NORMAL, mentions: tuple[str, ...] = ()
) -> NewEvent:
    return NewEvent(
        event_id, room, 1, payload, content_hash=room.encode() + payload, priority=priority, mentions=mentions
    )


def send(sender: str, *events: NewEvent) -> StoreEvents:
    return StoreEvents(sender, events)


RULE = RetryRule(max_retries=2, first_us=0)


def acks(*streams: tuple[StreamKey, dict[str, int]]) -> AckCursors:
    return AckCursors(tuple(StreamAcks(stream, cursors) for stream, cursors in streams), RULE)


def failed(stream: StreamKey, room: str, seq: int, rule: RetryRule = RULE) -> AckCursors:
    return AckCursors((StreamAcks(stream, failed=(room, seq)),), rule)


def reject(stream: StreamKey, seq: int, text: str = "no") -> AckCursors:
    return AckCursors((StreamAcks(stream, rejected=(("r", seq, text),)),), RULE)


def ranges(owed: Owed) -> list[tuple[str, int, int]]:
    """Room, first and last seq of each run."""
    return [(run.room_id, run.first_seq, run.last_seq) for run in owed.runs]


def deliveries(runs: Sequence[OwedRun]) -> list[EventDelivery]:
    return [one for run in runs for one in ServerFrame.FromString(run.records).deliveries]


def owed_deliveries(store: Store, stream: StreamKey, **limits: Any) -> list[EventDelivery]:
    return deliveries(store.owed(stream, **limits).runs)
