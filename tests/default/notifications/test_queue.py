"""The queue: claims, outcomes, quiet periods, and withdrawals by reading."""

import threading
from collections.abc import Sequence

import pytest

from chatd.default.notifications import queue
from chatd.default.notifications.model import ClaimedNotification
from chatd.default.notifications.push import GetPush, SetPush
from chatd.default.notifications.queue import (
    NEWEST,
    DropNotifications,
    ListNotifications,
    RetryNotifications,
)
from chatd.default.receipts.store import SetReadMarker
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import CreateRoom
from tests.default.notifications.driver import (
    DELAY,
    QUIET,
    claim,
    contents,
    fan_out,
    queued,
    read,
    register,
    say,
    send_due,
    settle,
)
from tests.store.driver import MANY, Store, acks, event, send


def test_a_quiet_period_follows_a_notification(store: Store) -> None:
    register(store, "bob", "phone")
    say(store, event("r", "e1"))
    store.now_us += DELAY
    settle(store, *claim(store))
    assert queued(store, "sent") == [("bob", "phone", "r", 2)]
    say(store, event("r", "e2"))
    assert queued(store, "waiting") == [("bob", "phone", "r", 3)]
    store.now_us += QUIET // 2
    assert claim(store) == ()
    store.now_us += QUIET // 2
    assert [one.seq for one in claim(store)] == [3]


def test_an_event_that_comes_while_one_is_sent_is_not_forgotten(store: Store) -> None:
    register(store, "bob", "phone")
    say(store, event("r", "e1"))
    store.now_us += DELAY
    claims = claim(store)
    say(store, event("r", "e2"))
    assert claim(store) == (), "it is claimed"
    settle(store, *claims)
    assert queued(store, "waiting") == [("bob", "phone", "r", 3)]
    assert claim(store) == (), "the quiet period"
    store.now_us += QUIET
    (mine,) = claim(store)
    say(store, event("r", "e3"))
    settle(store, mine, what="forgotten")
    assert queued(store, "waiting") == [("bob", "phone", "r", 4)]


def test_a_claim_runs_out_and_then_says_nothing_more(store: Store) -> None:
    register(store, "bob", "phone")
    say(store, event("r", "e1"))
    store.now_us += DELAY
    late = claim(store)
    store.now_us += 20_000
    (second,) = claim(store)
    settle(store, *late, what="forgotten")
    assert queued(store, "waiting") == [("bob", "phone", "r", 2)]
    settle(store, second)
    assert queued(store, "sent") == [("bob", "phone", "r", 2)]


def test_failures_are_tried_again_then_dead_then_left_to_operators(store: Store) -> None:
    register(store, "bob", "phone")
    say(store, event("r", "e1"))
    store.now_us += DELAY
    settle(store, *claim(store), what="failed", pause_us=7_000, error="HTTP 500")
    assert claim(store) == ()
    store.now_us += 7_000
    (again,) = claim(store)
    assert again.attempts == 1
    settle(store, again, what="dead", error="HTTP 500")
    store.now_us += QUIET
    assert claim(store) == ()
    ((row,), _) = store.ask(ListNotifications("dead", "bob", 10))
    assert (row.attempts, row.error) == (2, "HTTP 500")
    assert store.do(RetryNotifications("carol", "")) == 0
    assert store.do(RetryNotifications("bob", "phone")) == 1
    (again,) = claim(store)
    assert again.attempts == 0
    settle(store, again, what="dead")
    assert (store.do(DropNotifications("", "")), queued(store)) == (1, [])


def test_many_dead_ones_are_retried_and_dropped_in_pages(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "DEAD_AT_ONCE", 2)
    for device in ("a", "b", "c"):
        register(store, "bob", device)
    say(store, event("r", "e1"))
    for command in (RetryNotifications("bob", ""), DropNotifications("", "")):
        store.now_us += DELAY
        settle(store, *claim(store), what="dead")
        assert [store.do(command) for _ in range(3)] == [2, 1, 0]
    assert queued(store) == []


def test_the_queue_is_listed_in_pages(store: Store) -> None:
    """A device that was told of a room has a row for it beside the next that waits."""
    for device in ("phone", "tablet"):
        register(store, "bob", device)
    say(store, event("r", "e1"))
    store.now_us += DELAY
    settle(store, *claim(store))
    say(store, event("r", "e2"))
    everything, _ = store.ask(ListNotifications("", "bob", 100))
    assert len(everything) == 4
    for at, last in enumerate(everything, 1):
        behind = NEWEST.read_place(NEWEST.place_of((last,), True))
        assert store.ask(ListNotifications("", "bob", 1, behind)) == (everything[at : at + 1], at + 1 < 4)


def test_a_target_that_is_gone_is_not_tried_any_more(store: Store) -> None:
    register(store, "bob", "phone")
    say(store, event("r", "e1"))
    store.now_us += DELAY
    settle(store, *claim(store), what="gone")
    say(store, event("r", "e2"))
    assert queued(store) == []
    assert store.ask(GetPush("bob", "phone")) is None


def test_reading_withdraws_notifications(store: Store) -> None:
    for device in ("phone", "tablet"):
        register(store, "bob", device)
    say(store, event("r", "e1"))
    read(store, "bob", "r", 1)
    assert len(queued(store, "waiting")) == 2, "not that far"
    read(store, "bob", "r", 2)
    store.now_us += DELAY
    assert (send_due(store), queued(store)) == ([], [])
    say(store, event("r", "e2"))
    store.now_us += DELAY
    assert len(send_due(store)) == 2
    read(store, "bob", "r", 3, "tablet")
    (dismissal,) = claim(store)
    assert (dismissal.device_id, dismissal.kind, dismissal.seq) == ("phone", "dismiss", 3), "the tablet knows"
    settle(store, dismissal)
    assert queued(store) == []


def test_reading_withdraws_up_to_the_marker_only(store: Store) -> None:
    """On the device it was read on it is gone, on the others it is dismissed; other rooms' and
    later events' stay."""
    for device in ("phone", "tablet"):
        store.do(SetPush("bob", device, "log", "", "", "", MANY))
    store.do(send("alice", *(event("r", f"e{number}") for number in range(3))))
    store.database.connect(readonly=False)
    for device, state in (("phone", "sent"), ("tablet", "sent")):
        store.database.run(
            "INSERT INTO notification (profile_id, device_id, slot, room_id, seq, kind, state, due_at_us, "
            "attempts, error, claimed_until_us, at_us) "
            "VALUES ('bob', ?, 'r', 'r', 3, 'message', ?, 0, 1, '', 0, 0)",
            (device, state),
        )
    store.do(SetReadMarker("bob", "r", 2, "phone"))
    kinds = "SELECT device_id, kind, state FROM notification ORDER BY device_id"
    assert [row[1] for row in store.database.rows(kinds)] == ["message", "message"], "not read yet"
    store.do(SetReadMarker("bob", "r", 4, "phone"))
    assert store.database.rows(kinds) == [("tablet", "dismiss", "waiting")]


def test_a_notification_that_was_sent_is_looked_at_later(store: Store) -> None:
    bob = register(store, "bob", "phone")
    say(store, event("r", "e1"))
    store.now_us += DELAY
    settle(store, *claim(store))
    store.now_us += 61_000_000
    (mine,) = claim(store)
    assert mine.sent
    settle(store, mine, what="postponed")
    assert claim(store) == ()
    store.do(acks((bob, {"r": 2})))
    store.now_us += 61_000_000
    (mine,) = claim(store)
    assert contents(store, mine) == [("", 0)]
    settle(store, mine, what="forgotten")
    assert queued(store) == []


def test_two_nodes_claim_a_row_once_and_never_wait_for_each_other(postgres_uri: str) -> None:
    first, second = Store(postgres_uri), Store(postgres_uri)
    try:
        rooms = [f"r{number}" for number in range(6)]
        people = [f"p{number}" for number in range(20)]
        for room in rooms:
            first.do(CreateRoom(room, "", "alice", tuple(people)))
        for profile in people:
            register(first, profile, "phone")
        claimed: list[ClaimedNotification] = []
        errors: list[BaseException] = []

        def work(store: Store, mine: Sequence[str], node: int) -> None:
            try:
                for turn in range(15):
                    for room in mine:
                        store.do(send("alice", event(room, f"{node}-{room}-{turn}")))
                    fan_out(store)
                    store.now_us += DELAY
                    claims = claim(store, 7)
                    claimed.extend(claims)
                    settle(store, *claims, pause_us=1_000_000_000)
            except BaseException as exc:
                errors.append(exc)
                raise

        threads = [
            threading.Thread(target=work, args=(store, rooms[node * 2 :], node))
            for node, store in enumerate((first, second))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not errors
        # The quiet period is endless as far as outcomes say: a row that was sent by both would have
        # been claimed twice at one time.
        tokens = [(one.profile_id, one.seq, one.room_id) for one in claimed]
        assert len(tokens) == len(set(tokens))
        assert claimed
    finally:
        first.close()
        second.close()


def test_a_clock_that_was_ahead_silences_nobody(store: Store) -> None:
    """The clock an hour ahead, a notification and a failure; then the clock is right again."""
    hour = 3_600_000_000
    for profile in ("bob", "carol"):
        store.do(AddSubscriptions("r", ("carol",), "alice", False))
        register(store, profile, "phone")
    store.now_us += hour
    say(store, event("r", "e1"))
    store.now_us += DELAY
    bobs, carols = claim(store)
    settle(store, bobs)
    settle(store, carols, what="failed", pause_us=DELAY)
    say(store, event("r", "e2"))
    say(store, event("r", "e3"))
    store.now_us -= hour
    say(store, event("r", "e4"))
    store.now_us += QUIET
    assert {(kind, room) for kind, _, room, _ in send_due(store)} == {("message", "r")}
    assert queued(store, "waiting") == []


def test_a_claim_from_the_future_has_run_out(store: Store) -> None:
    register(store, "bob", "phone")
    say(store, event("r", "e1"))
    store.now_us += 3_600_000_000
    assert len(claim(store)) == 1
    store.now_us -= 3_600_000_000 - 2 * DELAY
    assert len(claim(store)) == 1
