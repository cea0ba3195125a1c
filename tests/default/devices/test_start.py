"""The point where a new device begins, and what is kept of devices that are forgotten."""

import pytest

from chatd.core.start import HEAD, JOINED, UNDELIVERED, Start
from chatd.default.devices.model import DeviceHello
from chatd.default.devices.start import BEGIN, FIND_LACKING
from chatd.default.devices.store import ForgetDevice, OpenStreams
from chatd.default.outbox.skip import SkipEvent, SkipOutbox
from chatd.default.receipts.delivered import FindDelivered, Stretch
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.pb.events.v1.payloads_pb2 import SkipReason
from tests.default.receipts.markers import mark
from tests.default.retention.log import purge
from tests.store.driver import MANY, Store, acks, event, owed_deliveries, ranges, send

JOINED_SEQ = 4


@pytest.fixture
def late(store: Store) -> Store:
    """Room r has 10 events. The fourth says that carol has joined; alice and bob are members from
    the first on. Each has a time of its own."""
    store.do(send("alice", event("r", "e2")))
    store.do(send("alice", event("r", "e3")))
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    for seq in range(5, 11):
        store.do(send("alice", event("r", f"e{seq}")))
    return store


def begins(
    store: Store, start: Start | None, *, profile: str = "carol", device: str = "d"
) -> list[tuple[str, int, int]]:
    """The room, first and last seq of all that a new device is owed."""
    return ranges(store.owed(store.open(profile, device, start)))


def sent_at(store: Store, seq: int) -> int:
    ((at_us,),) = store.database.rows(
        "SELECT sent_at_us FROM room_event WHERE room_id = 'r' AND seq = ?", (seq,)
    )
    return int(at_us)


@pytest.mark.parametrize(
    ("start", "first"),
    [
        (HEAD, 11),
        (JOINED, JOINED_SEQ),
        (UNDELIVERED, JOINED_SEQ),
        (None, JOINED_SEQ),
        (Start("last", 0), 11),
        (Start("last", 2), 9),
        (Start("last", 100), JOINED_SEQ),
        (Start("seqs", seqs={"r": 7}), 8),
        (Start("seqs", seqs={"r": 0, "unknown": 3}), JOINED_SEQ),
        (Start("seqs", seqs={"r": 2**40}), 11),
        (Start("seqs", seqs={}), 11),
    ],
)
def test_a_new_device_begins_where_it_says(late: Store, start: Start | None, first: int) -> None:
    assert begins(late, start) == ([("r", first, 10)] if first <= 10 else [])
    late.do(send("alice", event("r", "e11")))
    assert ranges(late.owed(late.open("carol", "d", JOINED))) == [("r", first, 11)], "it is known now"


def test_since_a_time(late: Store) -> None:
    """Never from before the profile joined."""
    for seq in range(1, 11):
        assert begins(late, Start("since_us", sent_at(late, seq)), device=f"d{seq}") == [
            ("r", max(seq, JOINED_SEQ), 10)
        ]
    assert begins(late, Start("since_us", 0), device="all") == [("r", JOINED_SEQ, 10)]
    assert begins(late, Start("since_us", sent_at(late, 10) + 1), device="none") == []


def test_each_room_for_itself(late: Store) -> None:
    late.do(CreateRoom("s", "", "carol", ()))
    late.do(send("carol", event("s", "s2")))
    assert begins(late, Start("last", 1)) == [("r", 10, 10), ("s", 2, 2)]
    assert begins(late, Start("seqs", seqs={"s": 0}), device="e") == [("s", 1, 2)]
    assert begins(late, Start("since_us", sent_at(late, 10)), device="f") == [("r", 10, 10), ("s", 1, 2)]


def test_many_devices_begin_in_one_transaction_each_at_its_own_place(late: Store) -> None:
    starts = {
        ("carol", "a"): HEAD,
        ("carol", "b"): Start("last", 1),
        ("bob", "a"): JOINED,
        ("bob", "b"): Start("seqs", seqs={"r": 3}),
    }
    hellos = [DeviceHello(*device, start) for device, start in starts.items()]
    opened = late.do(OpenStreams((*hellos, DeviceHello("bob", "c"), DeviceHello("dave", "a")), MANY))
    assert [one.start for one in opened] == [*starts.values(), HEAD, HEAD]
    rows = late.database.rows("SELECT profile_id, device_id, start_seq, acked_seq FROM outbox ORDER BY 1, 2")
    assert rows == [
        ("bob", "a", 0, 0),
        ("bob", "b", 3, 3),
        ("bob", "c", 10, 10),
        ("carol", "a", 10, 10),
        ("carol", "b", 9, 9),
    ]


def test_only_the_first_device_of_a_profile_begins_where_it_joined(late: Store) -> None:
    assert begins(late, None, device="first") == [("r", JOINED_SEQ, 10)]
    assert begins(late, None, device="second") == []


@pytest.mark.parametrize("start", [HEAD, Start("last", 6), Start("seqs", seqs={"r": JOINED_SEQ})])
def test_a_device_that_left_out_what_was_before_takes_nothing_from_the_next(
    late: Store, start: Start
) -> None:
    """One that only looks in. The next one that leaves out nothing does."""
    looks_in = late.open("carol", "looks-in", start)
    late.do(acks((looks_in, {"r": 10})))
    (opened,) = late.do(OpenStreams((DeviceHello("carol", "phone"),), MANY))
    assert opened.start == UNDELIVERED
    assert begins(late, None, device="phone") == [("r", JOINED_SEQ, 10)]
    (opened,) = late.do(OpenStreams((DeviceHello("carol", "desk"),), MANY))
    assert opened.start == HEAD
    assert begins(late, None, device="desk") == []


def test_each_room_has_its_own_first_device(late: Store) -> None:
    """A device is owed all of a room that its profile joins later, wherever it began."""
    late.open("carol", "looks-in", HEAD)
    late.do(CreateRoom("s", "", "alice", ("carol",)))
    late.do(send("alice", event("s", "s2")))
    assert begins(late, None, device="phone") == [("r", JOINED_SEQ, 10)]
    late.do(ForgetDevice("carol", "looks-in"))
    assert begins(late, None, device="desk") == [("s", 1, 2)], "nobody is owed it any more"


def test_a_new_membership_has_its_own_first_device(late: Store) -> None:
    """A device that is owed events of the one before is owed the new one, too."""
    late.open("carol", "phone", None)
    late.do(RemoveSubscriptions("r", ("carol",), "alice", False))
    late.do(AddSubscriptions("r", ("carol",), "alice", False))
    assert begins(late, None, device="desk") == []
    late.do(ForgetDevice("carol", "phone"))
    assert begins(late, None, device="lap") == [("r", 12, 12)]


def test_a_device_that_began_where_a_forgotten_one_ended_counts(late: Store) -> None:
    phone = late.open("carol", "phone", None)
    late.open("carol", "looks-in", HEAD)
    late.do(acks((phone, {"r": 10})))
    late.do(ForgetDevice("carol", "phone"))
    late.do(send("alice", event("r", "e11")))
    assert begins(late, None, device="desk") == [], "the one that looks in is owed all behind 10"


def test_of_two_first_devices_at_once_one_is_the_first(late: Store) -> None:
    hellos = tuple(DeviceHello("carol", device) for device in ("a", "b", "a"))
    first, second, again = late.do(OpenStreams(hellos, MANY))
    assert (first.start, second.start, again.start) == (UNDELIVERED, HEAD, None)


def test_a_member_that_came_back_begins_with_its_last_membership(late: Store) -> None:
    late.do(RemoveSubscriptions("r", ("carol",), "alice", False))
    late.do(send("alice", event("r", "unseen")))
    late.do(AddSubscriptions("r", ("carol",), "alice", False))
    assert begins(late, None) == [("r", 13, 13)]
    late.do(RemoveSubscriptions("r", ("carol",), "alice", False))
    assert begins(late, JOINED, device="e") == [], "no member"


def test_removed_events_come_as_a_marker(late: Store) -> None:
    purge(late, 7)
    (marker, *events) = owed_deliveries(late, late.open("carol", "d", None))
    assert (marker.skipped.first_seq, marker.event.seq) == (JOINED_SEQ, 7)
    assert marker.skipped.reason == SkipReason.SKIP_REASON_RETENTION
    assert [one.event.seq for one in events] == [8, 9, 10]
    assert begins(late, Start("last", 4), device="e") == [("r", 7, 7), ("r", 8, 10)]


def test_since_a_time_from_which_on_events_were_removed(late: Store) -> None:
    """Their ids are kept for a week; then nobody knows their times."""
    times = {seq: sent_at(late, seq) for seq in range(1, 11)}
    purge(late, 7)
    assert begins(late, Start("since_us", times[6])) == [("r", 6, 7), ("r", 8, 10)]
    late.database.rows("DELETE FROM room_event WHERE room_id = 'r' AND seq <= 7 RETURNING seq")
    assert begins(late, Start("since_us", times[6]), device="e") == [("r", JOINED_SEQ, 7), ("r", 8, 10)]
    assert begins(late, Start("since_us", times[9]), device="f") == [("r", 9, 10)]


def test_the_first_device_after_all_were_forgotten_goes_on_where_they_were(late: Store) -> None:
    phone = late.open("carol", "phone", None)
    late.do(acks((phone, {"r": 6})))
    assert late.do(ForgetDevice("carol", "phone")) == 1
    assert begins(late, None) == [("r", 7, 10)]
    late.do(ForgetDevice("carol", "d"))
    assert begins(late, None, device="e") == [("r", 7, 10)], "it has acknowledged nothing"
    late.do(ForgetDevice("carol", "e"))
    assert begins(late, JOINED) == [("r", JOINED_SEQ, 10)]


def test_what_a_device_left_out_was_not_delivered(late: Store) -> None:
    """One that began at the head shows nothing about what was before."""
    for device, start in (("looks-in", HEAD), ("has-the-last", Start("last", 3))):
        stream = late.open("carol", device, start)
        late.do(acks((stream, {"r": 10})))
        late.do(ForgetDevice("carol", device))
    assert begins(late, None) == [("r", JOINED_SEQ, 10)]


@pytest.mark.parametrize(
    ("skip", "first"),
    [
        (SkipOutbox("carol", "phone", (("r", 8),)), 7),
        (SkipEvent("carol", "phone", "r", 8), 8),
    ],
)
def test_what_was_skipped_for_a_device_was_not_delivered(
    late: Store, skip: SkipOutbox | SkipEvent, first: int
) -> None:
    phone = late.open("carol", "phone", None)
    late.do(acks((phone, {"r": 6})))
    late.do(skip)
    late.do(acks((late.open("carol", "phone", None), {"r": 10})))
    late.do(ForgetDevice("carol", "phone"))
    assert begins(late, None) == [("r", first, 10)]


def test_a_device_that_went_on_where_another_was_counts(late: Store) -> None:
    phone, desk = late.open("carol", "phone", None), late.open("carol", "desk", Start("seqs", seqs={"r": 6}))
    late.do(acks((phone, {"r": 6}), (desk, {"r": 9})))
    late.do(ForgetDevice("carol", "phone"))
    late.do(ForgetDevice("carol", "desk"))
    assert begins(late, None) == [("r", 10, 10)]


def test_a_new_membership_begins_anew(late: Store) -> None:
    phone = late.open("carol", "phone", None)
    late.do(acks((phone, {"r": 10})))
    late.do(RemoveSubscriptions("r", ("carol",), "alice", False))
    late.do(AddSubscriptions("r", ("carol",), "alice", False))
    late.do(ForgetDevice("carol", "phone"))
    assert begins(late, None) == [("r", 12, 12)]


def test_senders_are_told_what_was_delivered_to_the_first_device(late: Store) -> None:
    mark(late, "carol", JOINED_SEQ)
    stream = late.open("carol", "d", None)
    late.do(acks((stream, {"r": 8})))
    asked = FindDelivered(late.members, (("carol", "d", "r", 8),), 100)
    assert late.ask(asked)[1] == (Stretch("carol", "d", "r", JOINED_SEQ, 8),)


V = "SELECT 'carol' AS profile_id, 'd' AS device_id, 'since_us' AS kind, CAST(? AS BIGINT) AS value"
"""A device, as ``BEGIN`` wants it."""
READ = """
    SELECT COALESCE(SUM(seq_tup_read + idx_tup_fetch), 0)
    FROM pg_stat_xact_user_tables
    WHERE relname IN ('room', 'room_event', 'subscription', 'outbox')
"""


def test_a_time_is_found_by_key(late: Store) -> None:
    """Without statistics, too, PostgreSQL reads a few rows of a long log."""
    database = late.database
    series = (
        "generate_series(11, 20000) n(seq)"
        if database.engine == "postgres"
        else "(WITH RECURSIVE n(seq) AS (SELECT 11 UNION ALL SELECT seq + 1 FROM n LIMIT 19990) SELECT seq FROM n) n"
    )
    with database.connection(readonly=False):
        database.begin()
        database.run(
            f"""
            INSERT INTO room_event (room_id, seq, event_id, sender_id, type, sent_at_us, content_hash, delivery)
            SELECT 'r', seq, 'n' || seq, 'alice', 1, 5000000 + seq, ?, ?
            FROM {series}
            """,
            (b"", b""),
        )
        database.run("UPDATE room SET head_seq = 20000 WHERE room_id = 'r'")
        database.commit()
    with database.connection(readonly=True):
        if database.engine == "sqlite":
            plan = [str(row) for row in database.rows(f"EXPLAIN QUERY PLAN WITH v AS ({V}) {BEGIN}", (1,))]
            assert not [
                step
                for step in plan
                if "SCAN" in step and "search" not in step and "v'" not in step and "CONSTANT" not in step
            ], plan
            assert sum("SEARCH halfway" in step and "(room_id=? AND seq=?)" in step for step in plan) == 2
        database.run("BEGIN")
        assert database.rows(f"WITH v AS ({V}) {BEGIN}", (5_000_777,)) == [("carol", "d", "r", 776)]
        if database.engine == "postgres":
            ((read,),) = database.rows(READ)
            assert read < 100
        database.run("ROLLBACK")


def test_whether_a_room_has_a_device_is_found_by_key(late: Store) -> None:
    """In the outbox of thousands."""
    database = late.database
    asked = FIND_LACKING.format(profiles="?")
    unstated = f"WITH v AS ({V.replace('since_us', 'unstated')}) {BEGIN}"
    late.open("carol", "d", HEAD)
    with database.connection(readonly=False):
        if database.engine == "postgres":
            database.run("ALTER TABLE outbox SET (autovacuum_enabled = off)")
            database.run("ALTER TABLE subscription SET (autovacuum_enabled = off)")
            database.run(
                """
                INSERT INTO subscription (room_id, profile_id, joined_seq)
                SELECT 'r' || mod(n, 100), 'p' || n, 1
                FROM generate_series(1, 20000) n
                """
            )
            database.run(
                """
                INSERT INTO outbox (profile_id, device_id, room_id, start_seq, acked_seq, created_at_us)
                SELECT 'p' || n, 'd', 'r' || mod(n, 100), 0, 0, 0
                FROM generate_series(1, 20000) n
                """
            )
    with database.connection(readonly=True):
        if database.engine == "sqlite":
            plan = [str(row) for row in database.rows(f"EXPLAIN QUERY PLAN {asked}", ("carol",))]
            assert not any("SCAN" in step for step in plan), plan
        database.run("BEGIN")
        assert database.rows(asked, ("carol",)) == [("carol",)]
        assert database.rows(unstated, (0,)) == [("carol", "d", "r", JOINED_SEQ - 1)]
        if database.engine == "postgres":
            ((read,),) = database.rows(READ)
            assert read < 100
        database.run("ROLLBACK")
