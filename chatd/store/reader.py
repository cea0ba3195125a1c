"""Readers answer queries on connections that cannot write. Each query is short: SQLite's
checkpoints wait for the oldest reader."""

from collections.abc import Callable

import peewee
import structlog

from chatd.errors import ChatdError, Internal, StoreFailed, Unavailable
from chatd.store.command import Query
from chatd.store.database import Database
from chatd.store.database_errors import ConnectionLost, first_line
from chatd.store.worker import BatchWorker, Completed, OnResult, without_traceback

log = structlog.get_logger()


class Reader:
    """``deliver`` is called on a reader's thread, once a batch. SQLite has one thread, PostgreSQL
    ``threads``."""

    def __init__(
        self, database: Database, deliver: Callable[[list[Completed]], object], *, threads: int = 1
    ) -> None:
        self._database = database
        self._deliver = deliver
        self._worker: BatchWorker[tuple[Query[object], OnResult]] = BatchWorker(
            "reader",
            self._work,
            closed=database.disconnect,
            threads=threads if database.engine == "postgres" else 1,
            max_batch=16,
        )
        self.start = self._worker.start
        self.stop = self._worker.stop

    def submit(self, query: Query[object], on_result: OnResult) -> None:
        """Queue a query; its result comes back with ``on_result``."""
        self._worker.submit((query, on_result))

    def _work(self, batch: list[tuple[Query[object], OnResult]]) -> None:
        self._deliver([Completed(on_result, self._answer(query)) for query, on_result in batch])

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
