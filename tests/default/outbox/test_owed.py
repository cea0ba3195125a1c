"""The sums that all devices together are owed."""

from collections.abc import Callable
from typing import Any

from chatd.default.outbox import owed
from chatd.default.outbox.owed import PAGE, WALK_SECONDS, OwedWalk, ReadOwed
from chatd.default.outbox.store import ListOutbox
from chatd.default.rooms.membership import RemoveSubscriptions
from chatd.errors import ChatdError, Unavailable
from chatd.store.command import Query
from tests.store.driver import DirectAccess, Store, acks, event, send


class Access(DirectAccess):
    error: ChatdError | None = None

    def ask(self, query: Query[Any], then: Callable[[Any], None], failed: Any = None, **options: Any) -> None:
        if self.error is not None:
            failed(self.error)
        else:
            super().ask(query, then, failed)


class Rig:
    """``later`` keeps the next page."""

    def __init__(self, store: Store) -> None:
        self.seconds = 0.0
        self.pages: list[Callable[[], None]] = []
        self.access = Access(store)
        self.now_us = 0
        self.walk = OwedWalk(
            self.access,
            clock=lambda: self.now_us,
            now=lambda: self.seconds,
            later=lambda seconds, action: self.pages.append(action),
        )

    def shown(self) -> list[object]:
        return [gauge.read() for gauge in self.walk.gauges]

    def read(self) -> list[object]:
        """A whole walk."""
        self.seconds += WALK_SECONDS
        self.walk.read()
        while self.pages:
            self.pages.pop()()
        return self.shown()


def test_pages_together_are_what_operators_are_shown(rooms: Store, monkeypatch: Any) -> None:
    for device in "xyz":
        rooms.open("alice", device)
    for number, room in enumerate("aabbbccccd"):
        rooms.do(send("bob", event(room, f"{number}")))
    rooms.do(acks((rooms.open("alice", "x"), {"a": 3, "b": 2})))
    rooms.do(RemoveSubscriptions("c", ("bob",), "alice", False))
    page, more = rooms.ask(ListOutbox("", "", "", 1_000))
    assert not more
    wanted = sum(row.owed for row in page), min(row.oldest_at_us for row in page)
    assert wanted[0] > 20
    for limit in (1, 2, 3, 7, 1_000):
        monkeypatch.setattr(owed, "PAGE", limit)
        rig = Rig(rooms)
        rig.now_us = wanted[1] + 2_500_000
        assert rig.read() == [wanted[0], 2.5], limit


def test_a_page_ends_where_the_next_begins(rooms: Store) -> None:
    first = rooms.ask(ReadOwed(("", "", "", 0), 1))
    assert first.last is not None
    assert first.last[:2] == ("bob", "d")
    rest = rooms.ask(ReadOwed(first.last, PAGE))
    assert rest.last is None
    assert rest.last is None


def test_nothing_owed_is_no_age(store: Store) -> None:
    rig = Rig(store)
    assert rig.read() == [0, 0.0]


def test_removed_events_are_not_owed(store: Store) -> None:
    rig = Rig(store)
    store.open("bob", "d")
    for number in range(5):
        store.do(send("alice", event("r", f"{number}")))
    assert rig.read()[0] == 5
    store.database.connect(readonly=False)
    store.database.run("UPDATE room SET first_seq = 4 WHERE room_id = 'r'", ())
    oldest = store.database.rows("SELECT sent_at_us FROM room_event WHERE room_id = 'r' AND seq = 4", ())[0][
        0
    ]
    rig.now_us = oldest + 1_000_000
    assert rig.read() == [3, 1.0]


def test_a_walk_begins_when_somebody_asks_and_no_sooner_than_is_said(store: Store) -> None:
    rig = Rig(store)
    assert rig.shown() == [0, 0.0], "asked at once, answered at once by this store"
    store.open("bob", "d")
    store.do(send("alice", event("r", "e")))
    assert rig.shown()[0] == 0
    assert rig.read()[0] == 1


def test_nothing_is_shown_while_the_database_is_away(store: Store) -> None:
    rig = Rig(store)
    rig.read()
    rig.access.error = Unavailable("away")
    assert rig.read() == [None, None]
    rig.access.error = None
    assert rig.read() == [0, 0.0]
