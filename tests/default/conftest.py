"""Stores, and a device that is owed something."""

import pytest

from chatd.core.model import StreamKey
from tests.store.conftest import nodes as nodes
from tests.store.conftest import store as store
from tests.store.driver import Store, event, send


@pytest.fixture
def bob(store: Store) -> StreamKey:
    """A device of bob, owed events 2 to 5 of room r."""
    key = store.open("bob", "d")
    store.do(send("alice", *(event("r", f"e{number}") for number in range(2, 6))))
    return key
