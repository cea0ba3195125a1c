"""The queue of notifications on both engines: who gets a row, of what, when; claims, outcomes, withdrawals, and the mark that loses none."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from chatd.core.model import StreamKey
from chatd.default.devices.store import ForgetDevice
from chatd.default.fan_out.marks import MarkPublished
from chatd.default.messages.model import NewEvent
from chatd.default.notifications.content import GetNotificationContents
from chatd.default.notifications.enqueue import EVENTS_AT_ONCE, EnqueueNotifications, FindNotificationWork
from chatd.default.notifications.model import ClaimedNotification, EnqueuedPage, NotificationOutcome
from chatd.default.notifications.push import ALL, MAX_DEVICES, MENTIONS, NONE, GetPush, SetPush, SetRoomNotifications
from chatd.default.notifications.queue import (
    ClaimNotifications,
    DropNotifications,
    ListNotifications,
    RetryNotifications,
    SettleNotifications,
)
from chatd.default.receipts.store import SetReadMarker
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import InvalidArgument, NotAMember, RoomNotFound
from tests.store.driver import Store, acks, event, send

DELAY, QUIET = 1_000, 50_000


def register(store: Store, profile: str, device: str, notifier: str = "log") -> StreamKey:
    stream = store.open(profile, device)
    store.do(SetPush(profile, device, notifier, "", "", ""))
    return stream


def fan_out(store: Store) -> None:
    """As the node does: mark what was committed, then note the rooms that have somebody to notify."""
    runs, store.runs = store.runs, []
    store.do(MarkPublished(tuple((run.room_id, run.first_seq, run.last_seq) for run in runs)))
    rooms, _ = store.ask(FindNotificationWork(store.now_us))
    while rooms:
        store.do(EnqueueNotifications(tuple(room_id for room_id, _ in rooms), DELAY, QUIET))
        rooms, _ = store.ask(FindNotificationWork(store.now_us))


def say(store: Store, *events: NewEvent, sender: str = "alice") -> None:
    store.do(send(sender, *events))
    fan_out(store)


def queued(store: Store, state: str = "") -> list[tuple[str, str, str, int]]:
    rows, _ = store.ask(ListNotifications(state, "", 100))
    return sorted((row.profile_id, row.device_id, row.room_id, row.seq) for row in rows)


def claim(store: Store, limit: int = 100) -> tuple[ClaimedNotification, ...]:
    claims: tuple[ClaimedNotification, ...] = store.do(ClaimNotifications(limit, 10_000))
    return claims


def settle(store: Store, *claims: ClaimedNotification, what: Any = "sent", pause_us: int = QUIET, error: str = "") -> None:
    store.do(SettleNotifications(tuple(NotificationOutcome(one, what, pause_us, error) for one in claims)))


def read(store: Store, profile: str, room: str, seq: int, device: str = "") -> None:
    store.do(SetReadMarker(profile, room, seq, device))


def test_a_hundred_events_are_one_row_and_the_sender_has_none(store: Store) -> None:
    register(store, "bob", "phone")
    register(store, "alice", "laptop")
    for number in range(100):
        say(store, event("r", f"e{number}"))
    assert queued(store) == [("bob", "phone", "r", 101)]
    assert claim(store) == ()
    store.now_us += DELAY
    (mine,) = claim(store)
    assert (mine.seq, mine.kind, mine.sent, mine.attempts) == (101, "message", False, 0)
    (notice,) = store.ask(GetNotificationContents((mine,), store.now_us))
    assert (notice.owed, notice.push.notifier, notice.sender_id) == (100, "log", "alice")


def test_chatter_does_not_put_it_off(store: Store) -> None:
    register(store, "bob", "phone")
    say(store, event("r", "e1"))
    store.now_us += DELAY // 2
    say(store, event("r", "e2"))
    store.now_us += DELAY // 2
    assert [one.seq for one in claim(store)] == [3]


def test_a_sender_s_other_devices_hear_of_the_others_words(store: Store) -> None:
    register(store, "alice", "phone")
    store.do(send("bob", event("r", "b1")))
    store.do(send("alice", event("r", "a1")))
    fan_out(store)
    assert queued(store) == [("alice", "phone", "r", 2)], "not of her own, which came last"


def test_one_row_of_many_rooms_names_the_newest(store: Store) -> None:
    register(store, "bob", "phone")
    store.do(CreateRoom("a", "", "alice", ("bob",)))
    store.do(send("alice", event("r", "e1")))
    store.do(send("alice", event("a", "e2")))
    fan_out(store)
    assert queued(store) == [("bob", "phone", "a", 2)]


def test_memberships_are_nothing_to_notify_of(store: Store) -> None:
    register(store, "bob", "phone")
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    fan_out(store)
    assert queued(store) == []


def test_rooms_without_a_device_to_notify_have_nothing_to_note(store: Store) -> None:
    store.open("bob", "phone")
    store.do(send("alice", event("r", "e1")))
    runs, store.runs = store.runs, []
    store.do(MarkPublished(tuple((run.room_id, run.first_seq, run.last_seq) for run in runs)))
    assert store.ask(FindNotificationWork(store.now_us)) == ((), False)
    # Who registers now is not notified of what was said before; who joins with a device is.
    register(store, "carol", "phone")
    store.do(SetPush("bob", "phone", "log", "", "", ""))
    fan_out(store)
    assert queued(store) == []
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    say(store, event("r", "e2"))
    assert [row[0] for row in queued(store)] == ["bob", "carol"]
    store.do(RemoveSubscriptions("r", ("carol",), "carol", False))
    store.do(SetPush("bob", "phone", "", "", "", ""))
    say(store, event("r", "e3"))
    assert [row[0] for row in queued(store)] == ["carol"], "hers is of before she left; bob's device is notified no longer"


def test_what_a_dead_node_did_not_note_is_found(store: Store) -> None:
    """The mark and the rows are one transaction: whoever looks next sees the room, however many events there are."""
    register(store, "bob", "phone")
    for start in range(0, EVENTS_AT_ONCE + 100, 100):
        store.do(send("alice", *(event("r", f"e{start + number}") for number in range(100))))
    runs, store.runs = store.runs, []
    store.do(MarkPublished(tuple((run.room_id, run.first_seq, run.last_seq) for run in runs)))
    assert store.ask(FindNotificationWork(store.now_us)) == ((("r", 1),), False)
    store.do(EnqueueNotifications(("r",), DELAY, QUIET))
    assert store.ask(FindNotificationWork(store.now_us)) == ((("r", 1),), False)
    store.do(EnqueueNotifications(("r",), DELAY, QUIET))
    assert queued(store) == [("bob", "phone", "r", EVENTS_AT_ONCE + 101)]
    assert store.ask(FindNotificationWork(store.now_us + DELAY)) == ((), True)


def test_a_large_room_is_noted_page_by_page(store: Store) -> None:
    people = tuple(f"p{number:02}" for number in range(25))
    for profile in people:
        register(store, profile, "phone")
    store.do(AddSubscriptions("r", people, "alice", False))
    store.do(send("alice", event("r", "e1")))
    runs, store.runs = store.runs, []
    store.do(MarkPublished(tuple((run.room_id, run.first_seq, run.last_seq) for run in runs)))
    noted, pages = EnqueuedPage(), []
    while True:
        noted = store.do(EnqueueNotifications(("r",), DELAY, QUIET, page=10, after=noted.after, up_to=noted.up_to))
        pages.append(len(queued(store)))
        if not noted.after:
            break
        assert noted.up_to == 3
        assert store.ask(FindNotificationWork(store.now_us))[0] == (("r", 25),), "a crash now would lose nothing"
    assert pages == [10, 20, 25]
    assert store.ask(FindNotificationWork(store.now_us))[0] == ()
    # A page that is done again tells nobody again.
    store.now_us += DELAY
    settle(store, *claim(store))
    with store.database.connection(readonly=False):
        store.database.run("UPDATE room SET notified_seq = 2")
        if store.database.engine == "postgres":
            store.database.commit()
    store.do(EnqueueNotifications(("r",), DELAY, QUIET))
    assert len(queued(store, "sent")) == 25


def test_levels_and_mutes(store: Store) -> None:
    for profile in ("bob", "carol", "dave", "erin"):
        register(store, profile, "phone")
    store.do(AddSubscriptions("r", ("carol", "dave", "erin"), "alice", False))
    store.do(SetRoomNotifications("carol", "r", MENTIONS, 0))
    store.do(SetRoomNotifications("dave", "r", NONE, 0))
    store.do(SetRoomNotifications("erin", "r", ALL, store.now_us + 10_000))
    say(store, event("r", "e1"))
    assert [row[0] for row in queued(store)] == ["bob"]
    meant = NewEvent("e2", "r", 1, b"", b"2", priority=1, mentions=("carol", "dave", "nobody"))
    say(store, meant, event("r", "e3"))
    assert queued(store) == [("bob", "phone", "r", 5), ("carol", "phone", "r", 4)]
    store.now_us += 10_000
    say(store, event("r", "e4"))
    assert ("erin", "phone", "r", 6) in queued(store)
    # Muting takes back what waits, and its room no longer counts.
    store.do(SetRoomNotifications("bob", "r", ALL, store.now_us + 1_000_000))
    assert [row[0] for row in queued(store)] == ["carol", "erin"]
    assert (
        store.ask(GetNotificationContents((ClaimedNotification("bob", "phone", "r", 5, "message", 0, False, 0),), store.now_us))[0].owed
        == 0
    )


def test_wishes_are_for_members(store: Store) -> None:
    with pytest.raises(NotAMember):
        store.do(SetRoomNotifications("eve", "r", NONE, 0))
    with pytest.raises(RoomNotFound):
        store.do(SetRoomNotifications("eve", "nowhere", NONE, 0))


def test_a_profile_has_so_many_devices(store: Store) -> None:
    for number in range(MAX_DEVICES):
        store.do(SetPush("bob", f"d{number}", "log", "", "", ""))
    store.do(SetPush("bob", "d0", "exec", "", "", ""))
    with pytest.raises(InvalidArgument):
        store.do(SetPush("bob", "one-more", "log", "", "", ""))


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


def test_what_comes_while_one_is_sent_is_not_forgotten(store: Store) -> None:
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


def test_failures_are_tried_again_then_dead_then_an_operator_s(store: Store) -> None:
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


def test_what_is_gone_is_not_tried_any_more(store: Store) -> None:
    register(store, "bob", "phone")
    say(store, event("r", "e1"))
    store.now_us += DELAY
    settle(store, *claim(store), what="gone")
    say(store, event("r", "e2"))
    assert queued(store) == []
    assert store.ask(GetPush("bob", "phone")) is None


def test_reading_withdraws(store: Store) -> None:
    for device in ("phone", "tablet"):
        register(store, "bob", device)
    say(store, event("r", "e1"))
    read(store, "bob", "r", 1)
    assert len(queued(store, "waiting")) == 2, "not that far"
    read(store, "bob", "r", 2)
    assert queued(store) == []
    say(store, event("r", "e2"))
    store.now_us += DELAY
    settle(store, *claim(store))
    read(store, "bob", "r", 3, "tablet")
    (dismissal,) = claim(store)
    assert (dismissal.device_id, dismissal.kind, dismissal.seq) == ("phone", "dismiss", 3), "the tablet knows"
    settle(store, dismissal)
    assert queued(store) == []


def test_what_was_read_before_it_was_queued_is_known(store: Store) -> None:
    register(store, "bob", "phone")
    store.do(send("alice", event("r", "e1")))
    read(store, "bob", "r", 2, "laptop")
    fan_out(store)
    store.now_us += DELAY
    (mine,) = claim(store)
    assert store.ask(GetNotificationContents((mine,), store.now_us))[0].read


def test_what_was_sent_is_looked_at_later(store: Store) -> None:
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
    assert store.ask(GetNotificationContents((mine,), store.now_us))[0].owed == 0
    settle(store, mine, what="forgotten")
    assert queued(store) == []


def test_hidden_previews_are_not_even_read(store: Store) -> None:
    store.do(CreateRoom("secret", "Secret", "alice", ("bob",), hide_previews=True))
    register(store, "bob", "phone")
    say(store, event("secret", "e1"), event("r", "e2"))
    shown = [ClaimedNotification("bob", "phone", room, 2, "message", 0, False, 0) for room in ("secret", "r")]
    secret, plain = (store.ask(GetNotificationContents((one,), store.now_us))[0] for one in shown)
    assert (secret.delivery, secret.room_name, secret.sender_id) == (b"", "Secret", "alice")
    assert plain.delivery


def forget_device(store: Store) -> None:
    assert store.do(ForgetDevice("bob", "phone")) > 0


def expire(store: Store) -> None:
    store.expire(store.now_us + 10)


def erase(store: Store) -> None:
    while store.erase("bob", 100).more:
        pass


@pytest.mark.parametrize("end", [forget_device, expire, erase])
def test_nothing_is_left_of_who_is_gone(store: Store, end: Any) -> None:
    register(store, "bob", "phone")
    store.do(SetPush("bob", "phone", "log", "", "", ""))
    store.do(SetRoomNotifications("bob", "r", ALL, 0))
    say(store, event("r", "e1"))
    end(store)
    assert (queued(store), store.ask(GetPush("bob", "phone"))) == ([], None)
    with store.database.connection(readonly=True):
        assert store.database.rows("SELECT 1 FROM notification UNION ALL SELECT 1 FROM push") == []
        assert store.database.rows("SELECT 1 FROM subscription WHERE push = 1") == []


def test_devices_that_never_came_expire(store: Store) -> None:
    store.do(SetPush("bob", "never", "log", "", "", ""))
    store.expire(0)
    assert store.ask(GetPush("bob", "never")) is not None
    expire(store)
    assert store.ask(GetPush("bob", "never")) is None


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

        threads = [threading.Thread(target=work, args=(store, rooms[node * 2 :], node)) for node, store in enumerate((first, second))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not errors
        # The quiet period is endless as far as outcomes say: a row that was sent by both would have been claimed twice at one time.
        tokens = [(one.profile_id, one.seq, one.room_id) for one in claimed]
        assert len(tokens) == len(set(tokens))
        assert claimed
    finally:
        first.close()
        second.close()
