"""Figures of the database: asked for only when somebody wants them, and not each time."""

from collections.abc import Callable
from typing import Any

import pytest

from chatd.default.fan_out.repair import CountUnpublished
from chatd.errors import ChatdError, Unavailable
from chatd.store.command import Query
from chatd.store.polled import POLL_SECONDS, CountRows, Polled
from tests.store.driver import DirectAccess, Store


class Asked(DirectAccess):
    """``answers``: as a database that answers; else as one that does not, or not yet."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.count = 0
        self.error: ChatdError | None = None
        self.holds = False

    def ask(self, query: Query[Any], then: Callable[[Any], None], failed: Any = None, **options: Any) -> None:
        self.count += 1
        if self.error is not None:
            failed(self.error)
        elif not self.holds:
            super().ask(query, then, failed)


class Rig:
    def __init__(self, store: Store) -> None:
        self.seconds = 100.0
        self.access = Asked(store)
        self.unpublished = Polled(self.access, CountUnpublished(), steady=lambda: self.seconds)


def test_it_is_asked_again_when_it_is_old_and_wanted(store: Store) -> None:
    rig = Rig(store)
    assert rig.access.count == 0
    rig.unpublished.read()
    assert rig.unpublished.read() == 1
    store.publish()
    assert (rig.unpublished.read(), rig.access.count) == (1, 1), "an answer serves for a while"
    rig.seconds += POLL_SECONDS
    rig.unpublished.read()
    assert (rig.unpublished.read(), rig.access.count) == (0, 2)


def test_there_is_one_question_at_a_time(store: Store) -> None:
    rig = Rig(store)
    rig.access.holds = True
    for _ in range(3):
        rig.seconds += 100
        assert rig.unpublished.read() is None
    assert rig.access.count == 1


def test_nothing_is_shown_for_a_database_that_does_not_answer(store: Store) -> None:
    rig = Rig(store)
    rig.unpublished.read()
    rig.seconds += POLL_SECONDS
    rig.access.error = Unavailable("away")
    rig.unpublished.read()
    assert rig.unpublished.read() is None
    rig.access.error = None
    rig.seconds += POLL_SECONDS
    rig.unpublished.read()
    assert rig.unpublished.read() == 1


@pytest.mark.parametrize(
    ("table", "condition"),
    [
        ("dead_letter", "state IN ('dead', 'replaying')"),
        ("notification", "state = 'waiting'"),
    ],
)
def test_there_is_an_index_for_what_is_counted(store: Store, table: str, condition: str) -> None:
    """The costs are those of what is counted, not of the table."""
    if store.database.engine != "sqlite":
        pytest.skip("PostgreSQL reads a small table as a whole, whatever indexes it has")
    assert isinstance(store.ask(CountRows(table, condition)), int)
    plan = store.database.rows(f"EXPLAIN QUERY PLAN SELECT 1 FROM {table} WHERE {condition} LIMIT 10")
    assert all(" INDEX " in row[3] for row in plan), plan
