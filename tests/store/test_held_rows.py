"""Another session holds a row and stands still: commands that need it wait, and nobody else
does."""

import queue
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chatd.core.deadline import Deadline, SilenceLimit
from chatd.default.fan_out.marks import MarkPublished
from chatd.default.receipts.store import SetReadMarker
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import TimedOut, Unavailable
from chatd.store import set_aside
from chatd.store.command import Command
from chatd.store.postgres import LOCK_MS
from chatd.store.steady import steady_us
from tests.store.driver import Store, acks, event, send
from tests.store.other_session import holding

HOLD_R = "UPDATE room SET name = 'held' WHERE room_id = 'r'"


@pytest.fixture
def store(postgres_uri: str) -> Iterator[Store]:
    running = Store(postgres_uri)
    for room in ("r", "s", "t"):
        running.do(CreateRoom(room, "", "alice", ("bob",)))
    yield running
    running.close()


def begin(
    store: Store, command: Command[object], deadline: Deadline | None = None
) -> "queue.SimpleQueue[Any]":
    """Submit a command; its result comes in the queue."""
    result: queue.SimpleQueue[Any] = queue.SimpleQueue()
    store.writer.submit(command, result.put, deadline)
    return result


def seconds_from_now(seconds: float) -> Deadline:
    return Deadline(steady_us() + round(seconds * 1e6), SilenceLimit(2**62))


def timed(store: Store, event_id: str) -> float:
    """Seconds that a send to room s takes."""
    started = time.monotonic()
    store.do(send("alice", event("s", event_id)))
    return time.monotonic() - started


def test_sends_to_other_rooms_go_on_while_one_is_held(store: Store, postgres_uri: str) -> None:
    quiet = [timed(store, f"quiet{number}") for number in range(100)]
    took: list[float] = []
    with holding(postgres_uri, HOLD_R) as other:
        held = [begin(store, send("bob", event("r", f"held{number}"))) for number in range(20)]
        end = time.monotonic() + 4
        while time.monotonic() < end:
            took.append(timed(store, f"e{len(took)}"))
            if len(took) % 20 == 0:
                held.append(begin(store, send("bob", event("r", f"later{len(took)}"))))
        assert all(result.empty() for result in held)
        other.run("COMMIT")
    stored = [result.get(timeout=5) for result in held]
    assert [one.seq for (one,) in stored] == list(range(2, len(held) + 2)), (
        "in the order in which they were sent"
    )
    first, *others = took
    assert first < LOCK_MS / 1_000 + 1, "it waits for as long as it takes to find out"
    assert statistics.quantiles(others, n=100)[98] < max(0.3, 3 * statistics.quantiles(quiet, n=100)[98])


def test_a_command_that_waits_too_long_is_refused(
    store: Store, postgres_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_aside, "SET_ASIDE_SECONDS", 2.0)
    with holding(postgres_uri, HOLD_R):
        started = time.monotonic()
        result = begin(store, send("alice", event("r", "e"))).get(timeout=20)
        took = time.monotonic() - started
    assert isinstance(result, Unavailable)
    assert "another session" in str(result)
    assert took >= 2.0
    (stored,) = store.do(send("alice", event("r", "e")))
    assert (stored.seq, stored.duplicate) == (2, False), "it was not stored"


@pytest.mark.parametrize("held_for", [0.5, 2.5], ids=["waits for the lock", "is set aside"])
def test_a_row_that_is_free_after_the_deadline_is_free_too_late(
    store: Store, postgres_uri: str, held_for: float
) -> None:
    """The scenario of the issue: meanwhile another node has done the same, and taken it back."""
    add = AddSubscriptions("r", ("carol",), "alice", False)
    with holding(postgres_uri, HOLD_R) as other:
        late = begin(store, add, seconds_from_now(held_for / 2))
        in_time = begin(store, send("alice", event("r", "e")), seconds_from_now(60))
        time.sleep(held_for)
        other.run("COMMIT")
        error, (stored,) = late.get(timeout=5), in_time.get(timeout=5)
    assert isinstance(error, TimedOut | Unavailable)
    assert (stored.seq, stored.duplicate) == (2, False)
    assert [member.profile_id for member in store.ask(GetRoom("r"))[1]] == ["alice", "bob"]


def test_a_command_that_is_set_aside_is_refused_at_its_deadline(store: Store, postgres_uri: str) -> None:
    with holding(postgres_uri, HOLD_R):
        started = time.monotonic()
        error = begin(store, send("alice", event("r", "e")), seconds_from_now(2)).get(timeout=20)
        assert isinstance(error, TimedOut | Unavailable)
        assert 1.9 < time.monotonic() - started < 3.5


def test_an_owner_s_commands_in_a_room_keep_their_order(store: Store, postgres_uri: str) -> None:
    """The first needs a held room and a free one; the second, in the free one, comes after it.
    Others need not wait."""
    with holding(postgres_uri, HOLD_R) as other:
        both = begin(store, send("alice", event("r", "1"), event("s", "2")))
        free = begin(store, send("alice", event("s", "3")))
        (others,) = store.do(send("bob", event("s", "4")))
        (elsewhere,) = store.do(send("alice", event("t", "5")))
        assert both.empty()
        assert free.empty()
        other.run("COMMIT")
        (_, second), (third,) = both.get(timeout=5), free.get(timeout=5)
    assert (others.seq, second.seq, third.seq, elsewhere.seq) == (2, 3, 4, 2)


@pytest.mark.parametrize(
    ("statement", "held"),
    [
        (
            "SELECT 1 FROM profile WHERE profile_id = 'bob' FOR UPDATE",
            AddSubscriptions("t", ("bob",), "alice", False),
        ),
        ("INSERT INTO profile (profile_id) VALUES ('new')", AddSubscriptions("t", ("new",), "alice", False)),
        ("SELECT pg_advisory_xact_lock(1886745448)", SetReadMarker("bob", "r", 1, "d")),
        ("UPDATE outbox SET acked_seq = acked_seq WHERE profile_id = 'bob'", None),
    ],
    ids=["profile", "profile that is being made", "notifications", "outbox entry"],
)
def test_any_row_that_has_a_name_is_waited_for_by_itself(
    store: Store, postgres_uri: str, statement: str, held: Command[object] | None
) -> None:
    stream = store.open("bob", "d")
    with holding(postgres_uri, statement) as other:
        waiting = begin(store, held or acks((stream, {"r": 1})))
        for number in range(20):
            store.do(send("alice", event("s", f"e{number}")))
        assert waiting.empty()
        other.run("ROLLBACK")
        assert not isinstance(waiting.get(timeout=5), Exception)


def test_a_row_without_a_name_costs_the_command_that_meets_it(store: Store, postgres_uri: str) -> None:
    """The other session has stored the same event id in another room: only the unique index knows,
    while it is being written."""
    values = "VALUES ('s', 2, 'same', 'alice', 1, 7, ''::bytea, ''::bytea)"
    columns = "(room_id, seq, event_id, sender_id, type, sent_at_us, content_hash, delivery)"
    with holding(postgres_uri, f"INSERT INTO room_event {columns} {values}"):
        same = begin(store, send("alice", event("r", "same")))
        others = [begin(store, send("bob", event("t", f"e{number}"))) for number in range(50)]
        assert [result.get(timeout=5)[0].seq for result in others] == list(range(2, 52))
        assert isinstance(same.get(timeout=5), Unavailable)


def test_marks_of_other_rooms_move_while_one_is_held(store: Store, postgres_uri: str) -> None:
    for room in ("r", "s"):
        store.do(send("alice", event(room, room)))
    with holding(postgres_uri, HOLD_R) as other:
        runs = (("r", 1, 2), ("s", 1, 2))
        assert store.do(MarkPublished(runs)) == (("r", 1, 2),), "the held one's run is given back"
        other.run("COMMIT")
    assert store.do(MarkPublished((("r", 1, 2),))) == ()
    assert store.database.rows("SELECT room_id, published_seq FROM room WHERE room_id <> 't' ORDER BY 1") == [
        ("r", 2),
        ("s", 2),
    ]


def test_a_room_that_is_not_there_is_not_held(store: Store, postgres_uri: str) -> None:
    with holding(postgres_uri, HOLD_R):
        begin(store, send("alice", event("r", "e")))
        assert store.do(MarkPublished((("gone", 1, 2),))) == ()


def test_what_waits_is_answered_when_the_node_stops(store: Store, postgres_uri: str) -> None:
    with holding(postgres_uri, HOLD_R):
        waiting = begin(store, send("alice", event("r", "e")))
        store.do(send("alice", event("s", "e2")))
        store.writer.stop()
        assert isinstance(waiting.get(timeout=5), Unavailable)
