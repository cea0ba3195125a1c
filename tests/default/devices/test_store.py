"""Devices: registered at the head of each room, opened again with a higher epoch, listed, expired,
forgotten."""

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.core.model import Owed, Shown
from chatd.default.devices.store import ForgetDevice, ListDevices, Opened, OpenStreams
from chatd.default.notifications.push import GetPush, SetPush
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.membership import RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.store.log_row import GetLogState
from tests.default.retention.log import fill
from tests.store.driver import Store, acks, at_once, event, failed, owed_deliveries, ranges, send


def expire(store: Store) -> None:
    store.expire(store.now_us + 10)


def test_a_new_device_begins_at_the_head(store: Store) -> None:
    store.do(send("alice", event("r", "1")))
    bob = store.open("bob", "d")
    assert store.owed(bob, want_cursors=True) == Owed(cursors={"r": 2})
    store.do(send("alice", event("r", "2"), event("r", "3")))
    assert ranges(store.owed(bob)) == [("r", 3, 4)]


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


def test_a_device_opened_twice_in_a_batch_gets_two_epochs(store: Store) -> None:
    assert store.do(OpenStreams((("bob", "x"), ("bob", "x"), ("bob", "y")))).epochs == (1, 2, 1)


def test_a_device_opened_on_two_nodes_has_one_newest_stream(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("r", "", "alice", ("bob",)))
    for number in range(20):
        opening = OpenStreams((("bob", f"d{number}"),))
        epochs = [opened.epochs for opened in at_once(nodes, lambda node, opening=opening: node.do(opening))]  # type: ignore[misc]
        assert sorted(epochs) == [(1,), (2,)]
    assert nodes[0].database.rows("SELECT COUNT(*) FROM outbox WHERE profile_id = 'bob'") == [(20,)]


def test_devices_unseen_for_long_expire_and_begin_anew(store: Store) -> None:
    old = store.open("bob", "old")
    store.now_us += 1_000_000
    used = store.open("bob", "used")
    fill(store)
    assert store.expire(0) == 0
    assert store.expire(store.now_us - 500_000) == 1
    assert store.owed(old).unknown
    assert len(owed_deliveries(store, used)) == 10
    again = store.open("bob", "old")
    assert (again.epoch, owed_deliveries(store, again)) == (1, [])


def test_a_device_that_acknowledges_now_and_then_is_seen(store: Store) -> None:
    bob = store.open("bob", "d")
    store.now_us += 2 * 3_600_000_000
    store.do(acks((bob, {})))
    assert store.expire(store.now_us - 1_000_000) == 0


def test_devices_that_never_connected_expire(store: Store) -> None:
    store.do(SetPush("bob", "never", "log", "", "", ""))
    store.expire(0)
    assert store.ask(GetPush("bob", "never")) is not None
    expire(store)
    assert store.ask(GetPush("bob", "never")) is None


def test_a_forgotten_device_is_owed_nothing_and_comes_back_as_a_new_one(store: Store) -> None:
    old, other = store.open("bob", "d"), store.open("bob", "e")
    fill(store)
    store.do(failed(old, "r", 2))
    store.open("bob", "d")
    assert store.do(ForgetDevice("bob", "d")) == 2
    assert store.do(ForgetDevice("bob", "d")) == 0
    assert store.owed(old).unknown
    assert store.database.rows("SELECT * FROM delivery_attempt") == []
    assert len(owed_deliveries(store, other)) == 10
    again = store.open("bob", "d")
    assert again.epoch == 1
    assert owed_deliveries(store, again) == []


def test_devices_are_listed_page_by_page_with_what_they_are_owed(store: Store) -> None:
    store.open("bob", "d")
    store.open("bob", "e")
    fill(store)
    store.do(CreateRoom("s", "", "alice", ("bob",)))
    page, more = store.ask(ListDevices("", "", ("", ""), 1))
    assert [(one.profile_id, one.device_id, one.epoch, one.owed, one.rooms_owed) for one in page] == [
        ("bob", "d", 1, 11, 2)
    ]
    assert more
    page, more = store.ask(ListDevices("bob", "", ("bob", "d"), 1))
    assert [(one.device_id, one.owed) for one in page] == [("e", 11)]
    assert not more
    assert store.ask(ListDevices("bob", "x", ("", ""), 1)) == ((), False)


def opened(store: Store, profile: str, *shown: Shown, known: LogState = UNKNOWN_LOG) -> Opened:
    """One device for each event that was shown."""
    devices = tuple((profile, f"d{number}") for number in range(len(shown)))
    return store.do(OpenStreams(devices, tuple(enumerate(shown)), known))


def test_a_device_that_has_shown_what_the_log_does_not_have(store: Store) -> None:
    fill(store)
    log = store.ask(GetLogState())
    name = log.incarnation
    found = opened(
        store,
        "bob",
        Shown(name, "r", 3, "e3"),
        Shown(name, "r", 12, "e12"),
        Shown(name, "r", 3, "another event"),
        Shown(name, "none", 3, "e1"),
        Shown("another", "r", 12, "e12"),
    )
    assert (found.log, found.rewound) == (log, (1, 2, 3)), "of another log it is told by the log's name"


def test_what_was_purged_is_not_taken_for_lost(store: Store) -> None:
    fill(store)
    store.publish()
    store.do(PurgeLog("r", up_to=5, before_us=0, limit=100, forget_before_us=10**18))
    name = store.ask(GetLogState()).incarnation
    assert opened(store, "bob", Shown(name, "r", 3, "e3")).rewound == ()


def test_a_stranger_is_answered_the_same_whatever_the_room_holds(store: Store) -> None:
    """A guess says nothing of its head, its events or its existence."""
    fill(store)
    store.publish()
    store.do(PurgeLog("r", up_to=5, before_us=0, limit=100, forget_before_us=10**18))
    name = store.ask(GetLogState()).incarnation
    guesses = [("r", 3, "e3"), ("r", 8, "e8"), ("r", 8, "x"), ("r", 99, "x"), ("none", 1, "x")]
    assert opened(store, "mallory", *(Shown(name, *guess) for guess in guesses)).rewound == (0, 1, 2, 3, 4)


def test_a_member_that_has_left_keeps_what_it_has_shown(store: Store) -> None:
    fill(store)
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    store.do(send("alice", event("r", "later")))
    name = store.ask(GetLogState()).incarnation
    found = opened(store, "bob", Shown(name, "r", 5, "e5"), Shown(name, "r", 13, "later"))
    assert found.rewound == (1,), "the later one was not for it"


def test_no_stream_opens_in_a_log_behind_what_its_gateway_has_seen(store: Store) -> None:
    before = store.ask(GetLogState())
    assert opened(store, "bob", known=before).log == before
    now = opened(store, "bob", known=before._replace(beat=before.beat + 3)).log
    assert now.incarnation != before.incarnation
    assert store.ask(GetLogState()) == now
