"""Events are counted by room and sender, page by page, and each once."""

from collections import Counter

import pytest

from chatd.default.messages.store import StoreEvents
from chatd.default.rooms import activity
from chatd.default.rooms.activity import CountEvents
from chatd.default.rooms.store import CreateRoom
from tests.store.driver import Store, event


def counted(store: Store, since_us: int = 0) -> tuple[Counter[tuple[str, str]], int]:
    """All pages; and how many there were."""
    found: Counter[tuple[str, str]] = Counter()
    room_id, before_seq, more, pages = "", 0, True, 0
    while more:
        page = store.ask(CountEvents(since_us, room_id, before_seq))
        for one in page.counts:
            found[one.room_id, one.sender_id] += one.events
        room_id, before_seq, more, pages = page.room_id, page.before_seq, page.more, pages + 1
    return found, pages


def fill(store: Store) -> None:
    for room, events in (("a", 7), ("b", 0), ("c", 25)):
        store.do(CreateRoom(room, "", "alice", ("bob",)))
        for sender, share in (("alice", events), ("bob", events // 5)):
            if share:
                store.do(
                    StoreEvents(sender, tuple(event(room, f"{room}{number}") for number in range(share)))
                )


EXPECTED = {
    ("a", "alice"): 8,
    ("a", "bob"): 1,
    ("b", "alice"): 1,
    ("c", "alice"): 26,
    ("c", "bob"): 5,
    ("r", "alice"): 1,
}


def test_each_event_is_counted_once(store: Store) -> None:
    fill(store)
    assert counted(store) == (EXPECTED, 1)


@pytest.mark.parametrize(("rooms", "events", "step"), [(1, 5, 5), (2, 7, 3), (500, 4, 2)])
def test_pages_join(
    store: Store, monkeypatch: pytest.MonkeyPatch, rooms: int, events: int, step: int
) -> None:
    monkeypatch.setattr(activity, "_ROOMS", rooms)
    monkeypatch.setattr(activity, "_EVENTS", events)
    monkeypatch.setattr(activity, "_STEP", step)
    fill(store)
    found, pages = counted(store)
    assert found == EXPECTED
    assert pages > 3


def test_older_events_are_left_out(store: Store) -> None:
    fill(store)
    times = sorted(at_us for (at_us,) in store.database.rows("SELECT sent_at_us FROM room_event"))
    assert sum(counted(store, times[-1] + 1)[0].values()) == 0
    since = times[len(times) // 2]
    assert sum(counted(store, since)[0].values()) == sum(at_us >= since for at_us in times)
