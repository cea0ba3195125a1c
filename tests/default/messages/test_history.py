"""History: pages from the newest back, within the profile's memberships."""

from dataclasses import replace

import pytest

from chatd.default.messages.history import GetEvent, GetHistory, GetHistoryAround
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.access import Standing, find_standings
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import EventNotFound, NotAMember, RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from tests.store.driver import Store, event, send


def page(
    store: Store, profile: str, before: int, limit: int, after: int | None = None
) -> tuple[list[int], bool]:
    deliveries, more = store.ask(GetHistory("r", profile, False, before, limit, after_seq=after))
    return [EventDelivery.FromString(delivery).event.seq for delivery in deliveries], more


def absent_then_back(store: Store) -> None:
    """Bob is a member for 1-3 and from 5 on; 4 is not his. The head is 6."""
    store.do(send("alice", event("r", "2")))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "4")))
    store.do(AddSubscriptions("r", ("bob",), "alice", False))
    store.do(send("alice", event("r", "6")))


def test_history_ends_at_the_memberships(store: Store) -> None:
    store.do(send("alice", event("r", "1")))
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    store.do(send("alice", event("r", "2")))
    store.do(RemoveSubscriptions("r", ("carol",), "carol", False))
    store.do(send("alice", event("r", "3")))
    assert len(store.ask(GetHistory("r", "carol", False, 0, 100))[0]) == 3
    assert len(store.ask(GetHistory("r", "carol", True, 0, 100))[0]) == 6
    with pytest.raises(NotAMember):
        store.ask(GetHistory("r", "eve", False, 0, 100))
    with pytest.raises(NotAMember):
        store.ask(GetHistory("nowhere", "alice", False, 0, 100))
    with pytest.raises(RoomNotFound):
        store.ask(GetHistory("nowhere", "alice", True, 0, 100))


def test_history_pages_from_the_newest_back(store: Store) -> None:
    store.do(send("alice", *(event("r", f"{number}") for number in range(9))))
    newest, more = store.ask(GetHistory("r", "alice", False, 0, 4))
    assert (len(newest), more) == (4, True)
    oldest, more = store.ask(GetHistory("r", "alice", False, 7, 6))
    assert (len(oldest), more) == (6, False)


def test_a_page_of_history_is_bounded_in_bytes(store: Store) -> None:
    store.do(send("alice", *(event("r", f"{number}", b"x" * 60_000) for number in range(40))))
    page, more = store.ask(GetHistory("r", "alice", False, 0, 500))
    assert more
    assert 10 < len(page) < 20


def test_history_leaves_out_events_of_a_members_absence(store: Store) -> None:
    absent_then_back(store)
    assert page(store, "bob", 0, 100) == ([1, 2, 3, 5, 6], False)
    assert page(store, "alice", 0, 100) == ([1, 2, 3, 4, 5, 6], False)


def test_pages_of_history_join_across_an_absence(store: Store) -> None:
    absent_then_back(store)
    assert page(store, "bob", 0, 2) == ([5, 6], True)
    assert page(store, "bob", 5, 2) == ([2, 3], True)
    assert page(store, "bob", 2, 2) == ([1], False)
    assert page(store, "bob", 1, 2) == ([], False)


def test_history_pages_forward_across_an_absence(store: Store) -> None:
    absent_then_back(store)
    assert page(store, "bob", 0, 100, after=0) == ([1, 2, 3, 5, 6], False)
    assert page(store, "bob", 0, 2, after=0) == ([1, 2], True)
    assert page(store, "bob", 0, 2, after=2) == ([3, 5], True)
    assert page(store, "bob", 0, 2, after=3) == ([5, 6], False)
    assert page(store, "bob", 0, 1, after=4) == ([5], True)
    assert page(store, "bob", 0, 2, after=6) == ([], False)
    assert page(store, "bob", 0, 2, after=2**63 - 1) == ([], False)
    assert page(store, "alice", 0, 3, after=2) == ([3, 4, 5], True)


def test_after_and_before_are_a_range(store: Store) -> None:
    absent_then_back(store)
    assert page(store, "bob", 6, 100, after=1) == ([2, 3, 5], False)
    assert page(store, "bob", 6, 2, after=1) == ([2, 3], True)
    assert page(store, "bob", 3, 2, after=3) == ([], False)
    assert page(store, "bob", 5, 2, after=3) == ([], False)


def around(store: Store, profile: str, seq: int, limit: int) -> tuple[list[int], bool, bool]:
    query = GetHistoryAround(GetHistory("r", profile, False, 0, limit), seq)
    deliveries, older, newer = store.ask(query)
    return [EventDelivery.FromString(delivery).event.seq for delivery in deliveries], older, newer


def test_a_page_around_an_event(store: Store) -> None:
    absent_then_back(store)
    assert around(store, "alice", 3, 3) == ([2, 3, 4], True, True)
    assert around(store, "alice", 3, 100) == ([1, 2, 3, 4, 5, 6], False, False)
    assert around(store, "alice", 6, 1) == ([6], True, False)
    assert around(store, "alice", 2**63 - 1, 2) == ([6], True, False)
    assert around(store, "bob", 4, 2) == ([3, 5], True, True), "the event itself is not his"
    with pytest.raises(NotAMember):
        around(store, "eve", 1, 10)


def test_a_page_around_an_event_is_bounded_in_bytes(store: Store) -> None:
    store.do(send("alice", *(event("r", f"{number}", b"x" * 60_000) for number in range(40))))
    found, older, newer = around(store, "bob", 20, 500)
    assert 20 in found
    assert 10 < len(found) < 20
    assert (older, newer) == (True, True)


def times(store: Store) -> dict[int, int]:
    """Seq → time of the room's events."""
    deliveries, _ = store.ask(GetHistory("r", "", True, 0, 500))
    links = [EventDelivery.FromString(delivery).event for delivery in deliveries]
    return {link.seq: link.sent_at_us for link in links}


def between(
    store: Store, since: int = 0, until: int = 0, limit: int = 100, after: int | None = None
) -> tuple[list[int], bool]:
    query = GetHistory("r", "bob", False, 0, limit, after_seq=after, since_us=since, until_us=until)
    deliveries, more = store.ask(query)
    return [EventDelivery.FromString(delivery).event.seq for delivery in deliveries], more


def test_history_by_time(store: Store) -> None:
    absent_then_back(store)
    at = times(store)
    assert between(store, since=at[3]) == ([3, 5, 6], False)
    assert between(store, since=at[4], until=at[6]) == ([5], False)
    assert between(store, until=at[3]) == ([1, 2], False)
    assert between(store, since=at[2], limit=2) == ([5, 6], True)
    assert between(store, since=at[2], limit=2, after=0) == ([2, 3], True)
    assert between(store, since=at[2], limit=2, after=3) == ([5, 6], False)
    assert between(store, since=at[6] + 1) == ([], False)
    assert between(store, until=1) == ([], False)
    assert between(store, since=at[5], until=at[3]) == ([], False)


def test_any_place_in_a_long_log_is_found_by_its_time(store: Store) -> None:
    for number in range(70):
        store.do(send("alice", event("r", f"{number}"), event("r", f"{number} again")))
    at = times(store)
    for since in sorted(set(at.values())):
        first = min(seq for seq, time in at.items() if time >= since)
        assert between(store, since=since, limit=1, after=0)[0] == [first]
        assert between(store, until=since, limit=1)[0] == ([first - 1] if first > 1 else [])


def test_pages_by_time_hold_each_event_once_if_the_clock_went_back(store: Store) -> None:
    for number in range(30):
        if number == 20:
            store.now_us -= 10
        store.do(send("alice", event("r", f"{number}")))
    middle = times(store)[15]
    newer, older = between(store, since=middle, limit=500)[0], between(store, until=middle, limit=500)[0]
    assert older + newer == list(range(1, 32))


def get(store: Store, profile: str, seq: int = 0, sender: str = "", event_id: str = "") -> int:
    query = GetEvent(GetHistory("r", profile, False, 0, 1), seq, sender, event_id)
    return EventDelivery.FromString(store.ask(query)).event.seq


def test_one_event_is_read_by_its_seq_or_its_id(store: Store) -> None:
    absent_then_back(store)
    assert get(store, "bob", 2) == get(store, "bob", 0, "alice", "2") == 2
    assert get(store, "alice", 4) == get(store, "alice", 0, "alice", "4") == 4
    for seq, sender, event_id in (
        (4, "", ""),
        (0, "alice", "4"),
        (0, "bob", "2"),
        (0, "alice", "none"),
        (7, "", ""),
        (2**63 - 1, "", ""),
    ):
        with pytest.raises(EventNotFound, match="room 'r' has no such event"):
            get(store, "bob", seq, sender, event_id)
    store.do(PurgeLog("r", 2, 0, 1_000, 0))
    with pytest.raises(EventNotFound):
        get(store, "bob", 2)
    with pytest.raises(EventNotFound):
        get(store, "bob", 0, "alice", "2")


def test_an_event_of_another_room_is_not_found_by_its_id(store: Store) -> None:
    store.do(CreateRoom("other", "", "alice", ("bob",)))
    store.do(send("alice", event("other", "mine")))
    with pytest.raises(EventNotFound):
        get(store, "bob", 0, "alice", "mine")


def test_a_page_forward_is_bounded_in_bytes_and_begins_with_what_is_kept(store: Store) -> None:
    store.do(send("alice", *(event("r", f"{number}", b"x" * 60_000) for number in range(140))))
    found: list[int] = []
    more, pages = True, 0
    while more:
        seqs, more = page(store, "bob", 0, 500, after=found[-1] if found else 0)
        found, pages = found + seqs, pages + 1
    assert (found, pages) == (list(range(1, 142)), 9)
    store.do(PurgeLog("r", 100, 0, 1_000, 0))
    assert page(store, "bob", 0, 2, after=0) == ([101, 102], True)


def test_history_holds_the_events_as_they_were_sent(store: Store) -> None:
    store.do(send("alice", event("r", "mine")))
    (delivery,), _ = store.ask(GetHistory("r", "bob", False, 0, 1))
    link = EventDelivery.FromString(delivery).event
    assert (link.event_id, link.sender_id, link.room_id, link.seq, link.type) == ("mine", "alice", "r", 2, 1)
    assert link.sent_at_us >= 1_000_000


def test_one_that_came_and_went_a_thousand_times_reads_as_quickly_as_others(store: Store) -> None:
    """Only as many memberships are looked at as a page may need, however deep it lies; markers and
    the status of events look at one of them."""
    store.do(AddSubscriptions("r", ("carol",), by="alice", operator=False))
    with store.database.connection(readonly=False):
        for number in range(1, 2_000):
            store.database.run(
                "INSERT INTO subscription (room_id, profile_id, joined_seq, left_seq) VALUES (?, ?, ?, ?)",
                ("r", "carol", 10 * number, 10 * number + 5),
            )
        store.database.run(
            "UPDATE subscription SET left_seq = 5 WHERE profile_id = 'carol' AND joined_seq = 2"
        )
        store.database.run("UPDATE room SET head_seq = 20000")
    query = GetHistory("r", "carol", False, 10_000, 3)
    assert query._memberships(store.database, 1, 9_999, 1) == [(9_990, 9_995), (9_980, 9_985)]
    assert query._spans(store.database) == [(9_992, 9_995)]
    forward = replace(query, before_seq=0, after_seq=9_996)
    assert forward._memberships(store.database, 9_997, 20_000, 1) == [(9_990, 9_995), (10_000, 10_005)]
    assert forward._spans(store.database) == [(10_000, 10_003)]
    assert find_standings(store.database, [("carol", "r")]) == {("carol", "r"): Standing(19_995, None)}
