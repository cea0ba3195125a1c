"""Orphans, each kind made by hand: counted, found page by page, deleted by a pass; and nothing else
with them."""

import pytest

from chatd.core.online import OnlineTable
from chatd.default.devices.connections import RegisterConnections
from chatd.default.devices.model import Connection
from chatd.default.notifications.push import ALL, SetRoomNotifications
from chatd.default.retention import orphan_sweep
from chatd.default.retention.orphans import TABLES, CountOrphans, DeleteOrphans, FindOrphans
from chatd.default.retention.retention import Retention, RetentionRule
from tests.default.dead_letters.letters import bury
from tests.default.notifications.driver import read, register, say
from tests.store.driver import DirectAccess, Store, event, failed

KEPT = RetentionRule(0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def full(store: Store) -> Store:
    """A row of bob's phone in each table."""
    phone = register(store, "bob", "phone")
    store.do(RegisterConnections((Connection("bob", "phone", 1, "g", "", 1, 1),)))
    say(store, event("r", "e1"), event("r", "e2"))
    bury(store, phone, 2)
    store.do(failed(phone, "r", 3))
    read(store, "bob", "r", 1)
    store.do(SetRoomNotifications("bob", "r", ALL, 0))
    store.database.connect(readonly=False)
    store.database.run("INSERT INTO delivery_gap VALUES ('bob', 'phone', 'r', 1, 1, 3, 1)")
    assert store.ask(CountOrphans()) == {}
    return store


def rows(store: Store, table: str, profile: str = "ghost") -> int:
    return int(store.database.rows(f"SELECT COUNT(*) FROM {table} WHERE profile_id = ?", (profile,))[0][0])


def haunt(store: Store, table: str, profile: str) -> None:
    """Copy bob's row to a profile that is not there, with all its columns."""
    columns = [column.name for column in store.database.db.get_columns(table)]
    taken = [f"'{profile}'" if name in ("profile_id", "letter_id") else name for name in columns]
    store.database.run(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(taken)} FROM {table} WHERE profile_id = 'bob'"
    )


def run(store: Store) -> Retention:
    retention = Retention(KEPT, DirectAccess(store), OnlineTable(), period=60.0, clock=lambda: store.now_us)
    retention.begin()
    return retention


@pytest.mark.parametrize("table", TABLES)
def test_a_pass_deletes_them_and_nothing_else(full: Store, table: str) -> None:
    haunt(full, table, "ghost")
    before = {one: rows(full, one, "bob") for one in TABLES}
    assert set(before.values()) == {1}
    assert full.ask(CountOrphans()) == {table: 1}
    counters = {one.name: one.value for one in run(full).part.counters}
    assert (full.ask(CountOrphans()), counters["orphans_deleted"]) == ({}, 1)
    assert {one: rows(full, one, "bob") for one in TABLES} == before
    assert rows(full, "profile") == 0


def test_a_device_that_is_gone_though_its_profile_is_not(full: Store) -> None:
    full.database.run("DELETE FROM device WHERE profile_id = 'bob'")
    run(full)
    assert full.ask(CountOrphans()) == {}
    assert [table for table in TABLES if rows(full, table, "bob")] == [
        "push",
        "notification",
        "room_notification",
        "read_marker",
    ]


def test_a_device_that_comes_back_before_the_deletion_keeps_its_rows(full: Store) -> None:
    haunt(full, "outbox", "ghost")
    ((owner,), _) = full.ask(FindOrphans("outbox", ("", ""), 100))
    full.open(*owner)
    assert full.do(DeleteOrphans("outbox", (owner,))) == 0
    assert rows(full, "outbox") == 1


def test_large_tables_are_looked_at_page_by_page(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphan_sweep, "LOOK", 3)
    monkeypatch.setattr(orphan_sweep, "BATCH", 2)
    for number in range(7):
        haunt(full, "read_marker", f"ghost{number}")
    retention = run(full)
    left = [full.ask(CountOrphans()).get("read_marker", 0)]
    for _ in range(2):
        retention.begin()
        left.append(full.ask(CountOrphans()).get("read_marker", 0))
    assert left == [5, 2, 0]
