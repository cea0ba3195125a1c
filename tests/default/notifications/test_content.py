"""The content of a notification."""

from chatd.default.notifications.content import GetNotificationContents
from chatd.default.notifications.model import ClaimedNotification
from chatd.default.rooms.store import CreateRoom
from tests.default.notifications.driver import DELAY, claim, fan_out, read, register, say
from tests.store.driver import Store, event, send


def test_an_event_that_was_read_before_it_was_queued_is_known(store: Store) -> None:
    register(store, "bob", "phone")
    store.do(send("alice", event("r", "e1")))
    read(store, "bob", "r", 2, "laptop")
    fan_out(store)
    store.now_us += DELAY
    (mine,) = claim(store)
    assert store.ask(GetNotificationContents((mine,), store.now_us))[0].read


def test_hidden_previews_are_not_even_read(store: Store) -> None:
    store.do(CreateRoom("secret", "Secret", "alice", ("bob",), hide_previews=True))
    register(store, "bob", "phone")
    say(store, event("secret", "e1"), event("r", "e2"))
    shown = [ClaimedNotification("bob", "phone", room, 2, "message", 0, False, 0) for room in ("secret", "r")]
    secret, plain = (store.ask(GetNotificationContents((one,), store.now_us))[0] for one in shown)
    assert (secret.delivery, secret.room_name, secret.sender_id) == (b"", "Secret", "alice")
    assert plain.delivery
