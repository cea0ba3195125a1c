"""PostgreSQL has no statistics yet, as after a start on nothing or a restore: a query reads what it
answers, not the whole log."""

from collections.abc import Iterator, Sequence

import pytest

from chatd.core.model import Pull
from chatd.core.wire import encode_delivery
from chatd.default.fan_out.repair import FindUnpublished
from chatd.default.invariants import INVARIANTS
from chatd.default.messages.history import GetEvent, GetHistory, GetHistoryAround
from chatd.default.notifications.enqueue import EnqueueNotifications
from chatd.default.outbox.backlog import PullOwed
from chatd.default.outbox.store import GetBroadcast, ListOutbox
from chatd.default.outbox.story import TellStory
from chatd.default.receipts.delivery_status import GetDeliveryStatus
from chatd.default.retention.cuts import FindCuts
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.pb.events.v1.payloads_pb2 import EventLink
from chatd.store.command import Command, Query
from chatd.store.database import Database
from chatd.store.invariant import PAGE, check
from chatd.store.room_log import MembersCache
from chatd.store.transaction import Transaction
from tests.store.driver import Store

EVENTS = 30_000
READ = (
    "SELECT COALESCE(SUM(seq_tup_read + idx_tup_fetch), 0) FROM pg_stat_xact_user_tables WHERE relname = "
    "'room_event'"
)


@pytest.fixture
def store(postgres_uri: str) -> Iterator[Store]:
    """Bob has been away for all of a long log; carol has left and come back."""
    running = Store(postgres_uri)
    running.do(CreateRoom("r", "", "alice", ("bob", "carol")))
    running.open("bob", "d")
    running.do(RemoveSubscriptions("r", ("carol",), "alice", False))
    delivery = encode_delivery(EventLink(event_id="e", room_id="r", seq=3, sender_id="alice"), b"")
    with running.database.connection(readonly=False):
        running.database.run("ALTER TABLE room_event SET (autovacuum_enabled = off)")
        running.database.run(
            f"INSERT INTO room_event SELECT 'r', g, 'e' || g, 'alice', 1, g, ''::bytea, ?::bytea FROM "
            f"generate_series(3, {EVENTS}) g",
            (delivery,),
        )
        running.database.run(f"UPDATE room SET head_seq = {EVENTS} WHERE room_id = 'r'")
    running.do(AddSubscriptions("r", ("carol",), "alice", False))
    yield running
    running.close()


def history(profile: str, operator: bool, before: int) -> GetHistory:
    return GetHistory("r", profile, operator, before, 100)


def forward(profile: str, operator: bool, after: int) -> GetHistory:
    return GetHistory("r", profile, operator, 0, 100, after_seq=after)


CUTS = FindCuts(
    keep_events=0,
    keep_since_us=EVENTS // 2,
    backlog_events=0,
    backlog_since_us=0,
    forget_before_us=0,
    after_room_id="",
    limit=100,
)


def events_read(database: Database, query: Query[object]) -> int:
    """Rows of the log that the server looks at for a query."""
    database.run("BEGIN")
    query.answer(database)
    ((read,),) = database.rows(READ)
    database.run("ROLLBACK")
    return int(read)


@pytest.mark.parametrize(
    ("query", "most"),
    [
        (history("alice", False, 0), 101),
        (history("alice", False, EVENTS // 2), 101),
        (history("alice", True, EVENTS // 2), 101),
        (history("carol", False, 0), 3),
        (forward("alice", False, EVENTS // 2), 101),
        (forward("alice", True, 0), 101),
        (forward("carol", False, 2), 3),
        (GetHistory("r", "alice", False, 0, 10, since_us=EVENTS // 3, until_us=EVENTS // 2), 300),
        (GetHistory("r", "alice", False, 0, 10, after_seq=0, since_us=EVENTS - 5), 300),
        (GetHistoryAround(history("alice", False, 0), EVENTS // 2), 102),
        (GetEvent(history("alice", False, 0), EVENTS // 2, "", ""), 2),
        (GetEvent(history("alice", False, 0), 0, "alice", "e77"), 2),
        (FindUnpublished(before_us=10**15, limit=100), 101),
        (GetDeliveryStatus("r", EVENTS // 2, "", True, "", 100), 10),
        (CUTS, 1_100),
        (ListOutbox("", "", "", 100), 10),
        (GetBroadcast("r", EVENTS // 2), 10),
        (TellStory("r", EVENTS // 2, "", "", "bob", ""), 10),
    ],
    ids=[
        "history",
        "older history",
        "an operator's",
        "of two memberships",
        "newer history",
        "an operator's from the oldest",
        "forward over two memberships",
        "between two times",
        "forward from a time",
        "around an event",
        "one event",
        "an event by its id",
        "unpublished",
        "delivery status",
        "cuts",
        "outbox",
        "broadcast",
        "story",
    ],
)
def test_a_query_reads_what_it_answers(store: Store, query: Query[object], most: int) -> None:
    with store.database.connection(readonly=True):
        assert events_read(store.database, query) <= most


@pytest.mark.parametrize("sent", [0, EVENTS // 2])
def test_a_pull_reads_a_window(store: Store, sent: int) -> None:
    bob = store.open("bob", "d")
    with store.database.connection(readonly=True):
        pull = PullOwed((Pull(bob, sent={"r": sent}, max_messages=256),))
        assert events_read(store.database, pull) <= 260


@pytest.mark.parametrize(
    ("command", "most"),
    [(PurgeLog("r", EVENTS - 10, 0, 100, 0), 500), (EnqueueNotifications(("r",), 0, 0), 200)],
    ids=["purge", "notifications"],
)
def test_a_command_reads_what_it_changes(store: Store, command: Command[object], most: int) -> None:
    database = store.database
    with database.connection(readonly=False):
        database.begin()
        database.run(
            f"UPDATE room SET published_seq = {EVENTS}, notified_seq = {EVENTS - 100} WHERE room_id = 'r'"
        )
        transaction = Transaction(database, MembersCache(), 1)
        transaction.lock([command.locks()])
        command.apply(transaction, [command])
        ((read,),) = database.rows(READ)
        database.run("ROLLBACK")
    assert 0 < read <= most


def test_check_db_reads_each_page_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """No page reads a whole table, and none is compiled, which takes a second each time."""
    database = store.database
    statements: list[tuple[str, Sequence[object]]] = []
    totals: list[int] = []
    rows = Database.rows

    def kept(self: Database, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        statements.append((sql, parameters))
        return rows(self, sql, parameters)

    with database.connection(readonly=False):
        database.run("ALTER TABLE subscription SET (autovacuum_enabled = off)")
        database.run("INSERT INTO profile SELECT 'p' || g, 1 FROM generate_series(1, 500) g")
        database.run("INSERT INTO subscription SELECT 'r', 'p' || g, 3 FROM generate_series(1, 500) g")
        database.run("BEGIN")
        with monkeypatch.context() as patched:
            patched.setattr(Database, "rows", kept)
            check(database, INVARIANTS, lambda _, __, total: totals.append(total))
        ((events,),) = database.rows(READ)
        ((members,),) = database.rows(READ.replace("room_event", "subscription"))
        plans = [str(database.rows(f"EXPLAIN {sql}", given)) for sql, given in statements if "page" in sql]
        database.run("ROLLBACK")
    assert totals[0] >= EVENTS, "how long it takes is told from the start"
    assert len(plans) > EVENTS / PAGE
    assert EVENTS <= events <= 8 * EVENTS
    assert members <= 5_000
    assert not [plan for plan in plans if "JIT" in plan]
