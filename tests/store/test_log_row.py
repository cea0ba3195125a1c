"""The row that says which log a database holds: its beat rises, and a database that is behind what
was seen gets another incarnation."""

from collections.abc import Sequence

import pytest

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.default.messages.model import NewEvent
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import ChatdError
from chatd.store.command import NO_LOCKS, Command, Locks
from chatd.store.database import Database
from chatd.store.log_row import (
    EventPlace,
    find_lost,
    is_behind,
    raise_beat,
    read_log,
    renew_log,
)
from chatd.store.transaction import Transaction
from tests.store.driver import Store, event, send


class Raise(Command[LogState]):
    def __init__(self, known: LogState = UNKNOWN_LOG) -> None:
        self.known = known

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence["Raise"]) -> list[LogState]:
        return [raise_beat(transaction.database, one.known) for one in commands]


def test_each_database_has_a_log_of_its_own(db_uri: str, tmp_path: object) -> None:
    other = Database(f"sqlite:///{tmp_path}/other.db")
    other.migrate()
    found = []
    for database in (Database(db_uri), other):
        with database.connection(readonly=True):
            found.append(read_log(database))
    assert found[0].incarnation != found[1].incarnation
    assert all(len(one.incarnation) == 16 for one in found)


def test_the_beat_rises_and_the_log_stays_the_same(store: Store) -> None:
    first = store.log_state()
    assert [store.do(Raise()), store.do(Raise(first))] == [
        LogState(first.incarnation, first.beat + 1),
        LogState(first.incarnation, first.beat + 2),
    ]
    assert store.log_state().beat == first.beat + 2


@pytest.mark.parametrize("incarnation", ["the same", "another"])
def test_a_log_behind_what_was_seen_is_another_one(store: Store, incarnation: str) -> None:
    """It is read under any name: it may have been restored twice."""
    first = store.log_state()
    seen = LogState(first.incarnation if incarnation == "the same" else "another", first.beat + 7)
    now = store.do(Raise(seen))
    assert now.incarnation not in (first.incarnation, seen.incarnation)
    assert now.beat == seen.beat + 1, "the next one who has seen it does not begin once more"
    assert store.do(Raise(seen)).incarnation == now.incarnation


def test_a_node_that_stands_still_in_the_row_holds_up_nobody(nodes: tuple[Store, Store]) -> None:
    standing, other = nodes
    first = other.log_state()
    with standing.database.connection(readonly=False):
        standing.database.begin()
        raise_beat(standing.database, UNKNOWN_LOG)
        assert other.do(Raise()) == first, "as it was committed"
        standing.database.commit()
    assert other.do(Raise()).beat == first.beat + 2


def test_events_that_are_surely_lost(store: Store) -> None:
    store.do(send("alice", *(event("r", f"e{number}") for number in range(2, 6))))
    database = store.database
    there, gone = EventPlace("r", 3, "e3"), EventPlace("r", 6, "e6")
    other, no_room = EventPlace("r", 3, "x"), EventPlace("none", 1, "e1")
    with database.connection(readonly=True):
        assert find_lost(database, [there, gone, other, no_room, gone]) == {gone, other, no_room}
        assert find_lost(database, []) == set()
        assert (is_behind(database, "r", 5), is_behind(database, "r", 6)) == (False, True)
        assert is_behind(database, "none", 1)


def test_what_retention_or_an_erasure_took_is_not_lost(store: Store) -> None:
    store.do(send("bob", event("r", "from bob")))
    store.do(send("alice", *(event("r", f"e{number}") for number in range(3, 6))))
    store.publish()
    store.do(PurgeLog("r", up_to=3, before_us=0, limit=100, forget_before_us=10**18))
    while store.erase("alice").more:
        pass
    database = store.database
    with database.connection(readonly=True):
        assert find_lost(database, [EventPlace("r", 3, "e3"), EventPlace("r", 4, "e4")]) == set()
        assert database.rows("SELECT seq FROM room_event WHERE seq <= 3") == [], "it was forgotten indeed"


def test_a_new_incarnation_goes_on_behind_both_beats(store: Store) -> None:
    first = store.log_state()
    with store.database.connection(readonly=False):
        store.database.begin()
        assert renew_log(store.database, UNKNOWN_LOG).beat == first.beat + 1
        assert renew_log(store.database, LogState("x", first.beat + 10)).beat == first.beat + 11
        store.database.db.rollback()


def lose(store: Store, seq: int, head_seq: int) -> None:
    """As in a database that went back: the event is not there."""
    store.database.connect(readonly=False)
    store.database.begin()
    store.database.run("DELETE FROM room_event WHERE room_id = 'r' AND seq >= ?", (seq,))
    store.database.run("UPDATE room SET head_seq = ? WHERE room_id = 'r'", (head_seq,))
    store.database.commit()
    store.database.disconnect()


def end_connections(store: Store) -> None:
    """The server ends the writer's connection, as a failover does."""
    store.database.connect(readonly=True)
    store.database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    store.database.disconnect()


def an_event(number: int) -> NewEvent:
    return event("r", f"e{number}")


def test_a_writer_looks_for_its_last_event_when_it_connects_anew(nodes: tuple[Store, Store]) -> None:

    store = nodes[0]
    store.do(CreateRoom("r", "", "alice", ()))
    store.do(send("alice", an_event(2)))
    before = store.log_state()
    end_connections(store)
    assert store.do(send("alice", an_event(3)))[0].seq == 3
    assert store.log_state() == before, "nothing is missing"
    assert store.logs == []
    lose(store, 3, 2)
    end_connections(store)
    assert store.do(send("alice", an_event(4)))[0].seq == 3
    (state,) = store.logs
    assert state == store.log_state()
    assert (state.incarnation != before.incarnation, state.beat) == (True, before.beat + 1)
    end_connections(store)
    store.do(send("alice", an_event(5)))
    assert len(store.logs) == 1, "said once"


def test_a_refused_command_takes_the_new_incarnation_not_with_it(nodes: tuple[Store, Store]) -> None:
    store = nodes[0]
    store.do(CreateRoom("r", "", "alice", ()))
    store.do(send("alice", an_event(2)))
    before = store.log_state()
    lose(store, 2, 1)
    end_connections(store)
    with pytest.raises(ChatdError):
        store.do(send("mallory", an_event(3)))
    assert store.logs == [store.log_state()]
    assert store.log_state().incarnation != before.incarnation


def test_members_of_another_log_are_not_taken_for_this_one_s(nodes: tuple[Store, Store]) -> None:
    """Versions begin anew where the database went back to."""

    store, other = nodes
    store.do(CreateRoom("r", "", "alice", ()))
    store.do(AddSubscriptions("r", ("bob",), "alice", False))
    lose(store, 2, 1)
    store.database.connect(readonly=False)
    store.database.run("DELETE FROM subscription WHERE profile_id = 'bob'")
    store.database.run("UPDATE room SET membership_version = membership_version - 1")
    store.database.disconnect()
    other.do(AddSubscriptions("r", ("carol",), "alice", False))
    end_connections(store)
    store.do(send("alice", an_event(3)))
    assert store.runs[-1].recipients.profiles == {"alice", "carol"}
