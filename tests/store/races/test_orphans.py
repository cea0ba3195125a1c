"""Two nodes of one PostgreSQL, one held before its COMMIT: no row is left of a device or profile
that is gone."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from chatd.core.model import StreamAcks, StreamKey
from chatd.default.dead_letters.failures import DeleteSettledFailures, RetryRule
from chatd.default.devices.store import ExpireDevices, ForgetDevice
from chatd.default.notifications.push import SetPush
from chatd.default.outbox.cursors import AckCursors
from chatd.default.retention.erase import EraseProfile, Traces
from chatd.default.retention.orphans import CountOrphans
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.store.command import Command
from chatd.store.database import Database
from chatd.store.room_log import MembersCache
from chatd.store.transaction import Transaction
from tests.store.driver import MANY, Store, event, failed, send
from tests.store.races.other_node import OtherNode

LATER = 10**15


class HeldNode(OtherNode):
    """A node that stands still between a command and its COMMIT."""

    def apply(self, command: Command[object]) -> None:
        transaction = Transaction(self.database, MembersCache(), LATER)
        transaction.lock([command.locks()])
        type(command).apply(transaction, [command])
        transaction.log.flush()


@pytest.fixture
def store(postgres_uri: str) -> Iterator[Store]:
    """Room r of alice and bob, bob's phone in it; room s of alice alone."""
    running = Store(postgres_uri)
    running.do(CreateRoom("r", "", "alice", ("bob",)))
    running.do(CreateRoom("s", "", "alice", ()))
    running.open("bob", "phone")
    running.do(send("alice", event("r", "e")))
    yield running
    running.close()


@pytest.fixture
def held(store: Store, postgres_uri: str) -> Iterator[HeldNode]:
    node = HeldNode(postgres_uri)
    yield node
    node.database.disconnect()


def while_held(
    store: Store, held: HeldNode, uri: str, first: Command[object], second: Command[object]
) -> None:
    """``first`` on the held node, then ``second`` on the other, which waits; then both commit."""
    held.apply(first)
    with ThreadPoolExecutor(1) as pool:
        result: Future[object] = pool.submit(store.do, second)
        try:
            held.wait_until_it_holds_somebody_up(uri)
        finally:
            held.commit()
        result.result()


def orphans(uri: str) -> dict[str, int]:
    """Table → rows; empty: there is none."""
    database = Database(uri)
    with database.connection(readonly=True):
        return CountOrphans().answer(database)


GONE = {
    "expired": ExpireDevices((("bob", "phone"),), LATER),
    "forgotten": ForgetDevice("bob", "phone"),
    "erased": EraseProfile("bob", Traces(("r",), ()), 100),
}
FAILURE = AckCursors((StreamAcks(StreamKey("bob", "phone", 1), failed=("r", 2)),), RetryRule(0, 1))
REJECTION = AckCursors(
    (StreamAcks(StreamKey("bob", "phone", 1), rejected=(("r", 2, "no"),)),), RetryRule(5, 1)
)


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize(
    "second",
    [AddSubscriptions("s", ("bob",), "alice", False), FAILURE, REJECTION],
    ids=["added to a room", "failure", "rejection"],
)
def test_a_device_that_is_gone_leaves_no_row(
    store: Store, held: HeldNode, postgres_uri: str, gone: str, second: Command[object]
) -> None:
    while_held(store, held, postgres_uri, GONE[gone], second)
    assert orphans(postgres_uri) == {}


@pytest.mark.parametrize("gone", ["expired", "forgotten"])
def test_a_device_that_is_added_meanwhile_is_removed_with_all_its_rows(
    store: Store, held: HeldNode, postgres_uri: str, gone: str
) -> None:
    while_held(store, held, postgres_uri, AddSubscriptions("s", ("bob",), "alice", False), GONE[gone])
    assert orphans(postgres_uri) == {}


def test_a_device_that_is_gone_is_no_longer_notified(store: Store, held: HeldNode, postgres_uri: str) -> None:
    while_held(store, held, postgres_uri, GONE["expired"], SetPush("bob", "phone", "log", "", "", "", MANY))
    with store.database.connection(readonly=True):
        assert store.database.rows("SELECT push FROM subscription WHERE profile_id = 'bob'") == [(1,)], (
            "registered anew"
        )


def test_a_failure_recorded_while_old_ones_are_deleted_is_seen_by_pulls(
    store: Store, held: HeldNode, postgres_uri: str
) -> None:
    """The device has a settled failure of one event; another event fails while it is being
    deleted."""
    bob = StreamKey("bob", "phone", 1)
    store.do(failed(bob, "r", 2))
    store.do(AckCursors((StreamAcks(bob, {"r": 2}),), RetryRule(5, 1)))
    store.do(send("alice", event("r", "f")))
    while_held(store, held, postgres_uri, failed(bob, "r", 3), DeleteSettledFailures(100))
    with store.database.connection(readonly=True):
        assert store.database.rows("SELECT COUNT(*) FROM delivery_attempt WHERE seq = 3") == [(1,)]
        assert store.database.rows("SELECT has_failures FROM device WHERE profile_id = 'bob'") == [(1,)]
