import pytest

from chatd.default.rooms.store import CreateRoom
from tests.store.driver import Store


@pytest.fixture
def rooms(store: Store) -> Store:
    """Rooms a to d besides r, of alice and bob; bob's device "d" is owed only events that are sent
    from now on."""
    for room in "abcd":
        store.do(CreateRoom(room, "", "alice", ("bob",)))
    store.open("bob", "d")
    return store
