"""The common part of an operator's changes of a device's outbox: the device is looked up, its rooms
are bounded, and its stream has to be opened again."""

from collections.abc import Sequence
from typing import Any

from chatd.default.limits import MAX_NEW_ENTRIES
from chatd.errors import EventNotFound, LimitReached
from chatd.store.database import Database
from chatd.store.transaction import Transaction


def find_entries(
    database: Database, sql: str, parameters: Sequence[object], *, profile_id: str, device_id: str
) -> list[tuple[Any, ...]]:
    """The rows of a query of a device's outbox entries, MAX_NEW_ENTRIES at most. Raises
    EventNotFound if there is no such device, LimitReached if there are more."""
    known = database.rows(
        "SELECT 1 FROM device WHERE profile_id = ? AND device_id = ?", (profile_id, device_id)
    )
    if not known:
        raise EventNotFound(f"'{profile_id}' has no device '{device_id}'")
    rows = database.rows(f"{sql} LIMIT ?", (*parameters, MAX_NEW_ENTRIES + 1))
    if len(rows) > MAX_NEW_ENTRIES:
        raise LimitReached(f"more than {MAX_NEW_ENTRIES:,} rooms; name one")
    return rows


def reset_stream(transaction: Transaction, profile_id: str, device_id: str) -> None:
    """Acks of the device's open stream no longer count, and it has to be opened again (605). The
    command holds the profile, so no Hello comes between. To be called before other rows of the
    device are changed, which ``DeleteSettledFailures`` does while it holds this one."""
    transaction.must_hold(profile_id=profile_id)
    transaction.database.run(
        """
        UPDATE device
        SET epoch = epoch + 1, reset_epoch = epoch + 1
        WHERE profile_id = ? AND device_id = ?
        """,
        (profile_id, device_id),
    )
