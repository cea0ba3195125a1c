"""A pull: at most what was asked for, over many rooms, beyond what the stream already has."""

from chatd.core.model import Owed
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame
from tests.store.driver import Store, event, send


def ranges(owed: Owed) -> list[tuple[str, int, int]]:
    return [(run.room_id, run.first_seq, run.last_seq) for run in owed.runs]


def fill(store: Store, rooms: str, count: int) -> None:
    for room in rooms:
        store.do(CreateRoom(room, "", "alice", ("bob",)))
    # Devices are registered by the caller before: the joining (seq 1) is owed too.
    for room in rooms:
        store.do(send("alice", *(event(room, f"{room}{number}", b"x" * 50) for number in range(count))))


def test_the_limit_on_messages_counts_over_all_rooms(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store, "abc", 2)
    owed = store.owed(bob, max_messages=4)
    assert (ranges(owed), owed.more) == ([("a", 1, 3), ("b", 1, 1)], True)
    owed = store.owed(bob, max_messages=9)
    assert (ranges(owed), owed.more) == ([("a", 1, 3), ("b", 1, 3), ("c", 1, 3)], False)


def test_the_limit_on_bytes_counts_over_all_rooms(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store, "ab", 2)
    everything = sum(len(run.records) for run in store.owed(bob).runs)
    whole = store.owed(bob, max_bytes=everything)
    assert (sum(len(run.records) for run in whole.runs), whole.more) == (everything, False)
    short = store.owed(bob, max_bytes=everything - 1)
    assert (ranges(short), short.more) == ([("a", 1, 3), ("b", 1, 2)], True)


def test_only_the_very_first_may_exceed_the_limit_on_bytes(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", event("r", "huge", b"x" * 5000), event("r", "small")))
    owed = store.owed(bob, max_bytes=100)
    assert (ranges(owed), owed.more) == ([("r", 2, 2)], True)
    store.do(CreateRoom("a", "", "alice", ("bob",)))
    owed = store.owed(bob, max_bytes=1000)
    assert (ranges(owed), owed.more) == ([("a", 1, 1)], True), "the huge one is not the first of this pull"


def test_more_than_is_read_at_once_comes_in_order(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", *(event("r", f"{number}") for number in range(600))))
    owed = store.owed(bob, max_messages=1000, max_bytes=10**7)
    frame = ServerFrame.FromString(b"".join(run.records for run in owed.runs))
    assert [delivery.event.seq for delivery in frame.deliveries] == list(range(2, 602))
    assert not owed.more
    assert store.owed(bob, max_messages=599, max_bytes=10**7).more


def test_what_was_sent_ahead_is_skipped_over_ranges(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "unseen")))
    store.do(AddSubscriptions("r", ("bob",), "alice", False))
    store.do(send("alice", event("r", "seen")))
    assert ranges(store.owed(bob)) == [("r", 2, 2), ("r", 4, 5)]
    assert ranges(store.owed(bob, sent={"r": 2})) == [("r", 4, 5)]
    assert ranges(store.owed(bob, sent={"r": 4})) == [("r", 5, 5)]
    assert store.owed(bob, sent={"r": 5}) == Owed()
    assert ranges(store.owed(bob, sent={"elsewhere": 9})) == [("r", 2, 2), ("r", 4, 5)]


def test_cursors_are_where_the_stream_stands_after_the_pull(store: Store) -> None:
    bob = store.open("bob", "d")
    fill(store, "ab", 1)
    owed = store.owed(bob, want_cursors=True, sent={"a": 1})
    assert (owed.cursors, owed.more) == ({"a": 2, "b": 2, "r": 1}, False)
    assert store.owed(bob).cursors == {}


def test_devices_of_one_profile_are_owed_each_on_its_own(store: Store) -> None:
    early = store.open("bob", "early")
    store.do(send("alice", event("r", "1")))
    late = store.open("bob", "late")
    store.do(send("alice", event("r", "2")))
    assert ranges(store.owed(early)) == [("r", 2, 3)]
    assert ranges(store.owed(late)) == [("r", 3, 3)]


def test_a_device_known_before_keeps_its_cursor_when_it_comes_back(store: Store) -> None:
    store.open("bob", "d")
    store.do(send("alice", event("r", "1")))
    assert ranges(store.owed(store.open("bob", "d"))) == [("r", 2, 2)]
