"""Connections: the newest epoch of a device is the one that counts."""

from chatd.core.model import StreamKey
from chatd.default.devices.connections import (
    ForgetConnections,
    ListConnections,
    RegisterConnections,
    TouchConnections,
)
from chatd.default.devices.model import Connection
from tests.store.driver import Store


def test_a_newer_connection_is_not_undone_by_an_older_one(store: Store) -> None:
    old, new = (Connection("bob", "x", epoch, f"gw{epoch}", "app", 5, 5) for epoch in (1, 2))
    store.do(RegisterConnections((new,)))
    store.do(RegisterConnections((old,)))
    assert store.ask(ListConnections("", 10)) == ((new,), False)
    store.do(TouchConnections((StreamKey("bob", "x", 1),), 9))
    store.do(ForgetConnections((StreamKey("bob", "x", 1),)))
    assert store.ask(ListConnections("bob", 10)) == ((new,), False)
    store.do(TouchConnections((StreamKey("bob", "x", 2),), 9))
    assert store.ask(ListConnections("bob", 10))[0][0].seen_us == 9
    store.do(ForgetConnections((StreamKey("bob", "x", 2),)))
    assert store.ask(ListConnections("", 10)) == ((), False)


def test_connections_are_listed_by_profile_a_page_at_a_time(store: Store) -> None:
    rows = tuple(Connection(profile, "x", 1, "gw", "app", 5, 5) for profile in ("c", "a", "b"))
    store.do(RegisterConnections(rows))
    listed, more = store.ask(ListConnections("", 2))
    assert ([one.profile_id for one in listed], more) == (["a", "b"], True)
    assert [one.profile_id for one in store.ask(ListConnections("c", 2))[0]] == ["c"]
    rest, more = store.ask(ListConnections("", 2, ("b", "x")))
    assert ([one.profile_id for one in rest], more) == (["c"], False)
    assert store.ask(ListConnections("a", 2, ("a", "x"))) == ((), False)
