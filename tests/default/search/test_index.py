"""The index of texts: filled behind the log, and right whatever is removed from it."""

import threading

from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.store import CreateRoom
from chatd.default.search.index import LOCK, FindUnindexedRooms, IndexEvents, MakeIndex, ReadUnindexed
from tests.default.search.driver import found, index, say
from tests.store.driver import Store, event, send
from tests.store.other_session import holding
from tests.store.release import payload


def documents(store: Store) -> int:
    """Rows of the index; SQLite's own index holds the same."""
    with store.database.connection(readonly=False):
        if store.database.engine == "sqlite":
            store.database.run("INSERT INTO search_index (search_index) VALUES ('integrity-check')")
        return int(store.database.rows("SELECT COUNT(*) FROM search_document")[0][0])


def test_a_part_of_a_log_is_indexed_once(store: Store) -> None:
    say(store, "r", *(f"needle {number}" for number in range(25)))
    store.do(MakeIndex())
    part = store.ask(ReadUnindexed(("r",), 10))
    assert (len(part.documents), part.marks, part.more) == (9, (("r", 10),), ("r",))
    for _ in range(2):
        assert store.do(IndexEvents(part))
    assert len(found(store, "bob", "needle", limit=50)) == 9
    index(store, limit=7)
    assert len(found(store, "bob", "needle", limit=50)) == documents(store) == 25
    assert store.ask(FindUnindexedRooms("", 10)) == ((), "")
    assert store.ask(FindUnindexedRooms("", 1)) == ((), "r")


def test_only_texts_of_messages_are_indexed(store: Store) -> None:
    own = event("r", "own", payload("needle"))._replace(type=16)
    store.do(send("alice", own, event("r", "damaged", b"\xff"), event("r", "none", b"")))
    index(store)
    assert documents(store) == 0


def test_a_purged_event_is_not_found(store: Store) -> None:
    say(store, "r", *(f"needle {number}" for number in range(5)))
    index(store)
    store.do(PurgeLog("r", 4, 0, 2, 0))
    assert found(store, "bob", "needle") == ["needle 4", "needle 3"], "at once, though removed in steps"
    store.do(PurgeLog("r", 4, 0, 100, 0))
    assert documents(store) == 2


def test_an_erased_profiles_events_are_not_found(store: Store) -> None:
    store.do(CreateRoom("s", "", "alice", ("bob",)))
    for number in range(3):
        say(store, "r", f"needle {number}")
        say(store, "s", f"needle {number}", sender="bob")
    index(store)
    while store.erase("alice", limit=2).more:
        pass
    assert found(store, "bob", "needle") == [f"needle {number}" for number in (2, 1, 0)]
    assert found(store, "bob", "needle", sender_id="alice") == []
    assert documents(store) == 3
    index(store)
    assert documents(store) == 3


def test_what_is_removed_between_reading_and_indexing_is_not_indexed(store: Store) -> None:
    for number in range(3):
        say(store, "r", f"needle {number}")
    say(store, "r", "needle of bob", sender="bob")
    store.do(MakeIndex())
    part = store.ask(ReadUnindexed(("r",), 100))
    assert len(part.documents) == 4
    store.do(PurgeLog("r", 2, 0, 100, 0))
    while store.erase("bob").more:
        pass
    assert store.do(IndexEvents(part))
    assert found(store, "alice", "needle") == ["needle 2", "needle 1"]
    assert documents(store) == 2


def test_removal_needs_no_index(store: Store) -> None:
    """Search was never on: SQLite has no table for it."""
    say(store, "r", "needle")
    store.do(PurgeLog("r", 2, 0, 100, 0))
    store.erase("alice")
    with store.database.connection(readonly=True):
        assert store.database.rows("SELECT COUNT(*) FROM search_document") == [(0,)]


def test_a_row_that_is_being_removed_is_left_out(postgres_uri: str) -> None:
    """Another node erases it in a transaction that is still open: the indexer does not wait."""
    store = Store(postgres_uri)
    store.do(CreateRoom("r", "", "alice", ("bob",)))
    say(store, "r", "needle 1", "needle 2")
    part = store.ask(ReadUnindexed(("r",), 100))
    with holding(postgres_uri, "UPDATE room_event SET delivery = '' WHERE seq = 2") as other:
        assert store.do(IndexEvents(part))
        other.run("COMMIT")
    assert found(store, "bob", "needle") == ["needle 2"]
    store.close()


def test_what_removes_an_event_waits_for_the_node_that_indexes_it(postgres_uri: str) -> None:
    store = Store(postgres_uri)
    store.do(CreateRoom("r", "", "alice", ("bob",)))
    say(store, "r", "needle 1", "needle 2")
    indexing = "SELECT 1 FROM room_event FOR SHARE"
    adding = "INSERT INTO search_document VALUES (7, 'r', 2, 'needle:1')"
    with holding(postgres_uri, indexing, adding) as other:
        purge = threading.Thread(target=lambda: store.do(PurgeLog("r", 2, 0, 100, 0)))
        purge.start()
        other.run("COMMIT")
        purge.join(20)
    assert documents(store) == 0
    store.close()


def test_one_node_indexes_at_a_time(postgres_uri: str, nodes: tuple[Store, Store]) -> None:
    one, two = nodes
    one.do(CreateRoom("r", "", "alice", ("bob",)))
    say(one, "r", "needle")
    part = two.ask(ReadUnindexed(("r",), 100))
    with holding(postgres_uri, f"SELECT pg_advisory_xact_lock({LOCK})") as other:
        assert not two.do(IndexEvents(part))
        other.run("ROLLBACK")
    assert two.do(IndexEvents(part))
    assert one.do(IndexEvents(part))
    assert found(one, "bob", "needle") == ["needle"]
