"""Polled: a figure that only the database knows, asked for now and then, and only while somebody
wants it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chatd.errors import ChatdError
from chatd.store.access import StoreAccess, log_failure
from chatd.store.command import Query
from chatd.store.database import Database

R = TypeVar("R")

POLL_SECONDS = 5.0
"""A figure that is older is asked for again when it is read."""
MOST_COUNTED = 100_000
"""Rows: more are not counted, which takes some milliseconds."""


@dataclass(frozen=True, slots=True)
class CountRows(Query[int]):
    """Rows of a table under a condition for which it has an index; MOST_COUNTED at most."""

    table: str
    condition: str

    def answer(self, database: Database) -> int:
        ((count,),) = database.rows(
            f"""
            SELECT COUNT(*)
            FROM (
                SELECT 1
                FROM {self.table}
                WHERE {self.condition}
                LIMIT ?) found
            """,
            (MOST_COUNTED,),
        )
        return int(count)


class Polled(Generic[R]):
    """The newest answer to a query. The query must cost little, however large the database is."""

    def __init__(
        self, store: StoreAccess, query: Query[R], *, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._query = query
        self._steady = steady
        self._value: R | None = None
        self._again_at = 0.0
        self._is_asking = False

    def read(self) -> R | None:
        """The newest answer; None: there is none yet, or the database does not answer."""
        if not self._is_asking and self._steady() >= self._again_at:
            self._is_asking = True
            self._store.ask(self._query, self._answered, self._failed)
        return self._value

    def _answered(self, value: R) -> None:
        self._value = value
        self._wait()

    def _failed(self, error: ChatdError) -> None:
        log_failure(error)
        self._value = None
        self._wait()

    def _wait(self) -> None:
        self._is_asking = False
        self._again_at = self._steady() + POLL_SECONDS
