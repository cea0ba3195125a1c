"""The story of one event, from what is stored."""

import pytest

from chatd.default.outbox.model import DeviceStory, Story
from chatd.default.outbox.story import TellStory
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.errors import EventNotFound
from tests.default.dead_letters.letters import ACKNOWLEDGED, OWED, REJECTED, UNDELIVERABLE, bury
from tests.store.driver import Store, acks, event, failed, reject, send


def told(store: Store, seq: int, profile_id: str = "bob", device_id: str = "") -> Story:
    return store.ask(TellStory("r", seq, "", "", profile_id, device_id))


def device(store: Store, seq: int, device_id: str = "d") -> DeviceStory:
    (found,) = told(store, seq, device_id=device_id).devices
    return found


def test_an_event_that_is_owed(store: Store) -> None:
    store.open("bob", "d")
    store.do(send("alice", event("r", "1"), event("r", "2"), event("r", "3")))
    story = told(store, 4)
    assert (story.link.event_id, story.link.sender_id, story.removed) == ("3", "alice", False)
    assert story.membership is not None
    assert (story.membership.joined_seq, story.membership.left_seq) == (1, None)
    found = device(store, 4)
    assert (found.state, found.acked_seq, found.owed_before, found.is_recipient) == (OWED, 1, 2, True)


def test_an_event_that_was_handled(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", event("r", "1")))
    store.do(acks((bob, {"r": 2})))
    assert (device(store, 2).state, device(store, 2).owed_before) == (ACKNOWLEDGED, 0)


def test_attempts_and_dead_letters(store: Store) -> None:
    bob = store.open("bob", "d")
    store.do(send("alice", event("r", "1"), event("r", "2")))
    store.do(failed(bob, "r", 2))
    assert (device(store, 2).attempts, device(store, 2).letter_id) == (1, "")
    assert device(store, 2).first_failed_at_us > 0
    letter = bury(store, bob, 2)
    found = device(store, 2)
    assert (found.state, found.letter_id, found.letter_state) == (UNDELIVERABLE, letter.letter_id, "dead")
    store.do(reject(bob, 3, "full"))
    assert (device(store, 3).state, device(store, 3).reason) == (REJECTED, "full")


def test_memberships_before_and_after(store: Store) -> None:
    store.open("bob", "d")
    store.do(send("alice", event("r", "1")))
    store.do(RemoveSubscriptions("r", ("bob",), "alice", True))  # event 3
    store.do(send("alice", event("r", "2")))
    gone = told(store, 4)
    assert (gone.membership, gone.nearest and gone.nearest.left_seq) == (None, 3)
    assert [one.is_recipient for one in gone.devices] == [False]
    store.do(AddSubscriptions("r", ("bob",), "alice", True))  # event 5
    again = told(store, 4)
    assert again.nearest is not None
    assert (again.nearest.joined_seq, again.nearest.left_seq) == (5, None)
    assert again.nearest.joined_at_us > 0
    assert told(store, 4, "eve").nearest is None


def test_a_device_that_came_later_is_not_owed_it(store: Store) -> None:
    store.open("bob", "d")
    store.do(send("alice", event("r", "1")))
    store.open("bob", "late")
    assert (device(store, 2, "late").is_recipient, device(store, 2, "late").state) == (False, 0)


def test_an_event_is_found_by_its_id(store: Store) -> None:
    store.do(send("alice", event("r", "1")))
    store.do(send("bob", event("r", "2")))
    for sender_id in ("", "bob"):
        story = store.ask(TellStory("", 0, "2", sender_id, "", ""))
        assert (story.link.seq, story.link.sender_id, story.devices) == (3, "bob", ())
    for missing in (TellStory("", 0, "2", "alice", "", ""), TellStory("", 0, "3", "", "", "")):
        with pytest.raises(EventNotFound):
            store.ask(missing)
    with pytest.raises(EventNotFound):
        told(store, 99)
