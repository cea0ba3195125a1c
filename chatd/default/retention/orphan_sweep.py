"""OrphanSweep: looks for orphans a page of each table at a time, with each pass of retention, and
deletes those it finds."""

from collections.abc import Callable

import structlog

from chatd.core.counter import Counter
from chatd.default.retention.orphans import TABLES, DeleteOrphans, FindOrphans, Owner
from chatd.errors import ChatdError
from chatd.store.access import StoreAccess

log = structlog.get_logger()

LOOK = 2_000
"""Rows of each table that one pass looks at: a few milliseconds of a reader."""
BATCH = 100
"""Owners whose rows one command deletes."""


class OrphanSweep:
    """Goes on where the last pass ended."""

    def __init__(self, store: StoreAccess) -> None:
        self._store = store
        self._after: dict[str, Owner] = {}
        self.deleted = Counter("orphans_deleted", "rows of devices and profiles that were gone")

    def begin(self, done: Callable[[], None], failed: Callable[[ChatdError], None]) -> None:
        """Look at a page of each table; call one of the two in the end."""
        self._look(list(TABLES), done, failed)

    def _look(
        self, tables: list[str], done: Callable[[], None], failed: Callable[[ChatdError], None]
    ) -> None:
        if not tables:
            done()
            return
        table, *others = tables

        def found(page: tuple[tuple[Owner, ...], Owner]) -> None:
            owners, self._after[table] = page
            delete(owners)

        def delete(owners: tuple[Owner, ...]) -> None:
            if not owners:
                self._look(others, done, failed)
                return

            def deleted(rows: int) -> None:
                self.deleted.add(rows)
                log.warning("Rows of devices or profiles that are gone were deleted", table=table, rows=rows)
                delete(owners[BATCH:])

            self._store.write(DeleteOrphans(table, owners[:BATCH]), deleted, failed)

        self._store.ask(FindOrphans(table, self._after.get(table, ("", "")), LOOK), found, failed)
