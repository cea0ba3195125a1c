"""What goes first: between rooms in a pull, between commands that wait for the writer. Inside a room nothing ever does."""

import threading

import pytest

from chatd.core.model import CommittedRun, Owed
from chatd.core.priority import BULK, NORMAL, URGENT
from chatd.default.dead_letters.failures import RetryRule
from chatd.default.devices.store import OpenStreams
from chatd.default.fan_out.repair import FindUnpublished
from chatd.default.messages.model import NewEvent
from chatd.default.messages.store import StoreEvents
from chatd.default.outbox.cursors import AckCursors
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame
from chatd.store.command import Turn
from chatd.store.worker import BatchWorker, OnResult
from chatd.store.write_queue import WriteQueue
from tests.store.driver import Store, acks, send


def event(room: str, event_id: str, priority: int = NORMAL, mentions: tuple[str, ...] = ()) -> NewEvent:
    return NewEvent(event_id, room, 1, b"", b"hash", priority=priority, mentions=mentions)


def ranges(owed: Owed) -> list[tuple[str, int, int]]:
    return [(run.room_id, run.first_seq, run.last_seq) for run in owed.runs]


def say(store: Store, room: str, *priorities: int) -> None:
    """Events of these priorities, in this order, one transaction."""
    store.do(send("alice", *(event(room, f"{room}-{store.now_us}-{number}", one) for number, one in enumerate(priorities))))


@pytest.fixture
def rooms(store: Store) -> Store:
    """Rooms a to d besides r, of alice and bob; bob's device "d" has had all but what is said from now on."""
    for room in "abcd":
        store.do(CreateRoom(room, "", "alice", ("bob",)))
    store.open("bob", "d")
    return store


def test_urgent_rooms_come_first_then_usual_ones_then_bulk(rooms: Store) -> None:
    say(rooms, "a", BULK, BULK)
    say(rooms, "b", NORMAL, BULK)
    say(rooms, "c", BULK, URGENT, BULK)
    say(rooms, "d", NORMAL, 3)
    bob = rooms.open("bob", "d")
    assert ranges(rooms.owed(bob)) == [("c", 2, 3), ("d", 2, 3), ("b", 2, 3), ("a", 2, 3), ("c", 4, 4)]


def test_the_shortest_way_to_an_urgent_event_goes_first(rooms: Store) -> None:
    say(rooms, "a", *[BULK] * 9, URGENT)
    say(rooms, "b", URGENT)
    bob = rooms.open("bob", "d")
    assert ranges(rooms.owed(bob, max_messages=5)) == [("b", 2, 2), ("a", 2, 5)]
    assert ranges(rooms.owed(bob, max_messages=5, sent={"b": 2})) == [("a", 2, 6)]


def test_what_is_acknowledged_or_sent_is_urgent_no_more(rooms: Store) -> None:
    say(rooms, "a", NORMAL)
    say(rooms, "b", URGENT, NORMAL)
    bob = rooms.open("bob", "d")
    assert ranges(rooms.owed(bob))[0] == ("b", 2, 2)
    assert ranges(rooms.owed(bob, sent={"b": 2}))[0] == ("a", 2, 2)
    rooms.do(acks((bob, {"b": 2})))
    assert ranges(rooms.owed(bob))[0] == ("a", 2, 2)


def test_urgent_only(rooms: Store) -> None:
    say(rooms, "a", *[BULK] * 9, URGENT)
    say(rooms, "b", NORMAL, URGENT, NORMAL)
    say(rooms, "c", NORMAL)
    bob = rooms.open("bob", "d")
    owed = rooms.owed(bob, max_messages=4, urgent_only=True)
    assert (ranges(owed), owed.more) == ([("b", 2, 3)], True), "the one in a is too far away"
    owed = rooms.owed(bob, max_messages=4, urgent_only=True, sent={"b": 3})
    assert (ranges(owed), owed.more) == ([], True)


def test_an_urgent_event_that_is_no_longer_kept_or_was_never_owed_counts_for_nothing(rooms: Store) -> None:
    say(rooms, "b", URGENT, NORMAL)
    rooms.do(PurgeLog("b", 2, 0, 100, 0))
    rooms.do(RemoveSubscriptions("c", ("bob",), "bob", False))
    say(rooms, "c", URGENT)
    say(rooms, "a", NORMAL)
    assert ranges(rooms.owed(rooms.open("bob", "d"))) == [("a", 2, 2), ("b", 2, 2), ("b", 3, 3), ("c", 2, 2)]


def test_of_a_room_that_was_left_and_joined_again_the_older_part_comes_first(rooms: Store) -> None:
    say(rooms, "b", BULK)
    rooms.do(RemoveSubscriptions("b", ("bob",), "bob", False))
    rooms.do(AddSubscriptions("b", ("bob",), "alice", False))
    say(rooms, "b", URGENT)
    say(rooms, "a", URGENT, NORMAL)
    assert ranges(rooms.owed(rooms.open("bob", "d"))) == [("a", 2, 2), ("b", 2, 3), ("b", 4, 5), ("a", 3, 3)]


def test_cursors_are_told_of_rooms_that_owe_nothing_more(rooms: Store) -> None:
    say(rooms, "a", *[BULK] * 5)
    say(rooms, "b", URGENT)
    bob = rooms.open("bob", "d")
    owed = rooms.owed(bob, max_messages=3, want_cursors=True)
    assert (owed.cursors, owed.more) == ({"b": 2, "c": 1, "d": 1, "r": 1}, True)


def test_priority_and_mentions_travel_in_the_delivery_and_with_the_run(store: Store) -> None:
    store.do(send("alice", event("r", "1", BULK), event("r", "2", URGENT, ("bob", "carol")), event("r", "3")))
    run: CommittedRun = store.runs[-1]
    assert run.priority == URGENT
    links = [one.event for one in ServerFrame.FromString(run.records).deliveries]
    assert [(link.priority, list(link.mentions)) for link in links] == [(BULK, []), (URGENT, ["bob", "carol"]), (NORMAL, [])]
    store.do(send("alice", event("r", "4", BULK)))
    assert store.runs[-1].priority == BULK
    assert {found.priority for found in store.ask(FindUnpublished(before_us=2**62, limit=100))} == {URGENT}


def storing(sender: str, priority: int) -> StoreEvents:
    return StoreEvents(sender, (event("r", "e", priority),))


def test_urgent_commands_go_first_but_not_before_their_senders_own() -> None:
    turns = WriteQueue()
    assert turns.turn_of(storing("alice", BULK), 0) is Turn.NORMAL
    assert turns.turn_of(storing("bob", URGENT), 0) is Turn.URGENT
    assert turns.turn_of(storing("alice", URGENT), 0) is Turn.NORMAL, "hers waits"
    assert turns.turn_of(CreateRoom("x", "", "carol", ()), 1) is Turn.NORMAL
    assert turns.turn_of(storing("carol", URGENT), 2) is Turn.NORMAL
    assert turns.turn_of(storing("alice", URGENT), 1) is Turn.NORMAL
    assert turns.turn_of(storing("alice", URGENT), 5) is Turn.URGENT, "all of hers have been taken up"


def test_a_worker_takes_what_goes_first_and_ends_a_batch_by_its_weight() -> None:
    batches: list[list[str]] = []
    begun, go_on = threading.Event(), threading.Event()

    def work(batch: list[tuple[str, OnResult | None]]) -> None:
        batches.append([item for item, _ in batch])
        begun.set()
        go_on.wait(20)

    worker: BatchWorker[str] = BatchWorker("test", work, closed=lambda: None, max_batch=4, weigh=lambda item: int(item[1:]))
    worker.start()
    worker.submit("a1", None)
    assert begun.wait(20)
    for item in ("b1", "c3", "d1"):
        worker.submit(item, None)
    worker.submit("u1", None, Turn.URGENT)
    go_on.set()
    worker.stop()
    assert batches == [["a1"], ["u1", "b1", "c3"], ["d1"]]
    assert worker.taken == 4


def test_what_goes_behind_waits_but_not_for_ever() -> None:
    batches: list[list[str]] = []
    begun, go_on = threading.Event(), threading.Event()

    def work(batch: list[tuple[str, OnResult | None]]) -> None:
        batches.append([item for item, _ in batch])
        begun.set()
        go_on.wait(20)

    worker: BatchWorker[str] = BatchWorker("test", work, closed=lambda: None, max_batch=2, max_background=1)
    worker.start()
    worker.submit("a", None)
    assert begun.wait(20)
    for item in ("x", "y", "z"):
        worker.submit(item, None, Turn.BACKGROUND)
    for item in ("b", "c", "d"):
        worker.submit(item, None)
    go_on.set()
    worker.stop()
    assert batches == [["a"], ["b", "c", "x"], ["d", "y"], ["z"]]


def test_acks_and_hellos_go_behind_in_their_order() -> None:
    turns = WriteQueue()
    assert turns.turn_of(storing("alice", 0), 0) is Turn.NORMAL
    assert turns.turn_of(AckCursors((), RetryRule(5, 1)), 0) is Turn.BACKGROUND
    assert turns.turn_of(OpenStreams(()), 0) is Turn.BACKGROUND
    assert turns.turn_of(storing("bob", URGENT), 0) is Turn.URGENT


def test_commands_weigh_what_they_hold() -> None:
    assert StoreEvents("alice", (event("r", "1"), event("r", "2"))).weight() == 2
