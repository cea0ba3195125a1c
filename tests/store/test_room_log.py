"""Rooms' logs: places, the runs that are fanned out, and members by identity."""

from chatd.core.model import Members
from chatd.default.messages.model import StoredEvent
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.store.room_log import MEMBERS_KEPT, MembersCache
from tests.store.driver import Store, event, send


def seqs(stored: tuple[StoredEvent, ...]) -> list[int]:
    return [one.seq for one in stored]


def test_seqs_are_contiguous_per_room(store: Store) -> None:
    store.do(CreateRoom("other", "", "alice", ()))
    results = store.many([send("alice", event("r", f"a{number}"), event("other", f"b{number}")) for number in range(50)])
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
    store.many([send("alice", *(event("r", f"{turn}-{number}", b"x" * 60_000) for number in range(10))) for turn in range(3)])
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
