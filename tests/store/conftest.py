"""Stores on each engine; tests/default uses them too."""

from collections.abc import Iterator

import pytest

from chatd.default.rooms.store import CreateRoom
from tests.store.driver import Store


@pytest.fixture
def store(db_uri: str) -> Iterator[Store]:
    """A store on each engine, with a room "r" of alice (its owner) and bob."""
    running = Store(db_uri)
    running.do(CreateRoom("r", "", "alice", ("bob",)))
    yield running
    running.close()


@pytest.fixture
def nodes(postgres_uri: str) -> Iterator[tuple[Store, Store]]:
    """Two nodes' stores on one PostgreSQL, empty."""
    one, two = Store(postgres_uri), Store(postgres_uri)
    yield one, two
    one.close()
    two.close()
