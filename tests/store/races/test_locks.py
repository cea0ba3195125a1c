"""A node waits for another one, here a bare transaction, that is in the middle of something: each
race in its one bad order.

The locks are the engine's, and two subjects take part in most of these races: they stand together,
beside no one subject."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chatd.core.model import StreamAcks, StreamKey
from chatd.default.dead_letters.failures import RetryRule
from chatd.default.devices.model import DeviceHello
from chatd.default.devices.store import ForgetDevice, OpenStreams
from chatd.default.outbox.cursors import AckCursors
from chatd.default.outbox.replay import ReplayOutbox
from chatd.default.outbox.skip import SkipOutbox
from chatd.default.receipts.store import SetReadMarker
from chatd.default.retention.erase import EraseProfile, Traces
from chatd.default.rooms.blocks import BlockProfiles
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import ChatdError, EventIdReused, NotAMember
from chatd.store.command import Command
from chatd.store.statements import WHOLE_ROWS
from chatd.store.transaction import _NOTIFICATIONS_LOCK
from tests.store.driver import MANY, Store, event, send
from tests.store.races.other_node import OtherNode


@pytest.fixture
def store(postgres_uri: str) -> Iterator[Store]:
    running = Store(postgres_uri)
    running.do(CreateRoom("r", "", "alice", ("bob",)))
    running.do(CreateRoom("s", "", "alice", ("bob",)))
    yield running
    running.close()


@pytest.fixture
def other(store: Store, postgres_uri: str) -> Iterator[OtherNode]:
    node = OtherNode(postgres_uri)
    yield node
    node.database.disconnect()


def while_held(store: Store, other: OtherNode, uri: str, *commands: Command[object]) -> list[Any]:
    """Results of commands submitted while ``other`` is in the middle; it ends once they wait for
    it."""
    with ThreadPoolExecutor(1) as pool:
        results = pool.submit(store.many, commands)
        try:
            other.wait_until_it_holds_somebody_up(uri)
        finally:
            other.commit()
        return results.result()


def test_a_place_is_given_only_when_the_other_has_given_its_own(
    store: Store, other: OtherNode, postgres_uri: str
) -> None:
    other.database.run("UPDATE room SET head_seq = 10 WHERE room_id = 'r'")
    ((stored,),) = while_held(store, other, postgres_uri, send("alice", event("r", "e")))
    assert stored.seq == 11


def test_rooms_are_locked_in_one_order_whatever_the_requests(
    store: Store, other: OtherNode, postgres_uri: str
) -> None:
    """A node that waits for room r must not hold s, or two nodes could wait for each other."""
    other.database.run(
        "SET LOCAL deadlock_timeout = '1ms'"
    )  # were it to come to that, the other one would be ended, and say so
    other.database.run("UPDATE room SET head_seq = 10 WHERE room_id = 'r'")
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(store.do, send("alice", event("s", "1"), event("r", "2")))
        try:
            other.wait_until_it_holds_somebody_up(postgres_uri)
            other.database.run("UPDATE room SET head_seq = 20 WHERE room_id = 's'")
        finally:
            other.commit()
        assert [stored.seq for stored in result.result()] == [21, 11]


LOCK_ROOM = "UPDATE room SET head_seq = 10 WHERE room_id = '{}'"
LOCK_PROFILE = "UPDATE profile SET rooms = rooms WHERE profile_id = '{}'"
ENTRY = "SELECT 1 FROM outbox WHERE profile_id = 'bob' AND device_id = 'phone' AND room_id = ? FOR UPDATE"


def test_a_node_that_waits_for_the_notifications_holds_no_entry(
    store: Store, other: OtherNode, postgres_uri: str
) -> None:
    """Or it and a node that forgets the device, which takes both, could wait for each other."""
    store.do(OpenStreams((DeviceHello("bob", "phone"),), MANY))
    acks = AckCursors((StreamAcks(StreamKey("bob", "phone", 1), {"r": 1}),), RetryRule(3, 1))
    other.database.run("SET LOCAL deadlock_timeout = '1ms'")
    other.database.rows("SELECT pg_advisory_xact_lock(?)", (_NOTIFICATIONS_LOCK,))
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(store.many, [acks, SetReadMarker("alice", "r", 1, "")])
        try:
            other.wait_until_it_holds_somebody_up(postgres_uri)
            assert other.database.rows(ENTRY, ("r",))
        finally:
            other.commit()
        assert not any(isinstance(one, ChatdError) for one in result.result())


@pytest.mark.parametrize(
    "command",
    [
        RemoveSubscriptions("s", ("bob",), "alice", False),
        ForgetDevice("bob", "phone"),
        EraseProfile("bob", Traces(("r", "s"), ()), 10),
        SkipOutbox("bob", "phone", (("s", 9), ("r", 9))),
        ReplayOutbox("bob", "phone", (("s", 0), ("r", 0))),
    ],
    ids=["remove", "forget", "erase", "skip", "replay"],
)
def test_entries_are_locked_in_one_order_whatever_the_commands(
    store: Store, other: OtherNode, postgres_uri: str, command: Command[object]
) -> None:
    """A node that waits for the entry of room r must not hold that of s."""
    store.do(OpenStreams((DeviceHello("bob", "phone"),), MANY))
    other.database.run("SET LOCAL deadlock_timeout = '1ms'")
    assert other.database.rows(ENTRY, ("r",))
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(store.many, [command, RemoveSubscriptions("r", ("bob",), "alice", False)])
        try:
            other.wait_until_it_holds_somebody_up(postgres_uri)
            assert other.database.rows(ENTRY, ("s",))
        finally:
            other.commit()
        assert not any(isinstance(one, ChatdError) for one in result.result())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            [LOCK_ROOM.format("x"), "DELETE FROM invitation WHERE room_id = 'x'"],
            [LOCK_ROOM.format("y"), "DELETE FROM invitation WHERE room_id = 'y'"],
        ),
        ([LOCK_ROOM.format("x")], [LOCK_ROOM.format("y")]),
        (
            [LOCK_PROFILE.format("carol"), "DELETE FROM block WHERE profile_id = 'carol'"],
            [LOCK_PROFILE.format("dan"), "DELETE FROM block WHERE profile_id = 'dan'"],
        ),
    ],
    ids=["invitations", "rooms", "blocks"],
)
def test_a_profile_is_erased_elsewhere_in_the_one_order(
    store: Store, other: OtherNode, postgres_uri: str, first: list[str], second: list[str]
) -> None:
    """Bob has left rooms that he has made and invited to, and others have blocked him: an erasure
    that waits for one of these rows must not hold one that comes later."""
    for room in ("y", "x"):
        store.do(CreateRoom(room, "", "bob", ("alice",)))
        store.do(AddSubscriptions(room, ("dan",), "bob", False, invites=True))
        store.do(RemoveSubscriptions(room, ("bob",), "bob", False))
    for blocker in ("dan", "carol"):
        store.do(BlockProfiles(blocker, ("bob",)))
    other.database.run("SET LOCAL deadlock_timeout = '1ms'")
    for statement in first:
        other.database.run(statement)
    with ThreadPoolExecutor(1) as pool:
        erased = pool.submit(store.erase, "bob")
        try:
            other.wait_until_it_holds_somebody_up(postgres_uri)
            for statement in second:
                other.database.run(statement)
        finally:
            other.commit()
        assert not erased.result().more


def test_an_event_the_other_commits_meanwhile_is_a_duplicate(
    store: Store, other: OtherNode, postgres_uri: str
) -> None:
    """It is in another room, whose lock is not waited for: only the unique index tells, after the
    fact."""
    other.insert_event("s", "e", 2, event("r", "e").content_hash)
    same, mine, refused = while_held(
        store,
        other,
        postgres_uri,
        send("alice", event("r", "e")),
        send("alice", event("r", "f")),
        send("eve", event("r", "g")),
    )
    assert [(one.room_id, one.seq, one.duplicate, one.sent_at_us) for one in same] == [("s", 2, True, 7)]
    assert [(one.seq, one.duplicate) for one in mine] == [(2, False)]
    assert isinstance(refused, NotAMember)


def test_an_event_the_other_commits_meanwhile_with_other_content_is_refused_alone(
    store: Store, other: OtherNode, postgres_uri: str
) -> None:
    other.insert_event("s", "e", 2, b"other content")
    reused, mine = while_held(
        store, other, postgres_uri, send("alice", event("r", "e")), send("alice", event("r", "f"))
    )
    assert isinstance(reused, EventIdReused)
    assert [(one.seq, one.duplicate) for one in mine] == [(2, False)]


def test_a_device_registered_while_its_profile_joins_has_an_entry(
    store: Store, other: OtherNode, postgres_uri: str
) -> None:
    """The profile is there already: without its lock the device would be registered at once, and
    not see the membership."""
    store.do(AddSubscriptions("s", ("carol",), "alice", False))
    other.database.rows("SELECT profile_id FROM profile WHERE profile_id = 'carol' FOR UPDATE")
    other.database.run("INSERT INTO subscription (room_id, profile_id, joined_seq) VALUES ('r', 'carol', 2)")
    opened = while_held(store, other, postgres_uri, OpenStreams((DeviceHello("carol", "d"),), MANY))
    assert [[one.epoch for one in streams] for streams in opened] == [[1]]
    assert store.database.rows("SELECT room_id FROM outbox WHERE profile_id = 'carol' ORDER BY room_id") == [
        ("r",),
        ("s",),
    ]


def test_a_profile_that_joins_while_its_device_is_registered_has_an_entry(
    store: Store, other: OtherNode, postgres_uri: str
) -> None:
    store.do(AddSubscriptions("s", ("carol",), "alice", False))
    other.database.rows("SELECT profile_id FROM profile WHERE profile_id = 'carol' FOR UPDATE")
    other.database.run(
        "INSERT INTO device (profile_id, device_id, epoch, created_at_us, seen_at_us) VALUES ('carol', 'd', 1, 0, 0)"
    )
    (change,) = while_held(store, other, postgres_uri, AddSubscriptions("r", ("carol",), "alice", False))
    assert change.profiles == ("carol",)
    assert store.database.rows("SELECT room_id, start_seq FROM outbox WHERE profile_id = 'carol'") == [
        ("r", change.seq - 1)
    ]


def test_a_profile_that_is_erased_while_it_is_waited_for_is_made_anew(
    store: Store, other: OtherNode, postgres_uri: str
) -> None:
    """Its row was there when the command came, and is gone when it can be locked."""
    store.database.run("INSERT INTO profile (profile_id) VALUES ('carol')")
    other.database.rows("SELECT 1 FROM profile WHERE profile_id = 'carol' FOR UPDATE")
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(store.do, AddSubscriptions("r", ("carol",), "alice", False))
        try:
            other.wait_until_it_holds_somebody_up(postgres_uri)
            other.database.run("DELETE FROM profile WHERE profile_id = 'carol'")
        finally:
            other.commit()
        assert result.result().profiles == ("carol",)
    assert store.database.rows("SELECT rooms FROM profile WHERE profile_id = 'carol'") == [(1,)]


def test_profiles_are_made_before_any_is_locked(store: Store, other: OtherNode, postgres_uri: str) -> None:
    """A node that waits for one that the other has made must not hold those that the other may wait
    for, however many statements they take."""
    many = [f"p{number:02}" for number in range(2 * WHOLE_ROWS)]
    other.database.run("SET LOCAL deadlock_timeout = '1ms'")
    other.database.run("INSERT INTO profile (profile_id) VALUES ('zoe')")
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(store.do, AddSubscriptions("r", ("bob", *many, "zoe"), "alice", False))
        try:
            other.wait_until_it_holds_somebody_up(postgres_uri)
            assert other.database.rows("SELECT 1 FROM profile WHERE profile_id = 'bob' FOR UPDATE NOWAIT")
        finally:
            other.commit()
        assert result.result().profiles == (*many, "zoe")


def test_two_that_wait_for_each_other_both_succeed(store: Store, other: OtherNode, postgres_uri: str) -> None:
    """PostgreSQL ends one of them: the node does its part again, alone, and nobody is told of
    it."""
    other.database.run(
        "SET LOCAL deadlock_timeout = '60s'"
    )  # the node's own default is shorter: it is the one to be ended
    other.database.rows("SELECT profile_id FROM profile WHERE profile_id = 'bob' FOR UPDATE")
    with ThreadPoolExecutor(2) as pool:
        results = pool.submit(
            store.many, [send("alice", event("r", "e")), RemoveSubscriptions("r", ("bob",), "alice", False)]
        )
        try:
            other.wait_until_it_holds_somebody_up(postgres_uri)
            other.database.run("UPDATE room SET name = 'changed' WHERE room_id = 'r'")
        finally:
            other.commit()
        (stored,), change = results.result()
    assert (stored.seq, stored.duplicate) == (2, False)
    assert (change.profiles, change.seq) == (("bob",), 3)
