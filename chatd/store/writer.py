"""The one writer: takes all that has queued up, one transaction, one fsync, then tells each
command's result.

A result is told after COMMIT and never before. Commands that need a row which another session holds
for long are set aside, and the others go on.

Deadlines are looked at when the transaction has its locks, once for all its commands. However long
it stands still behind that look, nobody can be told meanwhile of a change that a late command would
undo: such a change needs the same locks. On PostgreSQL it waits, for five seconds at most, after
which the server ends this session and nothing of it has happened; SQLite has one lock, and this
process holds it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

import peewee
import structlog

from chatd.core.deadline import Deadline
from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.core.model import CommittedRun
from chatd.errors import ChatdError, Internal, StoreFailed, TimedOut, Unavailable
from chatd.store.command import Command
from chatd.store.commit_window import CommitWindow
from chatd.store.database import Database
from chatd.store.database_errors import CommitUnknown, ConnectionLost, DiskFull, LockHeld, first_line
from chatd.store.log_row import EventPlace, find_lost, renew_log
from chatd.store.postgres import LOCK_MS, SHORT_LOCK_MS
from chatd.store.room_log import MembersCache
from chatd.store.set_aside import SetAside
from chatd.store.steady import steady_us
from chatd.store.submission import Submission
from chatd.store.transaction import Transaction
from chatd.store.worker import BatchWorker, Completed, OnResult, without_traceback
from chatd.store.write_queue import MAX_BACKGROUND, WriteQueue

log = structlog.get_logger()

MAX_WAITS = 3
"""Commands of one batch that may each wait SHORT_LOCK_MS for a row whose name nobody knows; the
rest is tried again later."""


Commit = Callable[[], None]
Apply = Callable[[Transaction, Sequence[Command[object]]], Sequence[object]]
"""Applies commands of one kind; a result or a ChatdError for each."""


def apply_group(transaction: Transaction, commands: Sequence[Command[object]]) -> Sequence[object]:
    """Let the commands' own kind apply them."""
    return type(commands[0]).apply(transaction, commands)


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """One transaction's results, and the events it committed. ``log`` is the log's state if it got
    a new incarnation because an event was lost. ``seconds`` is the time that it took; 0.0: nothing
    was committed."""

    completed: list[Completed]
    runs: list[CommittedRun]
    log: LogState | None = None
    seconds: float = 0.0


class CommandFailed(Exception):
    """A command raised what is no error of the database: its transaction is rolled back, and what
    others asked for is done without it."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(type(fault).__name__)
        self.fault = fault


@contextmanager
def faults_of_commands() -> Iterator[None]:
    """Before the commit: raise CommandFailed for what is no error of the database."""
    try:
        yield
    except (ChatdError, peewee.PeeweeException):
        raise
    except Exception as exc:  # noqa: BLE001  the writer judges it
        raise CommandFailed(exc) from None


class Writer:
    """``deliver`` is called on the writer's thread, once a transaction; so is ``broken``, when the
    database can no longer be trusted: every command from then on is refused. ``clock`` gives
    microseconds since the Unix epoch. ``commit`` ends a transaction on ``database``."""

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
        self._newest: EventPlace | None = None  # the last event that was committed
        self._is_new = True  # nothing has been committed on this connection yet
        self._queue = WriteQueue()
        self._window = CommitWindow(self._queue.queues)
        self._aside = SetAside(time.monotonic)
        self._worker: BatchWorker[Submission] = BatchWorker(
            "writer",
            self._work,
            closed=self._close,
            idle=self._aside.idle,
            weigh=lambda one: one.command.weight(),
            max_background=MAX_BACKGROUND,
            queues=self._queue.queues,
            before=self._window.wait,
        )
        self.start = self._worker.start

    def submit(
        self, command: Command[object], on_result: OnResult | None, deadline: Deadline | None = None
    ) -> None:
        """Queue a command; its result comes back with ``on_result`` (None: only a failure is
        reported). When it gets its locks after ``deadline``, it is refused with TimedOut. Call it
        from one thread."""
        self._worker.submit(Submission(command, on_result, deadline), self._queue.turn_of(command))
        self._window.look(command.turn())

    def stop(self) -> None:
        """Finish what is queued, then end; a thread that hangs is left behind."""
        self._window.end()
        self._worker.stop()

    @property
    def waiting(self) -> int:
        """Commands that it has not taken, or has set aside."""
        return self._worker.waiting + len(self._aside)

    def _work(self, batch: list[Submission]) -> None:
        """``batch`` is empty when only commands that were set aside are due."""
        if self._broken is not None:
            self._fail(
                [*self._aside.take_all(), *batch], Unavailable(f"the node is stopping: {self._broken}")
            )
            return
        careful = self._aside.alert
        if careful:
            self._fail(
                self._aside.take_expired(steady_us()),
                LockHeld("another session of the database holds a row for long"),
            )
            batch = [*self._aside.due(), *batch]
        if not batch:
            return
        try:
            written = self._transact(batch, careful=careful)
        except LockHeld as exc:
            if not careful:
                log.warning(
                    "Another session of the database holds a row for long; commands that need it wait",
                    error=exc.explained,
                )
                self._aside.raise_alert()
                self._work(batch)
                return
            # a row of which no command has the name
        except peewee.IntegrityError:
            pass  # two nodes at once stored the same event id: alone, each command finds the other's
        except peewee.OperationalError:
            pass  # a deadlock or serialization failure: PostgreSQL has rolled it back
        except CommandFailed:
            pass  # alone, only the guilty command fails
        except ChatdError as exc:
            if not isinstance(exc, StoreFailed) or isinstance(exc, DiskFull):
                self._judge(exc)
                self._fail(batch, exc)
                return
            # one command's statement is at fault
        except Exception as exc:  # noqa: BLE001  whatever it is, every command is answered and the writer lives on
            self._fail(batch, _bug(exc))
            return
        else:
            self._deliver(written)
            return
        self._each_alone(batch)

    def _each_alone(self, batch: list[Submission]) -> None:
        self._aside.release(batch)
        waits = 0
        for number, one in enumerate(batch):
            if waits == MAX_WAITS:
                self._aside.add(batch[number:])
                return
            waits += self._alone(one)

    def _alone(self, one: Submission) -> bool:
        """True if it had to be refused because another session holds a row."""
        try:
            self._deliver(self._transact([one], careful=self._aside.alert))
        except LockHeld as exc:
            self._aside.raise_alert()
            self._fail([one], exc)
            return True
        except ChatdError as exc:
            self._judge(exc)
            self._fail([one], exc)
        except (peewee.IntegrityError, peewee.OperationalError) as exc:
            self._fail([one], StoreFailed("the database refused", detail=first_line(exc)))
        except CommandFailed as exc:
            self._fail([one], _bug(exc.fault))
        except Exception as exc:  # noqa: BLE001  as in _work
            self._fail([one], _bug(exc))
        return False

    def _judge(self, error: ChatdError) -> None:
        if isinstance(error, CommitUnknown):
            self._broken = error
            self._on_broken(without_traceback(error))

    def _fail(self, batch: list[Submission], error: ChatdError) -> None:
        if batch:
            self._aside.settle(batch)
            error = without_traceback(error)
            self._deliver(WriteBatch(_failures(batch, error), []))

    def _close(self) -> None:
        self._fail(self._aside.take_all(), Unavailable("the node is stopping"))
        self._database.disconnect()

    def _transact(self, batch: list[Submission], *, careful: bool) -> WriteBatch:
        """``careful``: commands that need a row which another session holds are set aside."""
        started_at = time.monotonic()
        database = self._database
        if database.db.is_closed():
            self._connect()
        transaction = Transaction(database, self._cache, self._clock())
        wait: list[Submission] = []
        self._begin(SHORT_LOCK_MS if careful else LOCK_MS)
        try:
            log_state = self._look_for_newest() if self._is_new else None
            with faults_of_commands():
                if careful:
                    batch, wait = self._aside.divide(
                        batch, transaction.lock_free(one.command.locks() for one in batch)
                    )
                else:
                    transaction.lock(one.command.locks() for one in batch)
                in_time, late = _divide_by_deadlines(batch, steady_us())
                completed = self._apply_all(transaction, in_time)
                transaction.end()
            if log_state is None and _are_refused(completed, len(in_time)):
                # Nothing is to be made durable; and the time of a refusal must not say whether rows
                # were locked for it: PostgreSQL would fsync for a lock.
                database.roll_back()
                seconds = 0.0
            else:
                self._commit()
                seconds = time.monotonic() - started_at
        except BaseException as exc:
            self._roll_back(exc)
            raise
        self._aside.settle(batch)
        if careful:
            self._aside.add(wait)
        if late:
            completed += _failures(late, TimedOut("its turn came after the call's deadline; it was not done"))
        self._is_new = False
        if transaction.log.newest is not None:
            self._newest = EventPlace(*transaction.log.newest)
        elif log_state is not None:
            self._newest = None
        return WriteBatch(completed, transaction.log.committed(started_at + seconds), log_state, seconds)

    def _look_for_newest(self) -> LogState | None:
        """On a new connection: it may lead to a database that does not have all that was committed,
        as to a standby that was promoted. Then the log gets a new incarnation, which is returned
        with its state."""
        self._cache.clear()
        if self._newest is None or not find_lost(self._database, [self._newest]):
            return None
        return renew_log(self._database, UNKNOWN_LOG)

    def _apply_all(self, transaction: Transaction, batch: list[Submission]) -> list[Completed]:
        """Apply commands whose locks are held, in groups of a kind; results that somebody waits
        for, and failures."""
        completed: list[Completed] = []
        for _, group in groupby(batch, key=lambda one: type(one.command)):
            submissions = list(group)
            began = time.monotonic()
            results = self._apply(transaction, [one.command for one in submissions])
            transaction.log.flush()
            self._queue.charge(submissions, time.monotonic() - began)
            for one, result in zip(submissions, results, strict=True):
                if isinstance(result, ChatdError):
                    completed.append(Completed(one.on_result, without_traceback(result)))
                elif one.on_result is not None:
                    completed.append(Completed(one.on_result, result))
        return completed

    def _connect(self) -> None:
        self._database.connect(readonly=False)
        self._is_new = True

    def _begin(self, lock_ms: int) -> None:
        try:
            self._database.begin(lock_ms=lock_ms)
        except ConnectionLost:
            # A connection that died while idle: nothing has been done on it, a new one will do.
            self._database.disconnect()
            self._connect()
            self._database.begin(lock_ms=lock_ms)

    def _roll_back(self, error: BaseException) -> None:
        """Keep the connection only after errors of which another one would not be free."""
        if isinstance(error, (peewee.PeeweeException, LockHeld, StoreFailed)):
            try:
                self._database.db.rollback()
            except (peewee.PeeweeException, OSError):
                self._database.disconnect()  # the connection is gone, and the transaction with it
        else:
            self._database.disconnect()


def _divide_by_deadlines(
    batch: Sequence[Submission], now_us: int
) -> tuple[list[Submission], list[Submission]]:
    """Commands that may be applied at ``now_us``, and those whose time is up."""
    divided: tuple[list[Submission], list[Submission]] = ([], [])
    for one in batch:
        divided[one.is_late(now_us)].append(one)
    return divided


def _failures(batch: Sequence[Submission], error: ChatdError) -> list[Completed]:
    return [Completed(one.on_result, error) for one in batch]


def _are_refused(completed: Sequence[Completed], count: int) -> bool:
    """True if all of so many commands were refused."""
    return len(completed) == count and all(isinstance(one.result, ChatdError) for one in completed)


def _bug(exc: Exception) -> Internal:
    log.error("The writer failed", error=type(exc).__name__, exc_info=exc)
    return Internal(f"the writer failed: {type(exc).__name__}")
