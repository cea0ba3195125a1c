"""The content of a notification."""

from chatd.default.notifications.content import BADGES, GetNotificationContents
from chatd.default.notifications.model import ClaimedNotification
from chatd.default.notifications.push import ALL, MENTIONS, NONE, SetRoomNotifications
from chatd.default.rooms.membership import RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from tests.default.notifications.driver import DELAY, claim, contents, fan_out, read, register, say
from tests.store.driver import Store, event, send


def test_an_event_that_was_read_before_it_was_queued_is_known(store: Store) -> None:
    register(store, "bob", "phone")
    store.do(send("alice", event("r", "e1")))
    read(store, "bob", "r", 2, "laptop")
    fan_out(store)
    store.now_us += DELAY
    assert contents(store, *claim(store)) == [("", 0)]


def test_hidden_previews_are_not_even_read(store: Store) -> None:
    store.do(CreateRoom("secret", "Secret", "alice", ("bob",), hide_previews=True))
    register(store, "bob", "phone")
    say(store, event("secret", "e1"), event("r", "e2"))
    shown = [ClaimedNotification("bob", "phone", room, 2, "message", 0, False, 0) for room in ("secret", "r")]
    secret, plain = (store.ask(GetNotificationContents((one,), store.now_us))[0] for one in shown)
    assert (secret.delivery, secret.room_name, secret.sender_id) == (b"", "Secret", "alice")
    assert plain.delivery


def test_the_badge_is_what_is_unread_in_rooms_that_notify(store: Store) -> None:
    for room in ("left", "muted", "silent", "mentions"):
        store.do(CreateRoom(room, "", "alice", ("bob",)))
    register(store, "bob", "phone")
    rooms = ("r", "left", "muted", "silent", "mentions")
    say(store, *(event(room, f"{room}{number}") for room in rooms for number in range(3)))
    say(store, event("r", "own"), sender="bob")
    store.do(RemoveSubscriptions("left", ("bob",), "alice", False))
    store.do(SetRoomNotifications("bob", "muted", ALL, store.now_us + 60_000_000))
    store.do(SetRoomNotifications("bob", "silent", NONE, 0))
    store.do(SetRoomNotifications("bob", "mentions", MENTIONS, 0))
    read(store, "bob", "r", 3, "laptop")
    (content,) = store.ask(
        GetNotificationContents(
            (ClaimedNotification("bob", "phone", "r", 4, "message", 0, False, 0),), store.now_us
        )
    )
    assert content.badge == 1 + 3


def test_a_badge_is_looked_up_and_never_counted(store: Store) -> None:
    claims = "WITH v(profile_id, device_id) AS (VALUES ('bob', 'phone'))"
    if store.database.engine == "sqlite":
        plan = [str(row[-1]) for row in store.database.rows(f"EXPLAIN QUERY PLAN {claims} {BADGES}", (1,))]
        assert [
            one
            for one in plan
            if one.startswith("SCAN") and one not in ("SCAN v", "SCAN one", "SCAN 2-ROW VALUES CLAUSE")
        ] == [one for one in plan if "CONSTANT ROW" in one]
        return
    store.database.rows("SELECT set_config('enable_seqscan', 'off', false)")
    assert "Seq Scan" not in " ".join(
        str(row) for row in store.database.rows(f"EXPLAIN {claims} {BADGES}", (1,))
    )
