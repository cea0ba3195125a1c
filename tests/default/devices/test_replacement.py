"""A full profile: the longest unseen device that is owed nothing and is not connected makes room
for a new one."""

from pathlib import Path

from chatd.core.model import StreamAcks
from chatd.core.start import HEAD
from chatd.default.dead_letters.store import ReplayDeadLetters
from chatd.default.devices.model import DeviceHello, Registered
from chatd.default.devices.replacement import (
    LONGEST_UNSEEN,
    OWED,
    REPLAYED,
    UNTOLD,
    FindReplaceable,
    ReplaceDevice,
)
from chatd.default.notifications.push import GetPush, SetPush, count_devices, find_registered
from chatd.default.outbox.cursors import AckCursors
from chatd.default.outbox.skip import SkipOutbox
from chatd.default.rooms.membership import RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.store.database import Database
from tests.default.dead_letters.letters import bury
from tests.store.driver import RULE, Store, acks, at_once, event, reject, send

MOST = 3
READ = """
    SELECT COALESCE(SUM(seq_tup_read + idx_tup_fetch), 0)
    FROM pg_stat_xact_user_tables
    WHERE relname IN ('room', 'outbox', 'device', 'push', 'dead_letter', 'delivery_gap')
"""


def open_new(store: Store, *devices: str, most: int = MOST) -> tuple[int, ...]:
    return store.epochs(*(("bob", device) for device in devices), most=most)


def replaceable(store: Store, *connected: str) -> str:
    return store.ask(FindReplaceable("bob", frozenset(connected), store.now_us + 1))


def replace(store: Store, device: str, other: str) -> tuple[int, int]:
    opened, went = store.do(ReplaceDevice(DeviceHello("bob", device, HEAD), MOST, other, store.now_us + 1))
    return opened.epoch, went


def devices(store: Store) -> list[str]:
    with store.database.connection(readonly=True):
        rows = store.database.rows("SELECT device_id FROM device WHERE profile_id = 'bob' ORDER BY 1")
    return [device for (device,) in rows]


def owe(store: Store, seq: int) -> None:
    """All devices of bob are owed one event more."""
    store.do(send("alice", event("r", f"e{seq}")))


def test_a_profile_has_as_many_devices_as_it_may_and_known_ones_come_back(store: Store) -> None:
    assert open_new(store, *(f"d{number}" for number in range(300))) == (1,) * MOST + (0,) * 297
    assert open_new(store, "d0", "d3", "d2", "d2") == (2, 0, 2, 3)
    assert devices(store) == ["d0", "d1", "d2"]
    assert store.database.rows("SELECT COUNT(*) FROM outbox WHERE profile_id = 'bob'") == [(MOST,)]


def test_other_profiles_in_the_same_command_have_their_own_number(store: Store) -> None:
    wanted = tuple((profile, f"d{number}") for number in range(3) for profile in ("bob", "carol"))
    assert store.epochs(*wanted, most=2) == (1, 1, 1, 1, 0, 0)


def test_the_longest_unseen_goes_and_everything_that_is_kept_for_it(store: Store) -> None:
    for device in ("first", "second", "third"):
        open_new(store, device)
    store.do(SetPush("bob", "second", "log", "", "", "", MOST))
    open_new(store, "first")
    assert replaceable(store) == "second"
    assert replaceable(store, "second") == "third"
    assert replaceable(store, "first", "second", "third") == ""
    assert replace(store, "new", "second") == (1, 1)
    assert devices(store) == ["first", "new", "third"]
    assert store.ask(GetPush("bob", "second")) is None
    assert store.database.rows("SELECT COUNT(*) FROM outbox WHERE device_id = 'second'") == [(0,)]


def test_a_device_seen_lately_stays(store: Store) -> None:
    open_new(store, "first", "second", "third")
    assert store.ask(FindReplaceable("bob", frozenset(), store.now_us - 5)) == ""
    assert store.do(ReplaceDevice(DeviceHello("bob", "new"), MOST, "first", store.now_us - 5)) == (
        Registered(0),
        0,
    )
    assert devices(store) == ["first", "second", "third"]


def test_a_device_that_is_owed_an_event_stays(store: Store) -> None:
    streams = [store.open("bob", device) for device in ("first", "second", "third")]
    owe(store, 2)
    assert replaceable(store) == ""
    assert replace(store, "new", "first") == (0, 0)
    store.do(acks((streams[1], {"r": 2})))
    assert replaceable(store) == "second"


def test_what_a_device_is_owed_of_a_room_that_was_left_counts(store: Store) -> None:
    stream = store.open("bob", "only")
    owe(store, 2)
    store.do(RemoveSubscriptions("r", ("bob",), by="alice", operator=False))
    assert replaceable(store) == ""
    store.do(acks((stream, {"r": 3})))
    assert replaceable(store) == "only"


def test_a_replay_is_owed_and_a_dead_letter_is_not(store: Store) -> None:
    stream = store.open("bob", "only")
    owe(store, 2)
    letter = bury(store, stream, 2)
    store.do(acks((stream, {"r": 2})))
    assert replaceable(store) == "only"
    store.do(ReplayDeadLetters((letter.letter_id,)))
    assert replaceable(store) == ""
    store.do(AckCursors((StreamAcks(stream, replayed=(("r", 2),)),), RULE))
    assert replaceable(store) == "only"


def test_the_marker_of_what_was_skipped_is_owed(store: Store) -> None:
    """The cursor is behind it already."""
    store.open("bob", "only")
    owe(store, 2)
    store.do(SkipOutbox("bob", "only", (("r", 2),)))
    assert replaceable(store) == ""
    stream = store.open("bob", "only")
    store.do(AckCursors((StreamAcks(stream, {"r": 2}, removed=(("r", 2, 2),)),), RULE))
    assert replaceable(store) == "only"


def test_a_rejection_leaves_nothing_owed(store: Store) -> None:
    stream = store.open("bob", "only")
    owe(store, 2)
    store.do(reject(stream, 2))
    store.do(acks((stream, {"r": 2})))
    assert replaceable(store) == "only"


def test_a_device_that_never_connected_makes_room(store: Store) -> None:
    store.do(SetPush("bob", "never", "log", "", "", "", MOST))
    open_new(store, "first", "second")
    assert open_new(store, "third") == (0,)
    assert replaceable(store) == "never"
    assert replace(store, "third", "never") == (1, 0)
    assert store.ask(GetPush("bob", "never")) is None


def test_a_device_that_came_back_or_has_a_place_takes_nobodys(store: Store) -> None:
    open_new(store, "first", "second", "third")
    assert replace(store, "second", "first") == (2, 0)
    assert replace(store, "new", "gone") == (0, 0)
    assert devices(store) == ["first", "second", "third"]


def test_a_database_with_more_devices_keeps_them_and_newcomers_replace(store: Store) -> None:
    open_new(store, *(f"d{number}" for number in range(10)), most=100)
    assert open_new(store, "new") == (0,)
    assert replace(store, "new", replaceable(store)) == (1, 1)
    assert len(devices(store)) == 10
    assert open_new(store, "d9") == (2,)


def test_two_nodes_at_once_make_no_more_devices_than_allowed(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("r", "", "alice", ("bob",)))
    for attempt in range(10):
        profile = f"p{attempt}"
        opened = at_once(
            nodes,
            lambda node, profile=profile: node.epochs(  # type: ignore[misc]
                *((profile, f"{id(node)}-{number}") for number in range(MOST)), most=MOST
            ),
        )
        assert sum(epoch for one in opened for epoch in one) == MOST


def test_two_newcomers_on_two_nodes_do_not_take_one_place(nodes: tuple[Store, Store]) -> None:
    for attempt in range(10):
        profile = f"p{attempt}"
        nodes[0].epochs(*((profile, f"d{number}") for number in range(MOST)), most=MOST)
        replaced = at_once(
            nodes,
            lambda node, profile=profile: node.do(  # type: ignore[misc]
                ReplaceDevice(DeviceHello(profile, f"new-{id(node)}"), MOST, "d0", 2**62)
            ),
        )
        assert sorted((opened.epoch, went) for opened, went in replaced) == [(0, 0), (1, 1)]
        count = "SELECT COUNT(*) FROM device WHERE profile_id = ?"
        assert nodes[0].database.rows(count, (profile,)) == [(MOST,)]


def test_sqlite_looks_everything_up(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/chatd.db")
    database.migrate()
    with database.connection(readonly=True):
        statements = (
            (LONGEST_UNSEEN, ("bob", 1, "bob", 1, 1)),
            *((one, ("bob", "d")) for one in (OWED, REPLAYED, UNTOLD)),
        )
        for sql, parameters in statements:
            plan = " ".join(str(row) for row in database.rows(f"EXPLAIN QUERY PLAN {sql}", parameters))
            assert "SEARCH" in plan
            assert "SCAN" not in plan, plan


def test_postgres_reads_a_profiles_rows_alone_without_statistics(postgres_uri: str) -> None:
    """Ten thousand rooms and other devices, and none of the tables has been analysed."""
    store = Store(postgres_uri)
    try:
        store.do(CreateRoom("r", "", "alice", ("bob",)))
        open_new(store, "first", "second", "third")
        database = store.database
        with database.connection(readonly=False):
            for table in ("room", "outbox", "device"):
                database.run(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
            database.run(
                """
                INSERT INTO room (room_id, name, created_by, created_at_us, head_seq, published_seq,
                    membership_version, member_count)
                SELECT 'x' || g, '', 'alice', 1, 1, 1, 1, 1 FROM generate_series(1, 10000) g
                """
            )
            for profile, start in (("'p' || g", 1), ("'bob'", 9990)):
                database.run(
                    f"""
                    INSERT INTO outbox (profile_id, device_id, room_id, start_seq, acked_seq, created_at_us)
                    SELECT {profile}, 'first', 'x' || g, 1, 1, 1 FROM generate_series({start}, 10000) g
                    """
                )
            database.run("INSERT INTO device SELECT 'p' || g, 'd', 1, 1, 1 FROM generate_series(1, 10000) g")
        with database.connection(readonly=True):
            database.run("BEGIN")
            assert FindReplaceable("bob", frozenset(), store.now_us + 1).answer(database) == "first"
            assert find_registered(database, [("bob", "first"), ("bob", "new")]) == {("bob", "first")}
            assert count_devices(database, {"bob"}) == {"bob": 3}
            ((read,),) = database.rows(READ)
            database.run("ROLLBACK")
        assert read < 100
    finally:
        store.close()
