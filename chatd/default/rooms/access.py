"""May this profile do this here? The one place that answers, for readers and for the writer."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chatd.core.member_role import MemberRole
from chatd.core.model import Members
from chatd.default.rooms.rights import OPERATOR_RANK, PROPOSED, RIGHTS, RULES, WHO, Operation, Right, Who
from chatd.errors import NotAMember, PermissionDenied, RoomNotFound
from chatd.store.database import Database
from chatd.store.locked_room import LockedRoom
from chatd.store.statements import placeholders
from chatd.store.transaction import Transaction

Place = tuple[str, str]
"""Profile and room."""


class Standing(NamedTuple):
    """A profile's standing in a room that it is or was a member of."""

    last_seq: int
    """The newest event that is for it."""
    joined_seq: int | None
    """None: it has left."""


def not_a_member(profile_id: str, room_id: str) -> NotAMember:
    """The one answer to a profile that is not in a room, whether there is such a room or not."""
    return NotAMember(f"'{profile_id}' is not a member of room '{room_id}', or there is no such room")


def find_standings(database: Database, places: Sequence[Place]) -> dict[Place, Standing]:
    """The standings of profiles that are or were in rooms: (profile, room), each once. Their last
    membership counts, however many they had."""
    values, parameters = database.values("tt", places)
    rows = database.rows(
        f"""
        WITH v(profile_id, room_id) AS ({values})
        SELECT v.profile_id, v.room_id, room.head_seq, subscription.joined_seq, subscription.left_seq
        FROM v
        JOIN room ON room.room_id = v.room_id
        JOIN subscription ON subscription.room_id = v.room_id AND subscription.profile_id = v.profile_id
            AND subscription.joined_seq = (
                SELECT MAX(last.joined_seq)
                FROM subscription last
                WHERE last.room_id = v.room_id AND last.profile_id = v.profile_id)
        """,
        parameters,
    )
    return {
        (profile_id, room_id): Standing(head_seq, joined_seq)
        if left_seq is None
        else Standing(left_seq, None)
        for profile_id, room_id, head_seq, joined_seq, left_seq in rows
    }


def require_room(database: Database, room_id: str) -> None:
    """There is such a room, for an operator who asks. Raises RoomNotFound."""
    if not database.rows("SELECT 1 FROM room WHERE room_id = ?", (room_id,)):
        raise RoomNotFound(f"no room '{room_id}'")


def require_member(database: Database, room_id: str, profile_id: str) -> None:
    """The profile is a member now. Raises NotAMember."""
    rows = database.rows(
        """
        SELECT 1
        FROM subscription
        WHERE room_id = ? AND profile_id = ? AND left_seq IS NULL
        """,
        (room_id, profile_id),
    )
    if not rows:
        raise not_a_member(profile_id, room_id)


def require_past_member(database: Database, room_id: str, profile_id: str) -> None:
    """The profile is or was a member. Raises NotAMember."""
    if not database.rows(
        "SELECT 1 FROM subscription WHERE room_id = ? AND profile_id = ? LIMIT 1", (room_id, profile_id)
    ):
        raise not_a_member(profile_id, room_id)


def require_recipient(database: Database, room_id: str, profile_id: str, seq: int) -> None:
    """The profile is a member now, and the event was for it. Raises NotAMember."""
    require_member(database, room_id, profile_id)
    before = database.rows(
        """
        SELECT left_seq
        FROM subscription
        WHERE room_id = ? AND profile_id = ? AND joined_seq <= ?
        ORDER BY joined_seq DESC
        LIMIT 1
        """,
        (room_id, profile_id, seq),
    )
    if not before or (before[0][0] is not None and before[0][0] < seq):
        raise NotAMember(f"event {seq} of room '{room_id}' is not for '{profile_id}'")


class Acting(NamedTuple):
    """A locked room, its members, the rank of the profile that does something there, and what it
    does."""

    room: LockedRoom
    members: Members
    rank: int
    right: Right
    operation: Operation

    def require_over(self, ranks: Iterable[int]) -> None:
        """The profile may do it to profiles of these ranks. Raises PermissionDenied."""
        if self.right is Right.BELOW and any(rank >= self.rank for rank in ranks):
            refusal = may_not(self.operation, self.room.room_id, self.rank)
            raise PermissionDenied(f"{refusal} who have the same role or a higher one")

    @property
    def needs_approval(self) -> bool:
        """True if it is a proposal in a room that requires approval."""
        return (
            self.operation in PROPOSED
            and self.rank != OPERATOR_RANK
            and RIGHTS[Operation.APPROVE][WHO[self.rank]] is Right.NO
        )


def authorise(
    transaction: Transaction, operation: Operation, room_id: str, by: str, *, operator: bool = False
) -> Acting:
    """The profile may do this in the locked room, by the table of ``rights.py``. Raises NotAMember
    and PermissionDenied, for an operator RoomNotFound."""
    log = transaction.log
    if operator and RIGHTS[operation][Who.OPERATOR] is Right.YES:
        room = log.room(room_id)
        if room.deleted_seq:
            raise RoomNotFound(f"room '{room_id}' was deleted")
        return Acting(room, log.members(room), OPERATOR_RANK, Right.YES, operation)
    room, members = _member_room(transaction, room_id, by)
    rank = members.role(by)
    right = RIGHTS[operation][WHO[rank]]
    if right is Right.NO or (right is Right.RULE and rank < getattr(room, RULES[operation])):
        raise may_not(operation, room_id, rank)
    return Acting(room, members, rank, right, operation)


def find_approvers(members: Members) -> tuple[str, ...]:
    """The members that may approve changes."""
    approving = RIGHTS[Operation.APPROVE]
    return tuple(sorted(one for one, role in members.roles.items() if approving[WHO[role]] is Right.YES))


_MAY = {
    operation: {int(role): RIGHTS[operation][who] is Right.RULE for role, who in WHO.items()}
    for operation in (Operation.SEND, Operation.SEND_URGENT, Operation.MENTION_ALL)
}


def authorise_send(
    transaction: Transaction, room_id: str, sender_id: str, *, urgent: bool, mention_all: bool
) -> None:
    """The profile may send such an event into the locked room: the same for each one, quickly.
    Raises NotAMember, PermissionDenied."""
    room, members = _member_room(transaction, room_id, sender_id)
    rank = members.role(sender_id)
    if rank < room.send_role or room.blocked or not _MAY[Operation.SEND][rank]:
        raise may_not(Operation.SEND, room_id, rank)
    if urgent and (rank < room.urgent_role or not _MAY[Operation.SEND_URGENT][rank]):
        raise may_not(Operation.SEND_URGENT, room_id, rank)
    if mention_all and (rank < room.mention_all_role or not _MAY[Operation.MENTION_ALL][rank]):
        raise may_not(Operation.MENTION_ALL, room_id, rank)


def may_not(operation: Operation, room_id: str, rank: int) -> PermissionDenied:
    """The answer to a member whose role is too low."""
    role = MemberRole(rank).name.lower()
    article = "an" if role[0] in "ao" else "a"
    return PermissionDenied(f"{article} {role} of room '{room_id}' may not {operation.value}")


def _member_room(transaction: Transaction, room_id: str, profile_id: str) -> tuple[LockedRoom, Members]:
    """A locked room and its members, for a profile that must be one of them. Raises NotAMember."""
    room = transaction.log.find(room_id)
    known = None if room is None else transaction.log.known_members(room)
    if known is None or profile_id not in known.profiles:
        # A refusal takes this one look-up in every case: its time says no more than its text does.
        require_member(transaction.database, room_id, profile_id)
    if room is None or room.deleted_seq:  # None: it was made only after the locks were taken
        raise not_a_member(profile_id, room_id)
    return room, transaction.log.members(room)


def authorise_joining(transaction: Transaction, room_id: str, profile_id: str) -> Acting:
    """The profile may join the locked room, or is a member. Raises NotAMember."""
    log = transaction.log
    room = log.find(room_id)
    if room is None or room.deleted_seq or not room.public:
        return authorise(transaction, Operation.JOIN, room_id, profile_id)
    members = log.members(room)
    if profile_id in members.profiles:
        return authorise(transaction, Operation.JOIN, room_id, profile_id)
    standing = Who.BANNED if find_banned(transaction.database, room_id, (profile_id,)) else Who.STRANGER
    right = RIGHTS[Operation.JOIN][standing]
    if right is not Right.PUBLIC:
        raise not_a_member(profile_id, room_id)
    return Acting(room, members, 0, right, Operation.JOIN)


def authorise_accepting(transaction: Transaction, room_id: str, profile_id: str) -> tuple[Acting, MemberRole]:
    """The profile may accept its invitation to the locked room, and with which role; or it is a
    member. Raises NotAMember."""
    rows = transaction.database.rows(
        "SELECT role FROM invitation WHERE room_id = ? AND profile_id = ?", (room_id, profile_id)
    )
    room = transaction.log.find(room_id)
    if not rows or room is None:  # members aside it is refused, after the same look-ups in every case
        return authorise(transaction, Operation.ACCEPT, room_id, profile_id), MemberRole.MEMBER
    right = RIGHTS[Operation.ACCEPT][Who.INVITED]
    acting = Acting(room, transaction.log.members(room), 0, right, Operation.ACCEPT)
    return acting, MemberRole(rows[0][0])


def find_banned(database: Database, room_id: str, profiles: Sequence[str]) -> list[str]:
    """Those of the profiles that are banned from a room."""
    rows = database.rows(
        f"""
        SELECT profile_id
        FROM ban
        WHERE room_id = ? AND profile_id IN ({placeholders(len(profiles))})
        ORDER BY profile_id
        """,
        (room_id, *profiles),
    )
    return [profile_id for (profile_id,) in rows]


def refuse_blocked(database: Database, by: str, profiles: Sequence[str]) -> None:
    """None of the profiles has blocked the one that would add it to a room. Raises
    PermissionDenied."""
    rows = database.rows(
        f"""
        SELECT profile_id
        FROM block
        WHERE blocked_id = ? AND profile_id IN ({placeholders(len(profiles))})
        ORDER BY profile_id
        LIMIT 3
        """,
        (by, *profiles),
    )
    if rows:
        names = ", ".join(f"'{profile_id}'" for (profile_id,) in rows)
        raise PermissionDenied(f"'{by}' may not add {names}")


def authorise_direct(database: Database, one: str, other: str) -> None:
    """The two may have a direct room: neither has blocked the other. The answer does not say who
    has. Raises PermissionDenied."""
    if database.rows(
        """
        SELECT 1
        FROM block
        WHERE (profile_id = ? AND blocked_id = ?) OR (profile_id = ? AND blocked_id = ?)
        """,
        (one, other, other, one),
    ):
        raise PermissionDenied(f"'{one}' may not have a direct room with '{other}'")


def require_right(database: Database, operation: Operation, room_id: str, profile_id: str) -> Right:
    """The profile is a member now and may do this, for readers; the cell of the table. Raises
    NotAMember, PermissionDenied."""
    rows = database.rows(
        """
        SELECT COALESCE(room_role.role, ?), room.send_role, room.urgent_role, room.mention_all_role,
            room.add_role, room.blocked, room.deleted_seq
        FROM subscription
        JOIN room ON room.room_id = subscription.room_id
        LEFT JOIN room_role ON room_role.room_id = subscription.room_id
            AND room_role.profile_id = subscription.profile_id
        WHERE subscription.room_id = ? AND subscription.profile_id = ? AND subscription.left_seq IS NULL
        """,
        (MemberRole.MEMBER.value, room_id, profile_id),
    )
    if not rows or rows[0][-1]:
        raise not_a_member(profile_id, room_id)
    rank, *rules, blocked, _ = rows[0]
    needed = dict(zip(("send_role", "urgent_role", "mention_all_role", "add_role"), rules, strict=True))
    right = RIGHTS[operation][WHO[rank]]
    if (
        right is Right.NO
        or (right is Right.RULE and rank < needed[RULES[operation]])
        or (operation is Operation.SEND and blocked)
    ):
        raise may_not(operation, room_id, rank)
    return right
