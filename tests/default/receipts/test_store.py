"""Read markers: forward only, within the profile's memberships; unread counts."""

import threading

import pytest

from chatd.default.receipts.store import UNREAD, ListUnread, SetReadMarker
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import NotAMember
from tests.default.explain import assert_looked_up
from tests.default.receipts.markers import mark, say
from tests.store.driver import Store


def unread(store: Store, profile: str, *rooms: str) -> dict[str, tuple[int, int, int]]:
    found, more = store.ask(ListUnread(profile, rooms, "", 100))
    assert not more
    return {one.room_id: (one.read_seq, one.head_seq, one.unread) for one in found}


def test_a_marker_moves_forward_only_and_not_past_the_head(store: Store) -> None:
    say(store, 10)
    assert unread(store, "bob") == {"r": (0, 11, 10)}
    assert mark(store, "bob", 5) == (5, True, 6)
    assert mark(store, "bob", 3) == (5, False, 6)
    assert mark(store, "bob", 5) == (5, False, 6)
    assert mark(store, "bob", 2**62) == (11, True, 0)
    assert unread(store, "bob") == {"r": (11, 11, 0)}
    say(store, 3, start=10)
    assert unread(store, "bob") == {"r": (11, 14, 3)}
    assert unread(store, "alice") == {"r": (0, 14, 0)}, "all of it is her own"


def test_many_in_one_transaction_are_as_many_alone(store: Store) -> None:
    say(store, 10)
    commands = [SetReadMarker("bob", "r", seq, f"d{seq}") for seq in (3, 9, 5)] + [
        SetReadMarker("alice", "r", 4, "")
    ]
    results = store.many(commands)
    assert [one.seq for one in results][-1] == 4
    assert max(one.seq for one in results[:3]) == 9
    assert unread(store, "bob") == {"r": (9, 11, 2)}


def test_two_writers_never_move_a_marker_back(db_uri: str, store: Store) -> None:
    say(store, 200)
    others = [Store(db_uri) for _ in range(2)] if store.database.engine == "postgres" else [store]

    def run(one: Store) -> None:
        for command in [SetReadMarker("bob", "r", seq, "") for seq in range(1, 200, 3)]:
            one.do(command)

    threads = [threading.Thread(target=run, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    seen = 0
    while any(thread.is_alive() for thread in threads):
        ((read, _, _),) = (
            unread(store, "bob").values() if store.database.engine == "postgres" else ((seen, 0, 0),)
        )
        assert read >= seen
        seen = read
    for thread in threads:
        thread.join()
    for one in others:
        if one is not store:
            one.close()
    assert unread(store, "bob")["r"][0] == 199


def test_only_members_mark_and_only_within_their_memberships(store: Store) -> None:
    say(store, 4)
    with pytest.raises(NotAMember):
        store.do(SetReadMarker("bob", "nowhere", 1, ""))
    with pytest.raises(NotAMember):
        store.do(SetReadMarker("mallory", "r", 1, ""))
    store.do(RemoveSubscriptions("r", ("bob",), by="alice", operator=False))
    say(store, 5, start=4)
    assert mark(store, "bob", 100) == (6, True, 0), "up to where it left; nothing is unread for who is gone"
    assert unread(store, "bob") == {}
    store.do(AddSubscriptions("r", ("bob",), by="alice", operator=False))
    say(store, 2, start=9)
    assert unread(store, "bob") == {"r": (6, 14, 2)}, "what was said while it was away does not count"


def test_rooms_are_listed_page_by_page(store: Store) -> None:
    for name in ("a", "b", "c"):
        store.do(CreateRoom(name, f"Room {name}", "bob", ()))
    page, more = store.ask(ListUnread("bob", (), "", 2))
    assert ([(one.room_id, one.name) for one in page], more) == ([("a", "Room a"), ("b", "Room b")], True)
    page, more = store.ask(ListUnread("bob", (), "b", 2))
    assert ([one.room_id for one in page], more) == (["c", "r"], False)
    assert list(unread(store, "bob", "c", "nowhere")) == ["c"]


def test_unread_counts_are_looked_up_and_never_counted(store: Store) -> None:
    """No table is read from end to end: each room is a look-up by key in each of three, four in its
    log, and two for mentions."""
    say(store, 10)
    if store.database.engine == "sqlite":
        plan = " ".join(str(row) for row in store.database.rows(f"EXPLAIN QUERY PLAN {UNREAD}", ("bob", "")))
        assert plan.count("SEARCH") == 9
        assert plan.count("mention USING PRIMARY KEY (profile_id=? AND room_id=? AND seq>?)") == 2
    assert_looked_up(store, UNREAD, ("bob", ""))
