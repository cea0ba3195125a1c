"""The table of rights, cell by cell over the wire: what it gives is done, and all else is refused.
Rooms are new for each operation, with somebody of every column. Users invite, operators add."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chatd.core.member_role import MemberRole
from chatd.default.rooms.rights import PROPOSED, RIGHTS, RULES, Operation, Right, Who
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.pb.chat.v1.chat_pb2 import GetHistoryResponse
from tests.protocol.conversation import Conversation, event
from tests.protocol.limited import OPERATOR, daemon_with_users, token_of

ROLES: dict[Who, MemberRole] = {Who[role.name]: role for role in MemberRole}
USERS: dict[Who, str] = {who: who.name.lower() for who in Who if who is not Who.OPERATOR}
OWN = chat.MEMBER_ROLE_OWNER
LOW, HIGH = MemberRole.MEMBER, MemberRole.ADMIN
"""Rules that are tried."""
PROTOCOL = Path(__file__).parents[3] / "proto/PROTOCOL.md"
_numbers = itertools.count()


@dataclass
class Room:
    """``victim(who, role)``: a member of that role for each who may try something on it."""

    room_id: str
    seen_seq: int
    proposals: tuple[str, ...] = ("none",) * 4
    """Pending: two to approve, two to reject."""

    @staticmethod
    def victim(who: Who, role: MemberRole) -> str:
        return f"{who.name}.{role.name}".lower()

    @staticmethod
    def guest_of(who: Who) -> str:
        """Invited by them, if they may invite."""
        return f"guest.of.{who.name}".lower()

    @staticmethod
    def banned_by(who: Who) -> str:
        """Banned for them to take it back."""
        return f"banned.by.{who.name}".lower()


Request = Callable[[Room, Who], tuple[str, Message]]


def _send(room: Room, priority: int = 0, *, mention_all: bool = False) -> tuple[str, Message]:
    one = event(room.room_id, "text", id_=f"e{next(_numbers)}")
    one.priority, one.mention_all = priority, mention_all
    return "ChatService/SendEvents", chat.SendEventsRequest(events=[one])


def _named(method: str, request: type[Message]) -> Request:
    def make(room: Room, who: Who) -> tuple[str, Message]:
        profile = f"new.{who.name}".lower()
        return method, request(room_id=room.room_id, profile_ids=[profile])

    return make


def _own(who: Who) -> str:
    return "operator" if who is Who.OPERATOR else USERS[who]


REQUESTS: dict[Operation, list[Request]] = {
    Operation.SEE: [
        lambda room, who: (
            "ChatService/GetDeliveryStatus",
            chat.GetDeliveryStatusRequest(room_id=room.room_id, seq=room.seen_seq),
        ),
        lambda room, who: ("ChatService/GetRoom", chat.GetRoomRequest(room_id=room.room_id)),
        lambda room, who: ("ChatService/ListMembers", chat.ListMembersRequest(room_id=room.room_id)),
    ],
    Operation.READ: [
        lambda room, who: ("ChatService/GetHistory", chat.GetHistoryRequest(room_id=room.room_id))
    ],
    Operation.MARK_READ: [
        lambda room, who: (
            "ChatService/SetReadMarker",
            chat.SetReadMarkerRequest(room_id=room.room_id, seq=1),
        )
    ],
    Operation.SET_NOTIFICATIONS: [
        lambda room, who: (
            "ChatService/SetRoomNotifications",
            chat.SetRoomNotificationsRequest(room_id=room.room_id),
        ),
        lambda room, who: (
            "ChatService/GetRoomNotifications",
            chat.GetRoomNotificationsRequest(room_id=room.room_id),
        ),
    ],
    Operation.SEND: [
        lambda room, who: _send(room),
        lambda room, who: ("ChatService/SetTyping", chat.SetTypingRequest(room_id=room.room_id)),
    ],
    Operation.SEND_URGENT: [lambda room, who: _send(room, priority=1)],
    Operation.MENTION_ALL: [lambda room, who: _send(room, mention_all=True)],
    Operation.JOIN: [lambda room, who: ("ChatService/JoinRoom", chat.JoinRoomRequest(room_id=room.room_id))],
    Operation.ACCEPT: [
        lambda room, who: (
            "ChatService/AcceptInvitation",
            chat.AcceptInvitationRequest(room_id=room.room_id),
        )
    ],
    Operation.LIST_INVITATIONS: [
        lambda room, who: (
            "ChatService/ListRoomInvitations",
            chat.ListRoomInvitationsRequest(room_id=room.room_id),
        )
    ],
    Operation.WITHDRAW: [
        lambda room, who: (
            "ChatService/WithdrawInvitations",
            chat.WithdrawInvitationsRequest(room_id=room.room_id, profile_ids=[room.guest_of(who)]),
        )
    ],
    Operation.LEAVE: [
        lambda room, who: ("ChatService/LeaveRoom", chat.LeaveRoomRequest(room_id=room.room_id))
    ],
    Operation.LOWER_ITSELF: [
        lambda room, who: (
            "ChatService/SetMemberRole",
            chat.SetMemberRoleRequest(
                room_id=room.room_id, profile_ids=[_own(who)], role=chat.MEMBER_ROLE_GUEST
            ),
        )
    ],
    Operation.ADD: [_named("ChatService/AddRoomSubscriptions", chat.AddRoomSubscriptionsRequest)],
    Operation.BAN: [
        _named("ChatService/BanProfiles", chat.BanProfilesRequest),
        lambda room, who: (
            "ChatService/UnbanProfiles",
            chat.UnbanProfilesRequest(room_id=room.room_id, profile_ids=[room.banned_by(who)]),
        ),
    ],
    Operation.LIST_BANS: [
        lambda room, who: ("ChatService/ListBans", chat.ListBansRequest(room_id=room.room_id))
    ],
    Operation.UPDATE: [
        lambda room, who: (
            "ChatService/UpdateRoom",
            chat.UpdateRoomRequest(room_id=room.room_id, name=f"{who.name}'s"),
        )
    ],
    Operation.SET_RULES: [
        lambda room, who: (
            "ChatService/UpdateRoom",
            chat.UpdateRoomRequest(
                room_id=room.room_id, rules=chat.RoomRules(urgent=chat.MEMBER_ROLE_MODERATOR)
            ),
        ),
        lambda room, who: (
            "ChatService/UpdateRoom",
            chat.UpdateRoomRequest(room_id=room.room_id, public=True),
        ),
    ],
    Operation.SEE_PROPOSALS: [
        lambda room, who: ("ChatService/ListProposals", chat.ListProposalsRequest(room_id=room.room_id))
    ],
    Operation.APPROVE: [
        lambda room, who: (
            "ChatService/ApproveProposal",
            chat.ApproveProposalRequest(
                room_id=room.room_id, proposal_id=room.proposals[who is Who.OPERATOR]
            ),
        ),
        lambda room, who: (
            "ChatService/RejectProposal",
            chat.RejectProposalRequest(
                room_id=room.room_id, proposal_id=room.proposals[2 + (who is Who.OPERATOR)]
            ),
        ),
    ],
    Operation.DELETE: [
        lambda room, who: ("ChatService/DeleteRoom", chat.DeleteRoomRequest(room_id=room.room_id))
    ],
}
"""The requests of an operation. The rest is tried on victims."""


def _remove(room: Room, who: Who, role: MemberRole) -> tuple[str, Message]:
    victim = room.victim(who, role)
    return (
        "ChatService/RemoveRoomSubscriptions",
        chat.RemoveRoomSubscriptionsRequest(room_id=room.room_id, profile_ids=[victim]),
    )


def _set_role(room: Room, who: Who, role: MemberRole) -> tuple[str, Message]:
    request = chat.SetMemberRoleRequest(
        room_id=room.room_id, profile_ids=[room.victim(who, role)], role=chat.MEMBER_ROLE_GUEST
    )
    return "ChatService/SetMemberRole", request


def _ban(room: Room, who: Who, role: MemberRole) -> tuple[str, Message]:
    victim = room.victim(who, role)
    return (
        "ChatService/BanProfiles",
        chat.BanProfilesRequest(room_id=room.room_id, profile_ids=[victim]),
    )


ON_VICTIMS = {Operation.REMOVE: _remove, Operation.SET_ROLE: _set_role, Operation.BAN: _ban}


class Rig:
    """Somebody of every column, connected to one daemon."""

    def __init__(self, uri: str) -> None:
        self.callers = {who: Conversation(uri, token_of(name)) for who, name in USERS.items()}
        self.callers[Who.OPERATOR] = Conversation(uri, OPERATOR)

    def close(self) -> None:
        for caller in self.callers.values():
            caller.__exit__()

    def must(self, method: str, request: Message, who: Who = Who.OPERATOR) -> bytes:
        reply = self.callers[who].request(method, request)
        assert not reply.HasField("error"), (method, reply.error)
        return reply.payload

    def code(self, who: Who, method: str, request: Message) -> int:
        """The error's; 0: it was done."""
        return self.callers[who].request(method, request).error.code

    def make(
        self, *, rules: chat.RoomRules | None = None, public: bool = False, victims: bool = False
    ) -> Room:
        """A room with everybody, in which something was said before some left and after."""
        room_id = f"room{next(_numbers)}"
        create = chat.CreateRoomRequest(room_id=room_id, rules=rules, public=public)
        self.must("ChatService/CreateRoom", create, Who.OWNER)
        others = chat.AddRoomSubscriptionsRequest(room_id=room_id, profile_ids=["left", "banned", "member"])
        self.must("ChatService/AddRoomSubscriptions", others)
        for who, role in ROLES.items():
            names = [USERS[who]] if role not in (MemberRole.OWNER, MemberRole.MEMBER) else []
            names += [Room.victim(one, role) for one in Who] if victims else []
            if names:
                add = chat.AddRoomSubscriptionsRequest(room_id=room_id, profile_ids=names)
                add.role = role.value
                self.must("ChatService/AddRoomSubscriptions", add)
        room = Room(room_id, 0)
        sent = self.must(*_send(room), Who.OWNER)
        room.seen_seq = chat.SendEventsResponse.FromString(sent).acks[0].seq
        gone = chat.RemoveRoomSubscriptionsRequest(room_id=room_id, profile_ids=["left"])
        self.must("ChatService/RemoveRoomSubscriptions", gone)
        self.must("ChatService/BanProfiles", chat.BanProfilesRequest(room_id=room_id, profile_ids=["banned"]))
        self.must(*_send(room), Who.OWNER)
        invited = chat.AddRoomSubscriptionsRequest(room_id=room_id, profile_ids=["invited"])
        self.must("ChatService/AddRoomSubscriptions", invited, Who.OWNER)
        return room

    def invite_guests(self, room: Room) -> None:
        """By everybody who may invite, and by the guest as long as it was a member."""
        role = chat.SetMemberRoleRequest(
            room_id=room.room_id, profile_ids=["guest"], role=chat.MEMBER_ROLE_MEMBER
        )
        self.must("ChatService/SetMemberRole", role)
        for who in (Who.OWNER, Who.ADMIN, Who.MODERATOR, Who.MEMBER, Who.GUEST):
            guest = chat.AddRoomSubscriptionsRequest(
                room_id=room.room_id, profile_ids=[room.guest_of(who)], role=chat.MEMBER_ROLE_GUEST
            )
            self.must("ChatService/AddRoomSubscriptions", guest, who)
        role.role = chat.MEMBER_ROLE_GUEST
        self.must("ChatService/SetMemberRole", role)

    def require_approval(self, room: Room) -> None:
        rules = chat.RoomRules(requires_approval=True)
        self.must("ChatService/UpdateRoom", chat.UpdateRoomRequest(room_id=room.room_id, rules=rules))

    def propose(self, room: Room) -> None:
        """Four bans, by the admin."""
        self.require_approval(room)
        bans = [
            chat.BanProfilesRequest(room_id=room.room_id, profile_ids=[f"new{number}"]) for number in range(4)
        ]
        answers = [self.must("ChatService/BanProfiles", ban, Who.ADMIN) for ban in bans]
        room.proposals = tuple(chat.BanProfilesResponse.FromString(one).proposal_id for one in answers)


@pytest.fixture(scope="module")
def rig(shared_db_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    settings = {"DB_URI": shared_db_uri, "MAX_ROOMS_CREATED_PER_DAY": 0, "ADD_CONSENT": "invite"}
    folder = tmp_path_factory.mktemp("rights")
    with daemon_with_users(folder, list(USERS.values()), settings) as daemon:
        made = Rig(daemon.uri)
        yield made
        made.close()


def refusal(who: Who) -> int:
    """A member learns that its role is too low, others not even whether there is a room."""
    return 201 if who in ROLES else 401


def expected(operation: Operation, who: Who, rule: MemberRole, *, public: bool) -> int:
    """The error's code, by the table; 0: none."""
    right = RIGHTS[operation][who]
    allowed = (
        right in (Right.YES, Right.PAST, Right.BELOW, Right.OWN)
        or (right is Right.RULE and ROLES[who] >= rule)
        or (right is Right.PUBLIC and public)
    )
    return 0 if allowed else refusal(who)


@pytest.mark.parametrize("operation", REQUESTS, ids=lambda operation: operation.name)
def test_each_cell(rig: Rig, operation: Operation) -> None:
    """By the rules that there are, in rooms that are public or not; members without the right
    first, so that what the others do is not in their way."""
    rules = [LOW, HIGH] if operation in RULES else [LOW]
    for rule, public in itertools.product(rules, (False, True)):
        value = rule.value if operation in RULES else chat.MEMBER_ROLE_UNSPECIFIED
        needed = chat.RoomRules(add=value, send=value, urgent=value, mention_all=value)
        room = rig.make(rules=needed, public=public)
        if operation is Operation.WITHDRAW:
            rig.invite_guests(room)
        if operation is Operation.APPROVE:
            rig.propose(room)
        for who in sorted(Who, key=lambda who: expected(operation, who, rule, public=public), reverse=True):
            wanted = expected(operation, who, rule, public=public)
            if operation is Operation.LOWER_ITSELF and who is Who.OWNER:
                wanted = 408  # it is the last one
            for make in REQUESTS[operation]:
                method, request = make(room, who)
                assert rig.code(who, method, request) == wanted, (who, rule, public, method)
            if operation is Operation.DELETE and wanted == 0:
                assert rig.code(Who.OWNER, *_send(room)) == 401, "it is no room any more"
                room = rig.make(public=public)


@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
def test_a18_rooms_are_found_by_those_who_may(rig: Rig, public: bool) -> None:
    """Nobody is refused: a room is among those that are found, or not."""
    room = rig.make(public=public)
    tag = [chat.RoomMetadata(key="tag", value=room.room_id)]
    update = chat.UpdateRoomRequest(room_id=room.room_id, name=f"A room of {room.room_id}", metadata=tag)
    rig.must("ChatService/UpdateRoom", update)
    for who in Who:
        found = expected(Operation.FIND, who, LOW, public=public) == 0
        for request in (
            chat.FindRoomsRequest(metadata=tag),
            chat.FindRoomsRequest(query=f"ROOM of {room.room_id}", metadata=tag),
        ):
            page = chat.FindRoomsResponse.FromString(rig.must("ChatService/FindRooms", request, who))
            assert [one.room_id for one in page.rooms] == [room.room_id] * found, who


@pytest.mark.parametrize("operation", ON_VICTIMS, ids=lambda operation: operation.name)
def test_each_cell_on_members_of_each_role(rig: Rig, operation: Operation) -> None:
    room = rig.make(victims=True)
    for who in Who:
        right = RIGHTS[operation][who]
        for role in MemberRole:
            below = right is Right.BELOW and role < ROLES[who]
            wanted = 0 if right is Right.YES or below else refusal(who)
            assert rig.code(who, *ON_VICTIMS[operation](room, who, role)) == wanted, (who, role)


CHANGES: list[tuple[Operation, Request]] = [
    *((operation, make) for operation in Operation for make in REQUESTS.get(operation, ())),
    *(
        (operation, partial(ON_VICTIMS[operation], role=MemberRole.MEMBER))
        for operation in (Operation.SET_ROLE, Operation.REMOVE, Operation.BAN)
    ),
]
"""In an order in which none is in the way of the next."""


def test_changes_are_proposals_of_those_who_may_not_approve_them(rig: Rig) -> None:
    """One that may not make a change may not propose it. Each other change is a proposal of its
    own, until it is approved."""
    room = rig.make(victims=True)
    rig.require_approval(room)
    ban = chat.BanProfilesRequest(room_id=room.room_id, profile_ids=map(room.banned_by, Who))
    rig.must("ChatService/BanProfiles", ban)
    proposed = 0
    for (operation, make), who in itertools.product(CHANGES, reversed(Who)):
        if operation not in PROPOSED:
            continue
        method, request = make(room, who)
        wanted = expected(operation, who, LOW, public=False)
        assert rig.code(who, method, request) == wanted, (operation, who)
        if wanted:
            continue
        response = _response_of(method).FromString(rig.must(method, request, who))
        may_approve = RIGHTS[Operation.APPROVE][who] is Right.YES
        assert bool(response.proposal_id) is not may_approve, (operation, who)
        assert may_approve or response == type(response)(proposal_id=response.proposal_id), "and nothing else"
        proposed += not may_approve
    listed = rig.must("ChatService/ListProposals", chat.ListProposalsRequest(room_id=room.room_id), Who.OWNER)
    proposals = chat.ListProposalsResponse.FromString(listed).proposals
    assert len(proposals) == proposed
    for one in proposals:
        approve = chat.ApproveProposalRequest(room_id=room.room_id, proposal_id=one.proposal_id)
        rig.must("ChatService/ApproveProposal", approve, Who.OWNER)


def _response_of(method: str) -> Any:
    service = chat.DESCRIPTOR.services_by_name["ChatService"]
    return GetMessageClass(service.methods_by_name[method.removeprefix("ChatService/")].output_type)


def test_what_members_do_to_themselves_is_no_proposal(rig: Rig) -> None:
    room = rig.make(public=True)
    rig.require_approval(room)
    for operation in (Operation.LOWER_ITSELF, Operation.JOIN, Operation.ACCEPT, Operation.LEAVE):
        for who in (Who.ADMIN, Who.MODERATOR, Who.MEMBER, Who.INVITED):
            for make in REQUESTS[operation]:
                rig.code(who, *make(room, who))
    for who in (Who.ADMIN, Who.MEMBER, Who.INVITED):
        assert rig.code(who, "ChatService/GetRoom", chat.GetRoomRequest(room_id=room.room_id)) == 401, who
    listed = rig.must("ChatService/ListProposals", chat.ListProposalsRequest(room_id=room.room_id))
    assert listed == b""


def test_nobody_gives_a_role_that_is_not_below_its_own(rig: Rig) -> None:
    room = rig.make(victims=True)
    for who, role in itertools.product(Who, MemberRole):
        right = RIGHTS[Operation.SET_ROLE][who]
        below = right is Right.BELOW and role < ROLES[who]
        request = chat.SetMemberRoleRequest(
            room_id=room.room_id, profile_ids=[room.victim(who, MemberRole.GUEST)], role=role.value
        )
        wanted = 0 if right is Right.YES or below else refusal(who)
        assert rig.code(who, "ChatService/SetMemberRole", request) == wanted, (who, role)
        new = f"as.{who.name}.{role.name}".lower()
        add = chat.AddRoomSubscriptionsRequest(room_id=room.room_id, profile_ids=[new], role=role.value)
        adds = RIGHTS[Operation.ADD][who]
        may = adds is Right.YES or (
            adds is Right.RULE and (role <= MemberRole.MEMBER or right is Right.YES or role < ROLES[who])
        )
        assert rig.code(who, "ChatService/AddRoomSubscriptions", add) == (0 if may else refusal(who)), who


@pytest.mark.parametrize(
    ("operation", "method", "request_type"),
    [
        (Operation.BAN, "ChatService/BanProfiles", chat.BanProfilesRequest),
        (Operation.WITHDRAW, "ChatService/WithdrawInvitations", chat.WithdrawInvitationsRequest),
    ],
    ids=["ban", "withdraw"],
)
def test_the_role_of_an_invitation_counts_as_a_members(
    rig: Rig, operation: Operation, method: str, request_type: type[Message]
) -> None:
    """An owner has invited these."""
    room = rig.make()
    for role, who in itertools.product(MemberRole, (who for who in Who if who is not Who.INVITED)):
        names = [room.victim(who, role)]
        add = chat.AddRoomSubscriptionsRequest(room_id=room.room_id, profile_ids=names, role=role.value)
        rig.must("ChatService/AddRoomSubscriptions", add, Who.OWNER)
        right = RIGHTS[operation][who]
        below = right is Right.BELOW and role < ROLES[who]
        wanted = 0 if right is Right.YES or below else refusal(who)
        request = request_type(room_id=room.room_id, profile_ids=names)
        assert rig.code(who, method, request) == wanted, (who, role)


def test_everybody_withdraws_what_it_has_made_with_a_higher_role(rig: Rig) -> None:
    room, mine = rig.make(), chat.AddRoomSubscriptionsRequest(profile_ids=["heir"], role=OWN)
    mine.room_id = room.room_id
    promoted = chat.SetMemberRoleRequest(room_id=room.room_id, profile_ids=["admin"], role=OWN)
    rig.must("ChatService/SetMemberRole", promoted)
    rig.must("ChatService/AddRoomSubscriptions", mine, Who.ADMIN)
    for role in (chat.MEMBER_ROLE_ADMIN, chat.MEMBER_ROLE_MEMBER):
        promoted.role = role
        rig.must("ChatService/SetMemberRole", promoted)
        request = chat.WithdrawInvitationsRequest(room_id=room.room_id, profile_ids=["heir"])
        rig.must("ChatService/WithdrawInvitations", request, Who.ADMIN)
        rig.must("ChatService/AddRoomSubscriptions", mine, Who.OWNER)
        assert rig.code(Who.ADMIN, "ChatService/WithdrawInvitations", request) == 201
        rig.must("ChatService/WithdrawInvitations", request, Who.OWNER)
        promoted.role = OWN
        rig.must("ChatService/SetMemberRole", promoted)
        rig.must("ChatService/AddRoomSubscriptions", mine, Who.ADMIN)


def test_others_invitations_are_not_withdrawn_and_not_seen(rig: Rig) -> None:
    room = rig.make()
    rig.invite_guests(room)
    for who in Who:
        right = RIGHTS[Operation.LIST_INVITATIONS][who]
        request = chat.WithdrawInvitationsRequest(room_id=room.room_id, profile_ids=["guest.of.owner"])
        seen = chat.ListRoomInvitationsRequest(room_id=room.room_id)
        if right is Right.OWN:
            assert rig.code(who, "ChatService/WithdrawInvitations", request) == 201, who
            page = rig.must("ChatService/ListRoomInvitations", seen, who)
            found = chat.ListRoomInvitationsResponse.FromString(page).invitations
            assert [one.profile_id for one in found] == [room.guest_of(who)]
        elif right is Right.YES:
            page = rig.must("ChatService/ListRoomInvitations", seen, who)
            assert len(chat.ListRoomInvitationsResponse.FromString(page).invitations) == 6


def test_everybody_may_decline_what_there_is_or_not(rig: Rig) -> None:
    room = rig.make()
    for who, room_id in itertools.product(Who, (room.room_id, "no.such.room")):
        request = chat.DeclineInvitationRequest(room_id=room_id)
        answer = chat.DeclineInvitationResponse.FromString(
            rig.must("ChatService/DeclineInvitation", request, who)
        )
        assert answer.declined == (who is Who.INVITED and room_id == room.room_id), who


def test_blocked_profiles_are_refused_by_the_blocker_and_nobody_else(rig: Rig) -> None:
    """A12, A13: the blocker is STRANGER, the blocked one LEFT; the same answers to both tell
    nothing."""
    room = rig.make()
    open_ = chat.CreateRoomRequest(kind=chat.ROOM_KIND_DIRECT, profile_ids=["stranger"])
    made = rig.must("ChatService/CreateRoom", open_, Who.LEFT)
    direct = Room(chat.CreateRoomResponse.FromString(made).room.room_id, 0)
    both: list[tuple[str, Message]] = [
        _send(direct),
        _send(direct, priority=1),
        ("ChatService/SetTyping", chat.SetTypingRequest(room_id=direct.room_id)),
    ]
    by_blocked: list[tuple[str, Message]] = [
        ("ChatService/CreateRoom", open_),
        ("ChatService/CreateRoom", chat.CreateRoomRequest(room_id="of.left", profile_ids=["stranger"])),
        (
            "ChatService/AddRoomSubscriptions",
            chat.AddRoomSubscriptionsRequest(room_id="group", profile_ids=["stranger"]),
        ),
    ]
    rig.must("ChatService/CreateRoom", chat.CreateRoomRequest(room_id="group"), Who.LEFT)
    block = chat.BlockProfilesRequest(profile_ids=["left"])
    rig.must("ChatService/BlockProfiles", block, Who.STRANGER)
    for request in both:
        assert rig.code(Who.LEFT, *request) == rig.code(Who.STRANGER, *request) == 201
    for request in by_blocked:
        assert rig.code(Who.LEFT, *request) == 201
    for who in (Who.LEFT, Who.STRANGER):
        rig.must("ChatService/GetHistory", chat.GetHistoryRequest(room_id=direct.room_id), who)
    add = chat.AddRoomSubscriptionsRequest(room_id=room.room_id, profile_ids=["left", "stranger"])
    rig.must("ChatService/AddRoomSubscriptions", add)
    for who in (Who.LEFT, Who.STRANGER):
        rig.must(*_send(room), who)
    rig.must("ChatService/UnblockProfiles", chat.UnblockProfilesRequest(profile_ids=["left"]), Who.STRANGER)
    for request in both + by_blocked:
        assert rig.code(Who.LEFT, *request) == 0, request


def test_the_past_ends_where_the_membership_did(rig: Rig) -> None:
    room = rig.make()
    heads = {}
    for who in (Who.LEFT, Who.BANNED, Who.MEMBER, Who.OPERATOR):
        page = rig.must("ChatService/GetHistory", chat.GetHistoryRequest(room_id=room.room_id), who)
        heads[who] = GetHistoryResponse.FromString(page).events[-1].event.seq
    assert heads[Who.LEFT] == room.seen_seq + 1, "its leaving is the last that it is told of"
    assert heads[Who.BANNED] == room.seen_seq + 2
    assert heads[Who.MEMBER] == heads[Who.OPERATOR] == room.seen_seq + 4


def test_every_operation_is_tried() -> None:
    assert REQUESTS.keys() | ON_VICTIMS.keys() | {Operation.FIND} == set(Operation)
    assert all(set(cells) == set(Who) for cells in RIGHTS.values())


def test_the_protocol_page_has_the_table() -> None:
    """And with it the calls that were tried, and each that names a room."""
    page = PROTOCOL.read_text().partition("### 3.13")[2].partition("*rule*")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if "|" in line]
    assert rows[0][2:] == [who.name.lower() for who in Who]
    assert {may: cells for may, _, *cells in rows[2:]} == {
        operation.value: [right.name.lower().replace("no", "–") for right in cells.values()]
        for operation, cells in RIGHTS.items()
    }
    listed = {may: set(calls.split(", ")) for may, calls, *_ in rows[2:]}
    room = Room("r", 1)
    for operation, requests in REQUESTS.items():
        tried = {make(room, Who.OWNER)[0].removeprefix("ChatService/") for make in requests}
        assert tried <= listed[operation.value]
    service = chat.DESCRIPTOR.services_by_name["ChatService"]
    of_a_room = {one.name for one in service.methods if "room_id" in one.input_type.fields_by_name}
    assert of_a_room - set().union(*listed.values()) == {
        "CreateRoom",
        "DeclineInvitation",
        "WithdrawProposal",
    }
