"""Rooms' logs: places, the runs that are fanned out, and members by identity.

The first tests use a RoomLog alone, in a transaction of their own; the others go through the
writer.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chatd.core.model import Members
from chatd.core.priority import BULK, NORMAL, URGENT
from chatd.default.messages.model import StoredEvent
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame
from chatd.store.locked_room import LockedRoom
from chatd.store.room_log import MAX_RUN_BYTES, MEMBERS_KEPT, MembersCache, RoomLog
from chatd.store.statements import MAX_VARIABLES
from tests.store.driver import Store, event, send

NOW = 77
"""The time of all that a RoomLog alone appends, in microseconds."""


@contextmanager
def room_log(
    store: Store, *rooms: str, commit: bool = True, cache: MembersCache | None = None
) -> Iterator[RoomLog]:
    """A log with these rooms locked, in a transaction that is committed at the end, or else rolled
    back."""
    database = store.database
    with database.connection(readonly=False):
        if database.engine == "sqlite":
            connection = database.db.connection()  # type: ignore[no-untyped-call]
            connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)  # distributions raise it
        database.run("BEGIN IMMEDIATE" if database.engine == "sqlite" else "BEGIN")
        log = RoomLog(database, store.members if cache is None else cache, NOW)
        log.lock(set(rooms))
        yield log
        log.flush()
        if commit:
            database.commit()
        else:
            database.db.rollback()


def append(
    log: RoomLog,
    room: LockedRoom,
    event_id: str,
    payload: bytes = b"",
    priority: int = NORMAL,
    *,
    to: Members | None = None,
    alone: bool = False,
) -> int:
    """An event of alice's, for ``to`` or else for the room's members: its seq."""
    link = EventLink(event_id=event_id, sender_id="alice", priority=priority)
    return log.append(room, link, payload, b"hash", to or log.members(room), alone=alone)


def spans(log: RoomLog) -> list[tuple[str, int, int]]:
    return [(run.room_id, run.first_seq, run.last_seq) for run in log.committed(1.0)]


def test_an_event_gets_the_place_behind_the_head(store: Store) -> None:
    with room_log(store, "r") as log:
        assert [append(log, log.room("r"), event_id) for event_id in ("a", "b")] == [2, 3]
        log.flush()
        assert append(log, log.room("r"), "c") == 4, (
            "a command later in the transaction goes on where the first one ended"
        )
    with room_log(store, "r") as log:
        assert append(log, log.room("r"), "d") == 5
    rows = store.database.rows(
        "SELECT seq, event_id, sender_id, sent_at_us, delivery FROM room_event WHERE seq > 1 ORDER BY seq"
    )
    assert [row[:4] for row in rows] == [
        (seq, event_id, "alice", NOW) for seq, event_id in enumerate("abcd", 2)
    ]
    links = [EventDelivery.FromString(bytes(row[4])).event for row in rows]
    assert [(link.room_id, link.seq, link.sent_at_us) for link in links] == [
        ("r", seq, NOW) for seq in range(2, 6)
    ]
    assert store.database.rows("SELECT head_seq FROM room") == [(5,)]


def test_places_of_a_transaction_that_is_rolled_back_are_given_again(store: Store) -> None:
    with room_log(store, "r", commit=False) as log:
        assert append(log, log.room("r"), "a") == 2
    with room_log(store, "r") as log:
        assert append(log, log.room("r"), "b") == 2


def test_the_head_knows_the_newest_urgent_and_the_newest_event_that_is_not_bulk(store: Store) -> None:
    with room_log(store, "r") as log:
        for number, priority in enumerate((URGENT, NORMAL, BULK, BULK)):
            append(log, log.room("r"), f"{number}", priority=priority)
    assert store.database.rows("SELECT head_seq, urgent_seq, normal_seq FROM room") == [(5, 2, 3)]
    with room_log(store, "r") as log:
        room = log.room("r")
        assert (room.head_seq, room.urgent_seq, room.normal_seq) == (5, 2, 3)


def test_only_rooms_that_exist_are_locked(store: Store) -> None:
    with room_log(store, "r", "nowhere") as log:
        assert log.find("nowhere") is None
        with pytest.raises(RoomNotFound):
            log.room("nowhere")


def test_more_rooms_are_locked_than_a_statement_has_variables(store: Store) -> None:
    with room_log(store, "r", *(f"unknown{number}" for number in range(MAX_VARIABLES + 1_000))) as log:
        assert append(log, log.room("r"), "a") == 2


def test_more_events_are_written_than_a_statement_has_variables(store: Store) -> None:
    count = MAX_VARIABLES // 8 + 100
    with room_log(store, "r") as log:
        for number in range(count):
            append(log, log.room("r"), f"{number}")
    assert store.database.rows("SELECT COUNT(*), MAX(seq) FROM room_event") == [(count + 1, count + 1)]


def test_events_of_a_room_for_the_same_members_are_one_run(store: Store) -> None:
    store.do(CreateRoom("s", "", "alice", ()))
    with room_log(store, "r", "s") as log:
        for number in range(3):
            append(log, log.room("r"), f"r{number}", priority=URGENT if number == 1 else BULK)
            append(log, log.room("s"), f"s{number}", priority=BULK)
    first, second = log.committed(1.0)
    assert [(run.room_id, run.first_seq, run.last_seq) for run in (first, second)] == [
        ("r", 2, 4),
        ("s", 2, 4),
    ]
    assert (first.priority, second.priority) == (URGENT, BULK), "the highest of the events'"
    frame = ServerFrame.FromString(first.records)
    assert [one.event.event_id for one in frame.deliveries] == ["r0", "r1", "r2"]
    assert first.recipients.profiles == {"alice", "bob"}


def test_other_recipients_begin_another_run_even_if_they_are_the_same_profiles(store: Store) -> None:
    with room_log(store, "r") as log:
        room = log.room("r")
        append(log, room, "a")
        log.set_members(room, frozenset({"alice", "bob"}), {})
        append(log, room, "b")
        append(log, room, "c")
    assert spans(log) == [("r", 2, 2), ("r", 3, 4)]


def test_an_event_that_is_alone_joins_no_run_and_nothing_joins_it(store: Store) -> None:
    with room_log(store, "r") as log:
        room = log.room("r")
        append(log, room, "a")
        append(log, room, "b", alone=True)
        append(log, room, "c", alone=True)
        append(log, room, "d")
        append(log, room, "e")
    assert spans(log) == [("r", 2, 2), ("r", 3, 3), ("r", 4, 4), ("r", 5, 6)]


def test_a_run_that_has_its_size_is_ended(store: Store) -> None:
    half = b"x" * (MAX_RUN_BYTES // 2)
    with room_log(store, "r") as log:
        for number in range(5):
            append(log, log.room("r"), f"{number}", half)
    assert spans(log) == [("r", 2, 3), ("r", 4, 5), ("r", 6, 6)]


def test_members_are_one_object_until_a_profile_joins_or_leaves(store: Store) -> None:
    with room_log(store, "r") as log:
        room = log.room("r")
        before = log.members(room)
        assert log.members(room) is before
        after = log.set_members(room, before.profiles | {"carol"}, before.roles)
        assert log.members(room) is after
        assert after == Members("r", before.version + 1, frozenset({"alice", "bob", "carol"}), before.roles)
        log.set_members(room, before.profiles, before.roles)  # as the database has them
    assert log.committed(1.0) == []
    with room_log(store, "r") as later:
        room = later.room("r")
        assert room.version == before.version + 2, "the version is stored"
        assert later.members(room) is log.members(room), "the cache has them since the commit"


def test_members_that_are_read_are_one_object_for_the_whole_transaction(store: Store) -> None:
    with room_log(store, "r", cache=MembersCache()) as log:
        members = log.members(log.room("r"))
        assert members.profiles == {"alice", "bob"}
        assert log.members(log.room("r")) is members


def test_members_of_a_transaction_that_is_rolled_back_are_not_remembered(store: Store) -> None:
    with room_log(store, "r", commit=False) as log:
        room = log.room("r")
        log.set_members(room, frozenset({"mallory"}), {})
    assert store.members.get("r", room.version) is None
    with room_log(store, "r") as log:
        assert log.members(log.room("r")).profiles == {"alice", "bob"}


def test_a_room_of_this_transaction_is_empty(store: Store) -> None:
    with room_log(store) as log:
        room = log.add(LockedRoom("new", 0, 0))
        assert log.find("new") is room
        assert (room.head_seq, log.members(room).profiles) == (0, frozenset[str]())


def seqs(stored: tuple[StoredEvent, ...]) -> list[int]:
    return [one.seq for one in stored]


def test_seqs_are_contiguous_per_room(store: Store) -> None:
    store.do(CreateRoom("other", "", "alice", ()))
    results = store.many(
        [send("alice", event("r", f"a{number}"), event("other", f"b{number}")) for number in range(50)]
    )
    assert [seqs(result) for result in results] == [[number + 2, number + 2] for number in range(50)]


def test_a_batch_of_one_room_is_one_run(store: Store) -> None:
    store.runs.clear()
    store.many([send("alice", event("r", f"e{number}")) for number in range(100)])
    assert sum(run.last_seq - run.first_seq + 1 for run in store.runs) == 100
    assert len(store.runs) <= store.batches
    assert [run.first_seq for run in store.runs][1:] == [run.last_seq + 1 for run in store.runs][:-1]


def test_runs_name_their_recipients(store: Store) -> None:
    store.runs.clear()
    store.do(send("alice", event("r", "1")))
    store.do(send("alice", event("r", "2")))
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(send("carol", event("r", "3")))
    store.do(RemoveSubscriptions("r", ("bob",), "alice", False))
    store.do(send("alice", event("r", "4")))
    before, same, joined, with_carol, left, without_bob = [run.recipients for run in store.runs]
    assert before is same, "fan-out knows by identity that nobody came or went"
    assert before.profiles == {"alice", "bob"}
    assert joined.profiles == with_carol.profiles == left.profiles == {"alice", "bob", "carol"}
    assert without_bob.profiles == {"alice", "carol"}


def test_a_run_does_not_grow_without_end(store: Store) -> None:
    store.runs.clear()
    store.many(
        [
            send("alice", *(event("r", f"{turn}-{number}", b"x" * 60_000) for number in range(10)))
            for turn in range(3)
        ]
    )
    assert all(len(run.records) < 400_000 for run in store.runs)
    assert [run.first_seq for run in store.runs][1:] == [run.last_seq + 1 for run in store.runs][:-1]


def test_members_stay_the_same_object_through_changes_that_change_nothing(store: Store) -> None:
    store.runs.clear()
    store.do(send("alice", event("r", "1")))
    store.do(AddSubscriptions("r", ("bob",), "alice", False))
    store.do(RemoveSubscriptions("r", ("nobody",), "alice", False))
    store.many([send("eve", event("r", "refused"))])
    store.do(send("bob", event("r", "2")))
    first, second = [run.recipients for run in store.runs]
    assert first is second


def test_members_kept_in_memory_hold_for_one_version() -> None:
    cache = MembersCache()
    members = Members("r", 3, frozenset({"alice"}))
    cache.put(members)
    assert cache.get("r", 3) is members
    assert cache.get("r", 4) is None
    assert cache.get("s", 3) is None


def test_members_kept_in_memory_are_bounded_oldest_out_first() -> None:
    cache = MembersCache()
    third = MEMBERS_KEPT // 3
    crowd = frozenset(map(str, range(third)))
    for room in ("a", "b", "c"):
        cache.put(Members(room, 1, crowd))
    cache.put(Members("c", 2, crowd))
    cache.get("a", 1)
    cache.put(Members("d", 1, crowd))
    assert cache.get("b", 1) is None
    assert all(cache.get(room, version) for room, version in (("a", 1), ("c", 2), ("d", 1)))
