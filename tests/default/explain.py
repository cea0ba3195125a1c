"""The plan of a statement on either engine."""

from collections.abc import Sequence
from typing import Any

from tests.store.driver import Store


def assert_looked_up(store: Store, sql: str, parameters: Sequence[Any]) -> None:
    """No table is read from end to end. Tables of tests are so small that PostgreSQL would just
    read them: it is kept from that, and then reads only those that have no index for it."""
    if store.database.engine == "sqlite":
        plan = " ".join(str(row) for row in store.database.rows(f"EXPLAIN QUERY PLAN {sql}", parameters))
        assert "SEARCH" in plan
        assert "SCAN" not in plan, plan
        return
    store.database.rows("SELECT set_config('enable_seqscan', 'off', false)")
    plan = " ".join(str(row) for row in store.database.rows(f"EXPLAIN {sql}", parameters))
    assert "Seq Scan" not in plan, plan
