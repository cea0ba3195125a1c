"""The one writer: takes all that has queued up, one transaction, one fsync, then tells each command's result.

A result is told after COMMIT and never before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import peewee
import structlog

from chatd.core.model import CommittedRun
from chatd.errors import ChatdError, Internal, StoreFailed, Unavailable
from chatd.store.command import Command
from chatd.store.database import CommitUnknown, Database
from chatd.store.room_log import MembersCache
from chatd.store.transaction import Transaction
from chatd.store.worker import BatchWorker, Completed, OnResult
from chatd.store.write_queue import MAX_BACKGROUND, WriteQueue

log = structlog.get_logger()

Pair = tuple[Command[object], OnResult | None]
Commit = Callable[[], None]
Apply = Callable[[Transaction, Sequence[Command[object]]], Sequence[object]]
"""Applies commands of one kind; a result or a ChatdError for each."""


def apply_group(transaction: Transaction, commands: Sequence[Command[object]]) -> Sequence[object]:
    """Let the commands' own kind apply them."""
    return type(commands[0]).apply(transaction, commands)


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """One transaction's results, and the events it committed."""

    completed: list[Completed]
    runs: list[CommittedRun]


class Writer:
    """``deliver`` is called on the writer's thread, once a transaction; so is ``broken``, when the database can no longer be
    trusted: every command from then on is refused. ``clock`` gives microseconds since the Unix epoch. ``commit`` ends a transaction
    on ``database``."""

    def __init__(
        self,
        database: Database,
        cache: MembersCache,
        deliver: Callable[[WriteBatch], object],
        clock: Callable[[], int],
        broken: Callable[[ChatdError], object],
        *,
        commit: Commit | None = None,
        apply: Apply = apply_group,
    ) -> None:
        self._database = database
        self._commit = commit or database.commit
        self._apply = apply
        self._cache = cache
        self._deliver = deliver
        self._on_broken = broken
        self._broken: ChatdError | None = None
        self._clock = clock
        self._queue = WriteQueue()
        self._worker: BatchWorker[Command[object]] = BatchWorker(
            "writer",
            self._work,
            closed=database.disconnect,
            weigh=lambda command: command.weight(),
            max_background=MAX_BACKGROUND,
        )
        self.start = self._worker.start
        self.stop = self._worker.stop

    def submit(self, command: Command[object], on_result: OnResult | None) -> None:
        """Queue a command; its result comes back with ``on_result`` (None: only a failure is reported). Call it from one thread."""
        self._worker.submit(command, on_result, self._queue.turn_of(command, self._worker.taken))

    def _work(self, batch: list[Pair]) -> None:
        if self._broken is not None:
            self._fail(batch, Unavailable(f"the node is stopping: {self._broken}"))
            return
        try:
            self._deliver(self._transact(batch))
        except peewee.IntegrityError:
            # Two nodes at once stored the same event id: alone, each command finds what the other node committed.
            for pair in batch:
                self._alone(pair)
        except peewee.OperationalError:
            # A deadlock or serialization failure: PostgreSQL has rolled it back, nothing of it happened.
            for pair in batch:
                self._alone(pair)
        except ChatdError as exc:
            self._judge(exc)
            self._fail(batch, exc)
        except Exception as exc:  # noqa: BLE001  whatever it is, every command is answered and the writer lives on
            self._fail(batch, _bug(exc))

    def _alone(self, pair: Pair) -> None:
        try:
            self._deliver(self._transact([pair]))
        except ChatdError as exc:
            self._judge(exc)
            self._fail([pair], exc)
        except (peewee.IntegrityError, peewee.OperationalError) as exc:
            self._fail([pair], StoreFailed(f"the database refused: {exc}"))
        except Exception as exc:  # noqa: BLE001  as in _work
            self._fail([pair], _bug(exc))

    def _judge(self, error: ChatdError) -> None:
        if isinstance(error, CommitUnknown):
            self._broken = error
            self._on_broken(error)

    def _fail(self, batch: list[Pair], error: ChatdError) -> None:
        self._deliver(WriteBatch([Completed(on_result, error) for _, on_result in batch], []))

    def _transact(self, batch: list[Pair]) -> WriteBatch:
        database = self._database
        if database.db.is_closed():
            database.connect(readonly=False)
        transaction = Transaction(database, self._cache, self._clock())
        completed: list[Completed] = []
        self._begin()
        try:
            transaction.lock(command.locks() for command, _ in batch)
            for _, group in groupby(batch, key=lambda pair: type(pair[0])):
                pairs = list(group)
                results = self._apply(transaction, [command for command, _ in pairs])
                transaction.log.flush()
                completed += [
                    Completed(on_result, result)
                    for (_, on_result), result in zip(pairs, results, strict=True)
                    if on_result is not None or isinstance(result, ChatdError)
                ]
            self._commit()
        except BaseException:
            self._roll_back()
            raise
        return WriteBatch(completed, transaction.log.committed())

    def _begin(self) -> None:
        begin = "BEGIN IMMEDIATE" if self._database.engine == "sqlite" else "BEGIN"
        try:
            self._database.run(begin)
        except Unavailable:
            # A connection that died while idle: nothing has been done on it, a new one will do.
            self._database.disconnect()
            self._database.connect(readonly=False)
            self._database.run(begin)

    def _roll_back(self) -> None:
        try:
            self._database.db.rollback()
        except (peewee.PeeweeException, OSError):
            self._database.disconnect()  # the connection is gone, and the transaction with it


def _bug(exc: Exception) -> Internal:
    log.error("The writer failed", error=type(exc).__name__, exc_info=exc)
    return Internal(f"the writer failed: {type(exc).__name__}")
