"""Drives a writer and a reader from a test, one call at a time or many at once."""

import queue
from collections.abc import Callable, Sequence
from typing import Any

from chatd.core.model import CommittedRun, NewEvent, Owed, Pull, StreamAcks, StreamKey
from chatd.errors import ChatdError
from chatd.store.access import Failed, StoreAccess
from chatd.store.commands import AckCursors, Command, OpenStreams, RetryRule, StoreEvents
from chatd.store.database import Database
from chatd.store.queries import PullOwed, Query
from chatd.store.reader import Reader
from chatd.store.worker import Completed
from chatd.store.writer import WriteBatch, Writer


class Store:
    """A database with its writer and reader running. Results that are errors are raised."""

    def __init__(self, uri: str) -> None:
        self.database = Database(uri)
        self._results: queue.SimpleQueue[Completed] = queue.SimpleQueue()
        self.runs: list[CommittedRun] = []
        self.batches = 0
        self.stopped_with: list[ChatdError] = []
        self.now_us = 1_000_000
        """Advances by a microsecond a transaction; tests may turn it."""
        self.writer = Writer(self.database, self._written, self._tick, self.stopped_with.append)
        self.reader = Reader(self.database, self._read)
        self.writer.start()
        self.reader.start()

    def _tick(self) -> int:
        self.now_us += 1
        return self.now_us

    def _written(self, batch: WriteBatch) -> None:
        self.batches += 1
        self.runs += batch.runs
        for completed in batch.completed:
            self._results.put(completed)

    def _read(self, batch: list[Completed]) -> None:
        for completed in batch:
            self._results.put(completed)

    def many(self, commands: Sequence[Command]) -> list[Any]:
        """Submit at once; results in order, errors as values."""
        for index, command in enumerate(commands):
            self.writer.submit(command, index)
        results: dict[Any, Any] = {}
        while len(results) < len(commands):
            completed = self._results.get(timeout=20)
            results[completed.tag] = completed.result
        return [results[index] for index in range(len(commands))]

    def do(self, command: Command) -> Any:
        (result,) = self.many([command])
        if isinstance(result, ChatdError):
            raise result
        return result

    def ask(self, query: Query) -> Any:
        self.reader.submit(query, "query")
        result = self._results.get(timeout=20).result
        if isinstance(result, ChatdError):
            raise result
        return result

    def open(self, profile: str, device: str) -> StreamKey:
        (epoch,) = self.do(OpenStreams(((profile, device),)))
        return StreamKey(profile, device, epoch)

    def owed(self, stream: StreamKey, **limits: Any) -> Owed:
        (owed,) = self.ask(PullOwed((Pull(stream, **limits),)))
        return owed  # type: ignore[no-any-return]

    def close(self) -> None:
        self.writer.stop()
        self.reader.stop()


class DirectAccess(StoreAccess):
    """Answers at once, on the caller's thread; ``commands`` keeps what was asked of the writer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.commands: list[Command] = []

    def ask(self, query: Query, then: Callable[[Any], None], failed: Failed | None = None) -> None:
        then(self._store.ask(query))

    def write(self, command: Command, then: Callable[[Any], None], failed: Failed | None = None) -> None:
        self.commands.append(command)
        then(self._store.do(command))


def event(room: str, event_id: str, payload: bytes = b"") -> NewEvent:
    return NewEvent(event_id, room, 1, payload, content_hash=room.encode() + payload)


def send(sender: str, *events: NewEvent) -> StoreEvents:
    return StoreEvents(sender, events)


RULE = RetryRule(max_retries=2, first_us=0)


def acks(*streams: tuple[StreamKey, dict[str, int]]) -> AckCursors:
    return AckCursors(tuple(StreamAcks(stream, cursors) for stream, cursors in streams), RULE)


def failed(stream: StreamKey, room: str, seq: int, rule: RetryRule = RULE) -> AckCursors:
    return AckCursors((StreamAcks(stream, failed=(room, seq)),), rule)
