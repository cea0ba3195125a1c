"""The rights of profiles in rooms: one table. All that it does not give is denied.

``access.py`` alone asks it; FIND is a condition of ``search/room_search.py``. A deleted room is
none: only its history is left to read.
"""

from enum import Enum, auto

from chatd.core.member_role import MemberRole


class Right(Enum):
    """A cell of the table."""

    NO = auto()
    YES = auto()
    RULE = auto()
    """If the room's own rule (``RULES``) lets this role."""
    BELOW = auto()
    """To profiles with lower roles, or invited to them, giving none but lower ones."""
    PAST = auto()
    """For the time of its memberships."""
    PUBLIC = auto()
    """If the room is public."""
    OWN = auto()
    """For what it did itself."""


class Operation(Enum):
    """An act in a room. The value ends the sentence "may not …"."""

    SEE = "see the room"
    """The room, its members, how far an event has come."""
    FIND = "find the room"
    """By its name and metadata, with all that GetRoom shows of the room itself."""
    READ = "read the history"
    MARK_READ = "say what it has read"
    SET_NOTIFICATIONS = "be notified"
    SEND = "send events"
    """And say that it is typing. In a direct room as long as neither has blocked the other."""
    SEND_URGENT = "send urgent events"
    """Other than by mentioning members."""
    MENTION_ALL = "mention all members"
    JOIN = "join"
    ACCEPT = "accept an invitation"
    """Members have done so. To decline one is nobody denied: it shows nothing, and does nothing
    without one."""
    LEAVE = "leave"
    LOWER_ITSELF = "take a lower role"
    ADD = "add members"
    """Or invite them: which of the two is the service's setting. But none that has blocked the
    profile; operators add all."""
    LIST_INVITATIONS = "see who is invited"
    WITHDRAW = "withdraw invitations"
    """Its own ones in each case, whatever their roles. A guest may have been a member."""
    REMOVE = "remove members"
    SET_ROLE = "give roles"
    BAN = "ban profiles"
    """And take bans back."""
    LIST_BANS = "see who is banned"
    UPDATE = "change the room"
    SET_RULES = "change the room's rules"
    """And make it public."""
    DELETE = "delete the room"
    SEE_PROPOSALS = "see proposals"
    APPROVE = "approve changes"
    """And reject them. To withdraw a proposal of its own is nobody denied, as to decline."""


class Who(Enum):
    """A column of the table. An operator that is a member has the rights of both."""

    OWNER = auto()
    ADMIN = auto()
    MODERATOR = auto()
    MEMBER = auto()
    GUEST = auto()
    LEFT = auto()
    BANNED = auto()
    """Was a member once, or never was: READ and MARK_READ tell them apart."""
    STRANGER = auto()
    INVITED = auto()
    """One that was a member once is told by READ and MARK_READ, as BANNED."""
    OPERATOR = auto()
    """With the scope ``operate``, for SEE, FIND, READ and the lists ``read``. In a profile's own
    name it does what the profile may do."""


NO, YES, RULE, BELOW, PAST, PUBLIC, OWN = Right
# fmt: off
_TABLE = {
    #                             owner admin  moder. memb. guest left    banned strang. invited op.
    Operation.SEE:               (YES,  YES,   YES,   YES,  YES,  NO,     NO,    NO,     NO,     YES),
    Operation.FIND:              (YES,  YES,   YES,   YES,  YES,  PUBLIC, NO,    PUBLIC, PUBLIC, YES),
    Operation.READ:              (YES,  YES,   YES,   YES,  YES,  PAST,   PAST,  NO,     NO,     YES),
    Operation.MARK_READ:         (YES,  YES,   YES,   YES,  YES,  PAST,   PAST,  NO,     NO,     NO),
    Operation.SET_NOTIFICATIONS: (YES,  YES,   YES,   YES,  YES,  NO,     NO,    NO,     NO,     NO),
    Operation.SEND:              (RULE, RULE,  RULE,  RULE, NO,   NO,     NO,    NO,     NO,     NO),
    Operation.SEND_URGENT:       (RULE, RULE,  RULE,  RULE, NO,   NO,     NO,    NO,     NO,     NO),
    Operation.MENTION_ALL:       (RULE, RULE,  RULE,  RULE, NO,   NO,     NO,    NO,     NO,     NO),
    Operation.JOIN:              (YES,  YES,   YES,   YES,  YES,  PUBLIC, NO,    PUBLIC, PUBLIC, PUBLIC),
    Operation.ACCEPT:            (YES,  YES,   YES,   YES,  YES,  NO,     NO,    NO,     YES,    NO),
    Operation.LEAVE:             (YES,  YES,   YES,   YES,  YES,  NO,     NO,    NO,     NO,     NO),
    Operation.LOWER_ITSELF:      (YES,  YES,   YES,   YES,  YES,  NO,     NO,    NO,     NO,     NO),
    Operation.ADD:               (RULE, RULE,  RULE,  RULE, NO,   NO,     NO,    NO,     NO,     YES),
    Operation.LIST_INVITATIONS:  (YES,  YES,   OWN,   OWN,  OWN,  NO,     NO,    NO,     NO,     YES),
    Operation.WITHDRAW:          (YES,  BELOW, OWN,   OWN,  OWN,  NO,     NO,    NO,     NO,     YES),
    Operation.REMOVE:            (YES,  BELOW, BELOW, NO,   NO,   NO,     NO,    NO,     NO,     YES),
    Operation.SET_ROLE:          (YES,  BELOW, BELOW, NO,   NO,   NO,     NO,    NO,     NO,     YES),
    Operation.BAN:               (YES,  BELOW, BELOW, NO,   NO,   NO,     NO,    NO,     NO,     YES),
    Operation.LIST_BANS:         (YES,  YES,   YES,   NO,   NO,   NO,     NO,    NO,     NO,     YES),
    Operation.UPDATE:            (YES,  YES,   NO,    NO,   NO,   NO,     NO,    NO,     NO,     YES),
    Operation.SET_RULES:         (YES,  NO,    NO,    NO,   NO,   NO,     NO,    NO,     NO,     YES),
    Operation.DELETE:            (YES,  NO,    NO,    NO,   NO,   NO,     NO,    NO,     NO,     YES),
    Operation.SEE_PROPOSALS:     (YES,  OWN,   OWN,   OWN,  OWN,  NO,     NO,    NO,     NO,     YES),
    Operation.APPROVE:           (YES,  NO,    NO,    NO,   NO,   NO,     NO,    NO,     NO,     YES),
}
# fmt: on

RIGHTS = {operation: dict(zip(Who, cells, strict=True)) for operation, cells in _TABLE.items()}

RULES = {
    Operation.SEND: "send_role",
    Operation.SEND_URGENT: "urgent_role",
    Operation.MENTION_ALL: "mention_all_role",
    Operation.ADD: "add_role",
}
"""The rule of each RULE: a column of ``room``, the lowest role that may."""

PROPOSED = frozenset((Operation.ADD, Operation.REMOVE, Operation.SET_ROLE, Operation.BAN, Operation.UPDATE))
"""In a room that requires approval, these are proposals of members that may do them but not
APPROVE. SET_RULES and DELETE are only for those who may."""

WHO: dict[int, Who] = {role: Who[role.name] for role in MemberRole}
OPERATOR_RANK = MemberRole.OWNER + 1
"""Operators stand above all roles."""
