"""Two nodes on one PostgreSQL, both doing the same thing at the same moment: exactly one of them did it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from chatd.core.model import StreamKey
from chatd.default.devices.store import OpenStreams
from chatd.default.messages.history import GetHistory
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.model import Room
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import AlreadyExists
from tests.store.driver import Store, acks, event, send

T = TypeVar("T")


@pytest.fixture
def nodes(postgres_uri: str) -> Iterator[tuple[Store, Store]]:
    one, two = Store(postgres_uri), Store(postgres_uri)
    yield one, two
    one.close()
    two.close()


def at_once(nodes: tuple[Store, Store], action: Callable[[Store], T]) -> list[T]:
    """What ``action`` gives on each node, run at the same time; raises what it raises."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(action, nodes))


def test_an_event_sent_through_both_is_new_to_one_and_a_duplicate_to_the_other(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("a", "", "alice", ()))
    for number in range(40):
        (one,), (two,) = at_once(nodes, lambda node, number=number: node.do(send("alice", event("a", f"e{number}", b"x"))))  # type: ignore[misc]
        assert (one.seq, one.sent_at_us) == (two.seq, two.sent_at_us)
        assert {one.duplicate, two.duplicate} == {True, False}


def test_batches_that_overlap_in_rooms_of_their_own_are_stored_once(nodes: tuple[Store, Store]) -> None:
    """Room locks do not serialize these two: only the unique index knows, and both batches hold other requests too."""
    for room in ("a", "b"):
        nodes[0].do(CreateRoom(room, "", "alice", ()))
    ids = [f"e{number}" for number in range(60)]

    def work(node: Store) -> list[object]:
        room = "a" if node is nodes[0] else "b"
        order = ids if node is nodes[0] else ids[::-1]
        return node.many([send("alice", event(room, one)) for one in order])

    results = at_once(nodes, work)
    stored = [result for result in (*results[0], *results[1]) if isinstance(result, tuple)]
    assert len(stored) == len(ids), "the other room's event of the same id is other content: refused, never stored twice"
    in_logs = sum(len(nodes[0].ask(GetHistory(room, "alice", False, 0, 500))[0]) for room in ("a", "b"))
    assert in_logs == len(ids) + 2
    for room in ("a", "b"):
        places = sorted(one.seq for result in stored for one in result if one.room_id == room)
        assert places == list(range(2, len(places) + 2))


def test_a_room_is_made_by_one(nodes: tuple[Store, Store]) -> None:
    for number in range(20):
        results = at_once(nodes, lambda node, number=number: node.many([CreateRoom(f"r{number}", "", "alice", ("bob",))])[0])  # type: ignore[misc]
        assert sorted(type(result).__name__ for result in results) == sorted((AlreadyExists.__name__, Room.__name__))


def test_a_device_opened_on_both_has_one_newest_stream(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("r", "", "alice", ("bob",)))
    for number in range(20):
        epochs = at_once(nodes, lambda node, number=number: node.do(OpenStreams((("bob", f"d{number}"),))))  # type: ignore[misc]
        assert sorted(epochs) == [(1,), (2,)]
    assert nodes[0].database.rows("SELECT COUNT(*) FROM outbox WHERE profile_id = 'bob'") == [(20,)]


def test_a_membership_changed_on_one_node_is_seen_by_the_other(nodes: tuple[Store, Store]) -> None:
    """Each node keeps members in memory: the room's version must tell it that they are old."""
    one, two = nodes
    one.do(CreateRoom("r", "", "alice", ()))
    for number in range(10):
        one.do(AddSubscriptions("r", ("bob",), "alice", False))
        (there,) = two.do(send("bob", event("r", f"there{number}")))
        assert two.runs[-1].recipients.profiles == {"alice", "bob"}
        two.do(RemoveSubscriptions("r", ("bob",), "alice", False))
        one.do(send("alice", event("r", f"gone{number}")))
        assert one.runs[-1].recipients.profiles == {"alice"}
        assert there.seq == 3 + 4 * number


def test_joining_and_leaving_at_once_leaves_one_of_both(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("r", "", "alice", ()))
    nodes[0].open("bob", "d")

    def change(node: Store) -> None:
        for _ in range(30):
            if node is nodes[0]:
                node.do(AddSubscriptions("r", ("bob",), "alice", False))
            else:
                node.do(RemoveSubscriptions("r", ("bob",), "alice", False))

    at_once(nodes, change)
    room, members = nodes[0].ask(GetRoom("r"))
    assert room.member_count == len(members)
    database = nodes[0].database
    active = "SELECT (SELECT COUNT(*) FROM subscription WHERE profile_id = 'bob' AND left_seq IS NULL), "
    ((subscriptions, entries),) = database.rows(active + "(SELECT COUNT(*) FROM outbox WHERE profile_id = 'bob' AND until_seq IS NULL)")
    assert subscriptions == entries == len(members) - 1
    mismatched = (
        "SELECT s.joined_seq FROM subscription s LEFT JOIN outbox o ON o.room_id = s.room_id AND o.profile_id = s.profile_id "
        "AND o.start_seq = s.joined_seq - 1 WHERE s.profile_id = 'bob' AND (o.start_seq IS NULL OR o.until_seq IS DISTINCT FROM s.left_seq)"
    )
    assert database.rows(mismatched) == [], "every membership has the entry of the same range"


def test_cursors_acknowledged_through_both_end_at_the_newest(nodes: tuple[Store, Store]) -> None:
    one = nodes[0]
    rooms = [f"r{number}" for number in range(8)]
    for room in rooms:
        one.do(CreateRoom(room, "", "alice", ("bob",)))
    devices = [one.open("bob", f"d{number}") for number in range(8)]
    for room in rooms:
        one.do(send("alice", *(event(room, f"{room}-{number}") for number in range(40))))

    def acknowledge(node: Store) -> None:
        order: list[StreamKey] = devices if node is nodes[0] else devices[::-1]
        for seq in range(2, 42):
            cursors = dict.fromkeys(rooms if node is nodes[0] else rooms[::-1], seq)
            assert node.do(acks(*((device, cursors) for device in order))) == ()

    at_once(nodes, acknowledge)
    assert one.database.rows("SELECT DISTINCT acked_seq FROM outbox") == [(41,)]
