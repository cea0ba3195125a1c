"""Readers answer queries on connections that cannot write. Each query is short: SQLite's
checkpoints wait for the oldest reader."""

import time
from collections.abc import Callable
from typing import NamedTuple

import peewee
import structlog

from chatd.core.deadline import Deadline
from chatd.errors import ChatdError, Internal, StoreFailed, TimedOut, Unavailable
from chatd.store.command import Query, Turn
from chatd.store.database import Database
from chatd.store.database_errors import ConnectionLost, first_line
from chatd.store.fair_queue import FairQueue
from chatd.store.slices import Unfinished
from chatd.store.steady import steady_us
from chatd.store.worker import BatchWorker, Completed, OnResult, without_traceback

log = structlog.get_logger()


class Question(NamedTuple):
    """A query on its way through a reader. ``owner`` is the profile that asks; empty: the node
    itself. Nobody waits for the answer when ``deadline`` has passed."""

    query: Query[object]
    on_result: OnResult
    owner: str
    deadline: Deadline | None


class Reader:
    """``deliver`` is called on a reader's thread, once a batch of up to ``max_batch`` questions.
    SQLite has one thread, PostgreSQL ``threads``. The next question is that of the owner whose
    questions have taken the least time. The node's own take none."""

    def __init__(
        self,
        database: Database,
        deliver: Callable[[list[Completed]], object],
        *,
        threads: int = 1,
        max_batch: int = 16,
    ) -> None:
        self._database = database
        self._deliver = deliver
        self._queue: FairQueue[Question] = FairQueue(lambda question: question.owner)
        self._worker: BatchWorker[Question] = BatchWorker(
            "reader",
            self._work,
            closed=database.disconnect,
            threads=threads if database.engine == "postgres" else 1,
            max_batch=max_batch,
            queues={Turn.NORMAL: self._queue},
        )
        self.start = self._worker.start
        self.stop = self._worker.stop

    def submit(
        self, query: Query[object], on_result: OnResult, owner: str = "", deadline: Deadline | None = None
    ) -> None:
        """Queue a query; its result comes back with ``on_result``."""
        self._worker.submit(Question(query, on_result, owner, deadline))

    def _work(self, batch: list[Question]) -> None:
        completed = []
        for question in batch:
            began = time.monotonic()
            try:
                completed.append(Completed(question.on_result, self._answer_in_time(question)))
            except Unfinished as exc:
                self._worker.submit(question._replace(query=exc.rest))
            if question.owner:
                self._queue.charge(question.owner, time.monotonic() - began)
        if completed:
            self._deliver(completed)

    def _answer_in_time(self, question: Question) -> object:
        """The answer, or an error. Raises Unfinished."""
        if question.deadline is not None and question.deadline.has_passed(steady_us()):
            return TimedOut("the question was not read before its time was up")
        return self._answer(question.query)

    def _answer(self, query: Query[object]) -> object:
        fresh = self._database.db.is_closed()
        result = self._ask(query)
        if isinstance(result, ConnectionLost) and not fresh:
            # A connection that died while idle, or leads to a server that is no longer the one:
            # reading again is safe.
            result = self._ask(query)
        return without_traceback(result) if isinstance(result, ChatdError) else result

    def _ask(self, query: Query[object]) -> object:
        try:
            if self._database.db.is_closed():
                self._database.connect(readonly=True)
            return query.answer(self._database)
        except Unfinished:
            raise
        except (StoreFailed, Unavailable) as exc:
            self._database.disconnect()  # the next query gets a new connection
            return exc
        except ChatdError as exc:
            return exc
        except peewee.PeeweeException as exc:
            self._database.disconnect()
            return Unavailable("the database does not answer", detail=first_line(exc))
        except Exception as exc:
            log.error("A reader failed", error=type(exc).__name__, exc_info=exc)
            return Internal(f"a reader failed: {type(exc).__name__}")
