"""LockedRoom: what the writer knows of a room without asking."""

from dataclasses import dataclass

from chatd.core.member_role import MemberRole, RoomKind


@dataclass(slots=True)
class LockedRoom:
    """A room's row, locked until the transaction ends."""

    room_id: str
    head_seq: int
    version: int
    urgent_seq: int = 0
    """Its newest urgent event."""
    normal_seq: int = 0
    """Its newest event that is not bulk."""
    said: int = 0
    """Its notable events (``core.notable``), those that are no longer kept too."""
    active: int = 0
    """1: it is in the table of active rooms, where fan-out looks for what a dead node has left."""
    kind: int = RoomKind.GROUP
    public: int = 0
    add_role: int = MemberRole.MEMBER
    send_role: int = MemberRole.MEMBER
    urgent_role: int = MemberRole.MEMBER
    mention_all_role: int = MemberRole.MODERATOR
    deleted_seq: int = 0
    """Its last event; 0: it is not deleted."""
    blocked: int = 0
    """1: it is direct, and one of its two members has blocked the other."""
    changed: bool = False
