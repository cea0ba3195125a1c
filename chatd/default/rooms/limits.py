"""Limits of rooms and memberships. Each membership costs an outbox row for each device of its
profile, and each device a row for each membership: what a profile can make is bounded, and so is
what one transaction makes."""

from collections.abc import Collection
from dataclasses import dataclass

from chatd.default.limits import MAX_NEW_ENTRIES
from chatd.errors import LimitReached
from chatd.store.database import placeholders
from chatd.store.transaction import Transaction

DAY_US = 86_400_000_000
_NAMED = 3


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """0: no limit."""

    created_a_day: int = 0
    """Rooms that a profile makes within 24 hours."""
    rooms: int = 0
    """Rooms that a profile is a member of."""
    members: int = 0
    """Members of a room."""


NO_LIMITS = RoomLimits()
"""Operators have none."""


def check_created(transaction: Transaction, creator: str, limits: RoomLimits) -> None:
    """The creator may make another room today. The command holds the profile. Raises
    LimitReached."""
    transaction.must_hold(profile_id=creator)
    now_us, most = transaction.now_us, limits.created_a_day
    # A room from the future was made when the clock was ahead, nobody knows when.
    if most and transaction.database.rows(
        """
        SELECT 1
        FROM room
        WHERE created_by = ? AND created_at_us > ? AND created_at_us <= ?
        LIMIT 1 OFFSET ?
        """,
        (creator, now_us - DAY_US, now_us, most - 1),
    ):
        raise LimitReached(f"'{creator}' has made {most} rooms within 24 hours, the most that a profile may")


def check_joining(
    transaction: Transaction, joining: Collection[str], members: int, limits: RoomLimits
) -> None:
    """The profiles may join a room that has so many members now. The command holds them. Raises
    LimitReached."""
    if not joining:
        return
    if limits.members and members + len(joining) > limits.members:
        raise LimitReached(f"a room has {limits.members} members at most")
    among = placeholders(len(joining))
    if limits.rooms:
        full = transaction.database.rows(
            f"""
            SELECT profile_id
            FROM profile
            WHERE profile_id IN ({among}) AND rooms >= ?
            ORDER BY profile_id
            LIMIT {_NAMED}
            """,
            (*joining, limits.rooms),
        )
        if full:
            names = ", ".join(f"'{profile_id}'" for (profile_id,) in full)
            raise LimitReached(f"in {limits.rooms} rooms already, the most that a profile may be in: {names}")
    ((entries,),) = transaction.database.rows(
        f"SELECT COUNT(*) FROM device WHERE profile_id IN ({among})", tuple(joining)
    )
    if entries > MAX_NEW_ENTRIES:
        raise LimitReached(
            f"these profiles have {entries} devices, and one call may name {MAX_NEW_ENTRIES}: name fewer profiles"
        )
