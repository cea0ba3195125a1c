"""The store as the event loop sees it: questions and commands go to threads, results come back as
calls on the loop."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import structlog

from chatd.core.counter import Counter
from chatd.core.deadline import Deadline
from chatd.core.each import each
from chatd.core.log_state import LogState
from chatd.core.metric import Gauge, StageTimes
from chatd.core.model import CommittedRun
from chatd.core.outage import OneCause, Outage
from chatd.errors import ChatdError, Internal, StoreFailed, Unavailable
from chatd.store.command import Command, Query
from chatd.store.database import Database
from chatd.store.database_errors import LockHeld
from chatd.store.reader import Reader
from chatd.store.room_log import MembersCache
from chatd.store.worker import Completed
from chatd.store.writer import Apply, Commit, WriteBatch, Writer, apply_group

log = structlog.get_logger()

_OUTAGES = (Unavailable, StoreFailed)
MAX_WAITING = 20_000
"""Commands and queries that may wait for the store; calls beyond are refused (OVERLOADED)."""

R = TypeVar("R")
OnNewLog = Callable[[LogState], None]
OnCommitted = Callable[[Sequence[CommittedRun]], None]
Failed = Callable[[ChatdError], None]


@dataclass(slots=True)  # not frozen: one is made for each command and query
class _Asked(Generic[R]):
    """Takes the result of a command or query."""

    then: Callable[[R], None]
    failed: Failed

    def complete(self, result: object) -> None:
        """Hand over the result. A ``then`` that raises fails its own caller and nobody else."""
        if isinstance(result, ChatdError):
            self.failed(result)
            return
        try:
            self.then(cast(R, result))
        except ChatdError as exc:
            self.failed(exc)
        except Exception as exc:  # one result must not take the rest of its batch with it
            log.exception("A result could not be handled")
            self.failed(Internal(f"the result could not be handled: {type(exc).__name__}"))


@dataclass(frozen=True, slots=True)
class _Ping(Query[None]):
    """Answered when the database answers."""

    def answer(self, database: Database) -> None:
        database.rows("SELECT 1")


def log_failure(error: ChatdError, what: str = "The node's own command or query failed") -> None:
    """A failure that no caller is told of. The database's own are said by its outages, once for
    all."""
    if not isinstance(error, _OUTAGES):
        log.error(what, error=error.explained, code=error.code)


class StoreAccess:
    """One writer and some readers on a database. ``clock`` gives microseconds since the Unix epoch;
    ``broken`` is called on the loop when the database can no longer be trusted."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        database: Database,
        *,
        clock: Callable[[], int],
        readers: int,
        broken: Callable[[ChatdError], None],
        commit: Commit | None = None,
        apply: Apply = apply_group,
    ) -> None:
        self._loop = loop
        self._on_committed: OnCommitted | None = None
        self._on_new_log: OnNewLog | None = None
        self.members = MembersCache()
        """Shared by the writer and the readers."""
        self._writer = Writer(
            database,
            self.members,
            lambda batch: loop.call_soon_threadsafe(self._on_written, batch),
            clock,
            lambda error: loop.call_soon_threadsafe(broken, error),
            commit=commit,
            apply=apply,
        )

        def read(batch: list[Completed]) -> None:
            loop.call_soon_threadsafe(self._on_read, batch)

        self._reader = Reader(database, read, threads=readers)
        self._questions = Reader(database, read, threads=readers, max_batch=1)
        """Clients' questions have readers of their own: what streams are owed never waits for them.
        Each is charged before the next one is chosen."""
        self._writes, self._reads = _outages(loop.time)
        self._clock = clock
        self.engine = database.engine
        self.waiting = 0
        """Commands and queries whose result somebody waits for."""
        self.events_committed = Counter("events_committed", "events committed")
        self.commits = Counter("commits", "transactions committed")
        self.commit_times = StageTimes(
            "commit", "from the writer's first look at some commands to their commit"
        )
        self.gauges = (
            Gauge("writer_queue", "commands that wait for the writer", lambda: self._writer.waiting),
            Gauge(
                "store_waiting",
                "commands and queries whose result somebody waits for",
                lambda: self.waiting,
            ),
            Gauge(
                "database_away_seconds",
                "seconds since the database last answered or took writes; 0: it does",
                lambda: self.away_seconds,
            ),
        )

    def start(self, on_committed: OnCommitted, on_new_log: OnNewLog | None = None) -> None:
        """Begin to work. ``on_committed`` gets the events of each transaction, after their senders
        have been told; ``on_new_log`` the state of a log in which the writer has missed an
        event."""
        self._on_committed, self._on_new_log = on_committed, on_new_log
        self._writer.start()
        self._reader.start()
        self._questions.start()

    def stop(self) -> None:
        """Finish what waits, then end the threads."""
        self._writer.stop()
        self._reader.stop()
        self._questions.stop()

    def is_busy(self) -> bool:
        """True if so much waits that optional work should be left undone."""
        return self.waiting > MAX_WAITING // 10

    @property
    def away_since_us(self) -> int:
        """Since when the database does not answer, or takes no writes, in microseconds since the
        Unix epoch; 0: it does."""
        away = self.away_seconds
        return self._clock() - round(away * 1e6) if away else 0

    @property
    def away_seconds(self) -> float:
        """The same as a length; 0.0: it answers."""
        since = [outage.since for outage in (self._writes, self._reads) if outage.since is not None]
        return max(1e-6, self._loop.time() - min(since)) if since else 0.0

    async def ping(self) -> None:
        """Return when the database has answered a query. Raises the error it answered with."""
        answered: asyncio.Future[None] = self._loop.create_future()
        self.ask(_Ping(), lambda pong: answered.set_result(None), answered.set_exception)
        await answered

    def ask(
        self,
        query: Query[R],
        then: Callable[[R], None],
        failed: Failed = log_failure,
        *,
        owner: str = "",
        deadline: Deadline | None = None,
    ) -> None:
        """Ask a reader; one of ``then`` and ``failed`` is called with the result on the loop.
        ``owner`` is the profile that asks, if one does: the one that has used least is answered
        next. Nothing is read for a question whose ``deadline`` has passed."""
        self.waiting += 1
        reader = self._questions if owner else self._reader
        reader.submit(query, _Asked(then, failed).complete, owner, deadline)

    def write(
        self,
        command: Command[R],
        then: Callable[[R], None],
        failed: Failed = log_failure,
        *,
        deadline: Deadline | None = None,
    ) -> None:
        """Ask the writer; ``then`` is called on the loop after the commit, or ``failed``, which is
        also told if nothing was done because ``deadline`` had passed."""
        self.waiting += 1
        self._writer.submit(command, _Asked(then, failed).complete, deadline)

    def tell(self, command: Command[object]) -> None:
        """Ask the writer for something whose result nobody needs; a failure is logged."""
        self._writer.submit(command, None)

    def _on_written(self, batch: WriteBatch) -> None:
        self.commits.add()
        if batch.seconds:
            self.commit_times.observe(batch.seconds)
        _judge(self._writes, batch.completed, self.waiting)
        if batch.log is not None and self._on_new_log is not None:
            self._on_new_log(batch.log)
        self._complete(batch.completed)
        if batch.runs and self._on_committed is not None:
            self.events_committed.add(sum(run.last_seq - run.first_seq + 1 for run in batch.runs))
            self._on_committed(batch.runs)

    def _on_read(self, batch: Sequence[Completed]) -> None:
        _judge(self._reads, batch, self.waiting)
        self._complete(batch)

    def _complete(self, batch: Sequence[Completed]) -> None:
        each(batch, self._complete_one, _log_unhandled)

    def _complete_one(self, completed: Completed) -> None:
        if completed.on_result is not None:
            self.waiting -= 1
            completed.on_result(completed.result)
        elif isinstance(completed.result, ChatdError):
            log_failure(completed.result)


def _outages(now: Callable[[], float]) -> tuple[Outage, Outage]:
    """Those of writes and of queries, with one line for a database that is away."""
    cause = OneCause()
    return (
        Outage(log, "The database takes no writes", "The database takes writes again", now=now, cause=cause),
        Outage(
            log,
            "The database answers no queries",
            "The database answers queries again",
            now=now,
            cause=cause,
        ),
    )


def _log_unhandled(completed: Completed, exc: Exception) -> None:
    """A caller could not even be told that it failed."""
    log.exception("A result could not be handled")


def _judge(outage: Outage, batch: Sequence[Completed], waiting: int) -> None:
    """Tell the outage of a batch's outcome, and how many wait. A refusal by the database is none,
    nor is a row that is held."""
    error = next(
        (
            one.result
            for one in batch
            if isinstance(one.result, _OUTAGES) and not isinstance(one.result, LockHeld)
        ),
        None,
    )
    if error is not None:
        outage.failed(error)
    elif any(not isinstance(completed.result, ChatdError) for completed in batch):
        outage.worked(waiting=waiting)
