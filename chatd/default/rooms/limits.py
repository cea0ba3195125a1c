"""Limits of rooms and memberships. Each membership costs an outbox row for each device of its
profile, and each device a row for each membership: what a profile can make is bounded, and so is
what one transaction makes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chatd.default.limits import MAX_NEW_ENTRIES
from chatd.errors import LimitReached
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction

DAY_US = 86_400_000_000
MAX_PROPOSAL_BYTES = 163_840
"""As many as a request has that names 1,000 profiles."""
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
    metadata: int = 0
    """Bytes of a room's description and metadata together."""
    invitations: int = 0
    """Invitations of a room, and of a profile, that are not answered yet."""
    blocked: int = 0
    """Profiles that a profile has blocked."""
    proposals: int = 0
    """Proposals of a room that are pending, a tenth of them by one profile; and decided ones."""

    def check_metadata(self, size: int) -> None:
        """Raises LimitReached."""
        if self.metadata and size > self.metadata:
            raise LimitReached(
                f"description and metadata have {size} bytes; a room has {self.metadata} at most"
            )


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
            raise LimitReached(
                f"in {limits.rooms} rooms already, the most that a profile may be in: {_names(full)}"
            )
    ((entries,),) = transaction.database.rows(
        f"SELECT COUNT(*) FROM device WHERE profile_id IN ({among})", tuple(joining)
    )
    if entries > MAX_NEW_ENTRIES:
        raise LimitReached(
            f"these profiles have {entries} devices, and one call may name {MAX_NEW_ENTRIES}: name fewer profiles"
        )


def check_inviting(
    transaction: Transaction, room_id: str, inviting: Sequence[str], members: int, limits: RoomLimits
) -> None:
    """The profiles may be invited to a room that has so many members now. The command holds them.
    Raises LimitReached."""
    if not inviting:
        return
    database, most = transaction.database, limits.invitations
    if limits.members and members + len(inviting) > limits.members:
        raise LimitReached(f"a room has {limits.members} members at most")
    if not most:
        return
    for profile_id in inviting:
        transaction.must_hold(profile_id=profile_id)
    ((pending,),) = database.rows("SELECT COUNT(*) FROM invitation WHERE room_id = ?", (room_id,))
    if pending + len(inviting) > most:
        raise LimitReached(f"a room has {most} invitations at most that are not answered yet")
    full = database.rows(
        f"""
        SELECT profile_id
        FROM invitation
        WHERE profile_id IN ({placeholders(len(inviting))}) AND NOT EXISTS (
            SELECT 1
            FROM block
            WHERE block.profile_id = invitation.profile_id AND block.blocked_id = invitation.invited_by)
        GROUP BY profile_id
        HAVING COUNT(*) >= ?
        ORDER BY profile_id
        LIMIT {_NAMED}
        """,
        (*inviting, most),
    )
    if full:
        raise LimitReached(f"invited to {most} rooms already, the most that a profile may be: {_names(full)}")


def check_blocking(transaction: Transaction, profile_id: str, new: int, limits: RoomLimits) -> None:
    """The profile may block so many others more. The command holds it. Raises LimitReached."""
    transaction.must_hold(profile_id=profile_id)
    most = limits.blocked
    ((blocked,),) = transaction.database.rows(
        "SELECT COUNT(*) FROM block WHERE profile_id = ?", (profile_id,)
    )
    if most and blocked + new > most:
        raise LimitReached(f"a profile blocks {most} others at most")


def check_proposing(transaction: Transaction, room_id: str, by: str, size: int, limits: RoomLimits) -> None:
    """The profile may propose a request of ``size`` bytes in the locked room. Raises
    LimitReached."""
    database, most = transaction.database, limits.proposals
    if size > MAX_PROPOSAL_BYTES:
        raise LimitReached(f"a proposal of {size} bytes; one has {MAX_PROPOSAL_BYTES} at most")
    if not most:
        return
    share = max(1, most // 10)
    if database.rows(PENDING_OF_PROFILE, (room_id, by, share - 1)):
        raise LimitReached(
            f"a profile has {share} proposals at most that are pending in a room, a tenth of the {most} of all"
        )
    if database.rows(
        "SELECT 1 FROM room_proposal WHERE room_id = ? AND decided_at_us = 0 LIMIT 1 OFFSET ?",
        (room_id, most - 1),
    ):
        raise LimitReached(f"a room has {most} proposals at most that are pending")


PENDING_OF_PROFILE = """
    SELECT 1
    FROM room_proposal
    WHERE room_id = ? AND proposed_by = ? AND decided_at_us = 0
    LIMIT 1 OFFSET ?
"""


def _names(rows: Sequence[Sequence[str]]) -> str:
    return ", ".join(f"'{profile_id}'" for (profile_id,) in rows)
