"""Joining and leaving: each is an event, and begins or ends a range that devices are owed."""

from chatd.core.model import Owed
from chatd.default.fan_out.repair import FindUnpublished
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.model import MembershipChange
from chatd.default.rooms.store import CreateRoom, GetRoom
from tests.store.driver import Store, acks, at_once, event, ranges, send


def test_changes_that_change_nothing(store: Store) -> None:
    assert store.do(AddSubscriptions("r", ("bob",), "alice", False)) == MembershipChange((), 0)
    assert store.do(RemoveSubscriptions("r", ("carol",), "alice", False)) == MembershipChange((), 0)


def test_a_profile_that_is_named_twice_or_is_a_member_joins_once(store: Store) -> None:
    change = store.do(AddSubscriptions("r", ("dan", "carol", "carol", "bob"), "alice", False))
    assert change == MembershipChange(("carol", "dan"), 2)
    assert store.ask(GetRoom("r"))[0].member_count == 4
    assert store.do(RemoveSubscriptions("r", ("dan", "dan", "eve"), "alice", False)) == MembershipChange(
        ("dan",), 3
    )


def test_a_member_is_owed_its_joining_its_leaving_and_all_between(store: Store) -> None:
    carol = store.open("carol", "d")
    store.do(send("alice", event("r", "1")))
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(send("alice", event("r", "2")))
    store.do(RemoveSubscriptions("r", ("carol",), "alice", False))
    store.do(send("alice", event("r", "3")))
    assert ranges(store.owed(carol)) == [("r", 3, 5)]


def test_a_member_that_comes_back_has_a_second_range(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "unseen")))
    store.do(AddSubscriptions("r", ("bob",), "alice", False))
    assert ranges(store.owed(bob)) == [("r", 2, 2), ("r", 4, 4)]
    store.do(acks((bob, {"r": 2})))
    assert ranges(store.owed(bob)) == [("r", 4, 4)]
    store.do(acks((bob, {"r": 4})))
    assert store.owed(bob) == Owed()
    assert store.database.rows("SELECT COUNT(*) FROM outbox") == [(1,)], "the range that ended is gone"


def test_events_sent_around_a_joining_in_one_batch_are_for_the_members_of_that_moment(store: Store) -> None:
    store.runs.clear()
    store.many(
        [
            send("alice", event("r", "1")),
            AddSubscriptions("r", ("carol",), "alice", False),
            send("alice", event("r", "2")),
            RemoveSubscriptions("r", ("bob",), "alice", False),
            send("alice", event("r", "3")),
        ]
    )
    assert [(run.first_seq, run.last_seq, sorted(run.recipients.profiles)) for run in store.runs] == [
        (2, 2, ["alice", "bob"]),
        (3, 3, ["alice", "bob", "carol"]),
        (4, 4, ["alice", "bob", "carol"]),
        (5, 5, ["alice", "bob", "carol"]),
        (6, 6, ["alice", "carol"]),
    ]
    found = store.ask(FindUnpublished(2**60, 100)).runs
    assert [(run.first_seq, run.last_seq, run.recipients.profiles) for run in found][1:] == [
        (run.first_seq, run.last_seq, run.recipients.profiles) for run in store.runs
    ]


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
    room, members, _ = nodes[0].ask(GetRoom("r"))
    assert room.member_count == len(members)
    database = nodes[0].database
    active = "SELECT (SELECT COUNT(*) FROM subscription WHERE profile_id = 'bob' AND left_seq IS NULL), "
    ((subscriptions, entries),) = database.rows(
        active + "(SELECT COUNT(*) FROM outbox WHERE profile_id = 'bob' AND until_seq IS NULL)"
    )
    assert subscriptions == entries == len(members) - 1
    mismatched = (
        "SELECT s.joined_seq FROM subscription s LEFT JOIN outbox o ON o.room_id = s.room_id AND "
        "o.profile_id = s.profile_id "
        "AND o.start_seq = s.joined_seq - 1 WHERE s.profile_id = 'bob' AND (o.start_seq IS NULL OR "
        "o.until_seq IS DISTINCT FROM s.left_seq)"
    )
    assert database.rows(mismatched) == [], "every membership has the entry of the same range"
