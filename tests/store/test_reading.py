"""What people ask to see: history, who is owed what, how far a broadcast came, who is connected."""

from chatd.core.model import StreamKey
from chatd.default.devices.connections import ForgetConnections, ListConnections, RegisterConnections, TouchConnections
from chatd.default.devices.model import Connection
from chatd.default.fan_out.marks import MarkPublished
from chatd.default.fan_out.repair import FindUnpublished
from chatd.default.messages.history import GetHistory
from chatd.default.outbox.store import GetBroadcast, ListOutbox, ListOutboxEntries
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from tests.store.driver import Store, acks, event, send


def page(store: Store, profile: str, before: int, limit: int) -> tuple[list[int], bool]:
    deliveries, more = store.ask(GetHistory("r", profile, False, before, limit))
    return [EventDelivery.FromString(delivery).event.seq for delivery in deliveries], more


def absent_then_back(store: Store) -> None:
    """Bob is a member for 1-3 and from 5 on; 4 is not his. The head is 6."""
    store.do(send("alice", event("r", "2")))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "4")))
    store.do(AddSubscriptions("r", ("bob",), "alice", False))
    store.do(send("alice", event("r", "6")))


def test_history_leaves_out_what_was_said_in_ones_absence(store: Store) -> None:
    absent_then_back(store)
    assert page(store, "bob", 0, 100) == ([1, 2, 3, 5, 6], False)
    assert page(store, "alice", 0, 100) == ([1, 2, 3, 4, 5, 6], False)


def test_pages_of_history_join_across_an_absence(store: Store) -> None:
    absent_then_back(store)
    assert page(store, "bob", 0, 2) == ([5, 6], True)
    assert page(store, "bob", 5, 2) == ([2, 3], True)
    assert page(store, "bob", 2, 2) == ([1], False)
    assert page(store, "bob", 1, 2) == ([], False)


def test_history_holds_the_events_as_they_were_sent(store: Store) -> None:
    store.do(send("alice", event("r", "mine")))
    (delivery,), _ = store.ask(GetHistory("r", "bob", False, 0, 1))
    link = EventDelivery.FromString(delivery).event
    assert (link.event_id, link.sender_id, link.room_id, link.seq, link.type) == ("mine", "alice", "r", 2, 1)
    assert link.sent_at_us >= 1_000_000


def test_the_longest_owed_comes_first_and_filters_narrow(store: Store) -> None:
    store.do(CreateRoom("s", "", "bob", ("alice",)))
    for profile, device in (("bob", "x"), ("alice", "y")):
        store.open(profile, device)
    store.do(send("alice", event("s", "older")))
    store.do(send("alice", event("r", "newer")))

    def listed(**which: str) -> list[tuple[str, str, str]]:
        query = ListOutbox(which.get("profile", ""), which.get("device", ""), which.get("room", ""), 10)
        return [(one.profile_id, one.device_id, one.room_id) for one in store.ask(query)[0]]

    everything = [("alice", "y", "s"), ("bob", "x", "s"), ("alice", "y", "r"), ("bob", "x", "r")]
    assert listed() == everything
    assert listed(profile="bob") == [everything[1], everything[3]]
    assert listed(room="r") == everything[2:]
    assert listed(device="y", room="s") == everything[:1]
    assert listed(profile="nobody") == []
    first, more = store.ask(ListOutbox("", "", "", 3))
    assert (len(first), more) == (3, True)
    assert store.ask(ListOutbox("", "", "", 4))[1] is False


def test_who_owes_nothing_is_not_listed(store: Store) -> None:
    bob = store.open("bob", "x")
    store.do(send("alice", event("r", "1")))
    store.do(acks((bob, {"r": 2})))
    assert store.ask(ListOutbox("", "", "", 10)) == ((), False)
    assert store.ask(ListOutboxEntries("", "", "", 10)) == ((), False)


def test_entries_of_one_who_left_end_with_the_leaving(store: Store) -> None:
    store.open("bob", "x")
    store.do(send("alice", event("r", "1")))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "2")))
    entries, _ = store.ask(ListOutboxEntries("bob", "x", "r", 10))
    assert [entry.seq for entry in entries] == [2, 3]
    ((summary,), _) = store.ask(ListOutbox("bob", "", "", 10))
    assert (summary.owed, summary.owed_until_seq) == (2, 3)


def test_a_broadcast_names_one_who_left_after_it_and_nobody_who_joined_after(store: Store) -> None:
    bob = store.open("bob", "x")
    carol = store.open("carol", "y")
    store.do(send("alice", event("r", "1")))
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "2")))

    def recipients(seq: int) -> list[tuple[str, bool]]:
        return [(one.profile_id, one.acked) for one in store.ask(GetBroadcast("r", seq))[1]]

    assert recipients(2) == [("bob", False)]
    assert recipients(4) == [("bob", False), ("carol", False)], "who leaves is told that it did"
    assert recipients(5) == [("carol", False)]
    store.do(acks((bob, {"r": 4})))
    assert recipients(2) == [("bob", True)], "acknowledged to the end: its entry is gone"
    store.do(RemoveSubscriptions("r", ("carol",), "carol", False))
    store.do(acks((carol, {"r": 6})))
    assert recipients(2) == [("bob", True)], "who came later and is gone was never a recipient"


def test_a_room_knows_its_members_devices(store: Store) -> None:
    store.open("bob", "x")
    store.open("bob", "y")
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    room, members = store.ask(GetRoom("r"))
    assert [(one.profile_id, one.joined_seq, one.devices) for one in members] == [("alice", 1, 0), ("bob", 1, 2), ("carol", 2, 0)]
    assert room.member_count == 3


def test_what_was_not_fanned_out_is_found_a_limit_at_a_time(store: Store) -> None:
    store.do(send("alice", *(event("r", f"{number}") for number in range(5))))
    first, second = store.ask(FindUnpublished(2**60, 4))
    assert (first.first_seq, first.last_seq, second.first_seq, second.last_seq) == (1, 1, 2, 4)
    store.do(MarkPublished((("r", 1, 4),)))
    (rest,) = store.ask(FindUnpublished(2**60, 4))
    assert (rest.first_seq, rest.last_seq, rest.recipients.profiles) == (5, 6, frozenset({"alice", "bob"}))


def test_what_is_found_later_is_what_was_handed_on_at_first(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(send("alice", event("r", "1", b"\x0a\x00"), event("r", "2")))
    found = store.ask(FindUnpublished(2**60, 100))
    assert [(run.first_seq, run.last_seq, run.records, run.recipients.profiles) for run in found] == [
        (run.first_seq, run.last_seq, run.records, run.recipients.profiles) for run in store.runs
    ]


def test_a_newer_connection_is_not_undone_by_an_older_one(store: Store) -> None:
    old, new = (Connection("bob", "x", epoch, f"gw{epoch}", "app", 5, 5) for epoch in (1, 2))
    store.do(RegisterConnections((new,)))
    store.do(RegisterConnections((old,)))
    assert store.ask(ListConnections("", 10)) == ((new,), False)
    store.do(TouchConnections((StreamKey("bob", "x", 1),), 9))
    store.do(ForgetConnections((StreamKey("bob", "x", 1),)))
    assert store.ask(ListConnections("bob", 10)) == ((new,), False)
    store.do(TouchConnections((StreamKey("bob", "x", 2),), 9))
    assert store.ask(ListConnections("bob", 10))[0][0].seen_us == 9
    store.do(ForgetConnections((StreamKey("bob", "x", 2),)))
    assert store.ask(ListConnections("", 10)) == ((), False)


def test_connections_are_listed_by_profile_a_page_at_a_time(store: Store) -> None:
    rows = tuple(Connection(profile, "x", 1, "gw", "app", 5, 5) for profile in ("c", "a", "b"))
    store.do(RegisterConnections(rows))
    listed, more = store.ask(ListConnections("", 2))
    assert ([one.profile_id for one in listed], more) == (["a", "b"], True)
    assert [one.profile_id for one in store.ask(ListConnections("c", 2))[0]] == ["c"]
