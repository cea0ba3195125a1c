"""Published events become rows of the queue: one for a device, of the newest event, and none is
lost."""

from chatd.default.messages.model import NewEvent
from chatd.default.notifications.content import GetNotificationContents
from chatd.default.notifications.enqueue import EVENTS_AT_ONCE, EnqueueNotifications
from chatd.default.notifications.model import EnqueuedPage
from chatd.default.notifications.push import ALL, MENTIONS, NONE, SetPush, SetRoomNotifications
from chatd.default.notifications.work import FindNotificationWork
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from tests.default.notifications.driver import (
    DELAY,
    PAUSES,
    QUIET,
    claim,
    fan_out,
    queued,
    register,
    say,
    send_due,
    settle,
)
from tests.store.driver import MANY, Store, event, send


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
    assert (notice.badge, notice.push.notifier, notice.sender_id) == (100, "log", "alice")


def test_later_events_do_not_put_a_notification_off(store: Store) -> None:
    register(store, "bob", "phone")
    say(store, event("r", "e1"))
    store.now_us += DELAY // 2
    say(store, event("r", "e2"))
    store.now_us += DELAY // 2
    assert [one.seq for one in claim(store)] == [3]


def test_a_sender_is_notified_of_other_senders_events_only(store: Store) -> None:
    register(store, "alice", "phone")
    store.do(send("bob", event("r", "b1")))
    store.do(send("alice", event("r", "a1")))
    fan_out(store)
    assert queued(store) == [("alice", "phone", "r", 2)], "not of her own, which came last"


def test_a_row_for_many_rooms_names_the_newest(store: Store) -> None:
    register(store, "bob", "phone")
    store.do(CreateRoom("a", "", "alice", ("bob",)))
    store.do(send("alice", event("r", "e1")))
    store.do(send("alice", event("a", "e2")))
    fan_out(store)
    assert queued(store) == [("bob", "phone", "a", 2)]


def test_membership_events_are_not_notified(store: Store) -> None:
    register(store, "bob", "phone")
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    fan_out(store)
    assert queued(store) == []


def test_rooms_without_a_device_to_notify_have_nothing_to_enqueue(store: Store) -> None:
    store.open("bob", "phone")
    store.do(send("alice", event("r", "e1")))
    store.publish()
    assert store.ask(FindNotificationWork(store.now_us, PAUSES)) == ((), (), False)
    # A device that registers now is not notified of what was said before; one that is there when
    # its profile joins is.
    register(store, "carol", "phone")
    store.do(SetPush("bob", "phone", "log", "", "", "", MANY))
    fan_out(store)
    assert queued(store) == []
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    say(store, event("r", "e2"))
    assert [row[0] for row in queued(store)] == ["bob", "carol"]
    store.do(RemoveSubscriptions("r", ("carol",), "carol", False))
    store.do(SetPush("bob", "phone", "", "", "", "", MANY))
    say(store, event("r", "e3"))
    assert [row[0] for row in queued(store)] == ["carol"], (
        "hers is of before she left; bob's device is notified no longer"
    )


def test_events_that_a_dead_node_did_not_enqueue_are_found(store: Store) -> None:
    """The mark and the rows are one transaction: whoever looks next sees the room, however many
    events there are."""
    register(store, "bob", "phone")
    for start in range(0, EVENTS_AT_ONCE + 100, 100):
        store.do(send("alice", *(event("r", f"e{start + number}") for number in range(100))))
    store.publish()
    assert store.ask(FindNotificationWork(store.now_us, PAUSES)) == ((("r", 1),), (), False)
    store.do(EnqueueNotifications(("r",), DELAY, QUIET))
    assert store.ask(FindNotificationWork(store.now_us, PAUSES)) == ((("r", 1),), (), False)
    store.do(EnqueueNotifications(("r",), DELAY, QUIET))
    assert queued(store) == [("bob", "phone", "r", EVENTS_AT_ONCE + 101)]
    assert store.ask(FindNotificationWork(store.now_us + DELAY, PAUSES)) == ((), (), True)


def test_a_large_room_is_enqueued_page_by_page(store: Store) -> None:
    people = tuple(f"p{number:02}" for number in range(25))
    for profile in people:
        register(store, profile, "phone")
    store.do(AddSubscriptions("r", people, "alice", False))
    store.do(send("alice", event("r", "e1")))
    store.publish()
    noted, pages = EnqueuedPage(), []
    while True:
        noted = store.do(
            EnqueueNotifications(("r",), DELAY, QUIET, page=10, after=noted.after, up_to=noted.up_to)
        )
        pages.append(len(queued(store)))
        if not noted.after:
            break
        assert noted.up_to == 3
        assert store.ask(FindNotificationWork(store.now_us, PAUSES))[0] == (("r", 25),), (
            "a crash now would lose nothing"
        )
    assert pages == [10, 20, 25]
    assert store.ask(FindNotificationWork(store.now_us, PAUSES))[0] == ()
    # A page that is done again tells nobody again.
    store.now_us += DELAY
    settle(store, *claim(store))
    with store.database.connection(readonly=False):
        store.database.run("UPDATE room SET notified_seq = 2")
        if store.database.engine == "postgres":
            store.database.commit()
    store.do(EnqueueNotifications(("r",), DELAY, QUIET))
    assert len(queued(store, "sent")) == 25


def test_a_page_that_is_done_again_does_not_undo_what_is_newer(store: Store) -> None:
    """Two nodes walk over a large room, and one of them is late."""
    register(store, "bob", "phone")
    store.do(CreateRoom("m", "", "alice", ("bob",)))
    page = EnqueueNotifications(("r",), DELAY, QUIET, page=1)
    store.do(send("alice", event("r", "older")))
    store.publish()
    store.do(page)
    assert queued(store) == [("bob", "phone", "r", 2)]
    store.do(send("alice", event("m", "newer")))
    store.publish()
    store.do(EnqueueNotifications(("m",), DELAY, QUIET))
    store.do(page)
    assert queued(store) == [("bob", "phone", "m", 2)]
    store.now_us += DELAY
    settle(store, *claim(store), what="dead")
    store.do(page)
    assert queued(store, "waiting") == [("bob", "phone", "r", 2)], "one that was given up gives way"


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
    store.now_us += DELAY
    assert [(kind, room) for kind, _, room, _ in send_due(store)] == [("message", "r"), ("message", "r")]
    assert [row[0] for row in queued(store)] == ["carol", "erin"]


def test_a_large_room_s_mentions_are_enqueued_page_by_page(store: Store) -> None:
    """A thousand messages mention a hundred thousand members."""
    people = tuple(f"p{number}" for number in range(5))
    for profile in people:
        register(store, profile, "phone")
    store.do(AddSubscriptions("r", people, "alice", False))
    for profile in people:
        store.do(SetRoomNotifications(profile, "r", MENTIONS, 0))
    for number, mentions in enumerate((people, people[:3], people[1:2])):
        store.do(send("alice", event("r", f"e{number}", priority=1, mentions=mentions)))
    store.publish()
    noted, pages = EnqueuedPage(), []
    while True:
        noted = store.do(
            EnqueueNotifications(("r",), DELAY, QUIET, page=2, after=noted.after, up_to=noted.up_to)
        )
        pages.append({profile: seq for profile, _, _, seq in queued(store)})
        if not noted.after:
            break
    assert [len(page) for page in pages] == [2, 4, 5]
    assert pages[-1] == {"p0": 4, "p1": 5, "p2": 4, "p3": 3, "p4": 3}


def test_whoever_wants_mentions_alone_is_told_of_one_of_all(store: Store) -> None:
    people = tuple(f"p{number}" for number in range(5))
    for profile in (*people, "alice", "bob"):
        register(store, profile, "phone")
    store.do(AddSubscriptions("r", people, "alice", False))
    for profile in (*people, "alice"):
        store.do(SetRoomNotifications(profile, "r", MENTIONS, 0))
    store.do(SetRoomNotifications("p4", "r", NONE, 0))
    store.do(send("alice", event("r", "e1", priority=1, mentions=("p0",))))
    store.do(send("alice", event("r", "e2", priority=1)._replace(mention_all=True), event("r", "e3")))
    store.do(send("alice", event("r", "e4", priority=1, mentions=("p1",))))
    store.publish()
    noted = EnqueuedPage()
    while True:
        noted = store.do(
            EnqueueNotifications(("r",), DELAY, QUIET, page=2, after=noted.after, up_to=noted.up_to)
        )
        if not noted.after:
            break
    found = {profile: seq for profile, _, _, seq in queued(store)}
    assert found == {"bob": 6, "p0": 4, "p1": 6, "p2": 4, "p3": 4}
