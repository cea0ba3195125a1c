"""The common part of an operator's changes of a device's outbox: the device is looked up, its rooms
are bounded, and its stream has to be opened again."""

from typing import Any

from chatd.default.limits import MAX_NEW_ENTRIES
from chatd.default.rooms.access import require_room
from chatd.errors import DeviceNotFound, LimitReached
from chatd.store.database import Database
from chatd.store.transaction import Transaction

MOST_ENTRIES = MAX_NEW_ENTRIES
"""Outbox entries that one call changes."""
Rows = list[tuple[Any, ...]]


def check_named(database: Database, profile_id: str, device_id: str, room_id: str) -> None:
    """The device is there, and the room if one is named. Raises DeviceNotFound, RoomNotFound."""
    if not database.rows(
        "SELECT 1 FROM device WHERE profile_id = ? AND device_id = ?", (profile_id, device_id)
    ):
        raise DeviceNotFound(f"no device '{device_id}' of '{profile_id}'")
    if room_id:
        require_room(database, room_id)


def check_entries(rows: Rows) -> Rows:
    """The entries that were found, of MOST_ENTRIES + 1 at most. Raises LimitReached if they are
    more than MOST_ENTRIES."""
    if len(rows) > MOST_ENTRIES:
        raise LimitReached(f"more than {MOST_ENTRIES:,} rooms; name one")
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
