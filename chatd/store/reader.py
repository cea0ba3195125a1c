"""Readers answer queries on connections that cannot write. Each query is short: SQLite's
checkpoints wait for the oldest reader."""

from collections.abc import Callable
from typing import NamedTuple

import peewee
import structlog

from chatd.core.deadline import Deadline
from chatd.errors import ChatdError, Internal, StoreFailed, TimedOut, Unavailable
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.database_errors import ConnectionLost, first_line
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
    SQLite has one thread, PostgreSQL ``threads``. Owners are answered in turn."""

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
        self._worker: BatchWorker[Question] = BatchWorker(
            "reader",
            self._work,
            closed=database.disconnect,
            threads=threads if database.engine == "postgres" else 1,
            max_batch=max_batch,
            owner_of=lambda question: question.owner,
        )
        self.start = self._worker.start
        self.stop = self._worker.stop

    def submit(
        self, query: Query[object], on_result: OnResult, owner: str = "", deadline: Deadline | None = None
    ) -> None:
        """Queue a query; its result comes back with ``on_result``."""
        self._worker.submit(Question(query, on_result, owner, deadline))

    def _work(self, batch: list[Question]) -> None:
        self._deliver([Completed(one.on_result, self._answer_in_time(one)) for one in batch])

    def _answer_in_time(self, question: Question) -> object:
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
