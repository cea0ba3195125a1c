"""A room against a model: joins, leaves, roles, bans, invitations, proposals, rules and sends at
once, on one node or two. Everything that had an effect is explained in the order of its seqs,
everything else by a state between them; and the log alone tells who was a member with which
role."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatd.core.member_role import MemberRole
from chatd.default.messages.history import GetHistory
from chatd.default.rooms.bans import BanProfiles, ListBans, UnbanProfiles
from chatd.default.rooms.changes import UpdateRoom
from chatd.default.rooms.invitation_lists import ListRoomInvitations
from chatd.default.rooms.invitations import AcceptInvitation, DeclineInvitation, WithdrawInvitations
from chatd.default.rooms.membership import AddSubscriptions, JoinRoom, RemoveSubscriptions
from chatd.default.rooms.model import RoomRules
from chatd.default.rooms.proposal_lists import ListProposals
from chatd.default.rooms.proposals import ApproveProposal, MakeOrPropose, ProposalState, Proposed
from chatd.default.rooms.role_changes import SetMemberRole
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import ChatdError
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.store.command import Command
from tests.store.driver import Store, event, send

GUEST, MEMBER, MODERATOR, ADMIN, OWNER = (int(role) for role in MemberRole)
REFUSED, NOTHING, PROPOSED, DONE = "refused", "nothing", "proposed", "done"
CHANGES = ("add", "invite", "remove", "role", "ban", "unban")
"""Acts that need approval."""
_numbers = count()


@dataclass
class Room:
    """``members``: profile → role and the seq with which it joined. ``invited``: profile → who has
    invited it, and the role that it is to have. ``approval``: changes of others than owners are
    proposals; ``pending`` has those that wait, ``executed`` those that were approved."""

    members: dict[str, tuple[int, int]] = field(default_factory=dict)
    banned: set[str] = field(default_factory=set)
    invited: dict[str, tuple[str, int]] = field(default_factory=dict)
    send: int = MEMBER
    approval: bool = False
    pending: dict[str, "Step"] = field(default_factory=dict)
    executed: set[str] = field(default_factory=set)

    def rank(self, profile: str) -> int:
        return self.members.get(profile, (0, 0))[0]

    def remove(self, profile: str) -> None:
        was = self.rank(profile)
        del self.members[profile]
        if was == OWNER and self.members and all(role < OWNER for role, _ in self.members.values()):
            heir = min(self.members, key=lambda one: (-self.rank(one), self.members[one][1], one))
            self.members[heir] = (OWNER, self.members[heir][1])

    def may_rule_over(self, by: str, rank: int) -> bool:
        own = self.rank(by)
        return own == OWNER or (own >= MODERATOR and rank < own)


@dataclass(frozen=True)
class Step:
    """An act of a profile, on another one, with a role, or of a proposal."""

    act: str
    by: str
    on: str
    role: int
    of: "tuple[str, Step] | None" = None

    def bound_to(self, room: Room) -> "Step":
        """An approval is of a proposal that is pending, often by an owner; without one, it is
        something said."""
        if self.act != "approve":
            return self
        if not room.pending:
            return replace(self, act="send")
        owners = [one for one in sorted(room.members) if room.rank(one) == OWNER and self.role > MEMBER]
        return replace(self, by=(owners or [self.by])[0], of=min(room.pending.items()))

    def command(self, room_id: str) -> Command[Any]:
        """As its call makes it."""
        direct = self.direct(room_id)
        if self.act in CHANGES:
            return MakeOrPropose(room_id, direct, self.act, f"{self.on} {self.role}".encode())
        command: Command[Any] = direct
        return command

    def direct(self, room_id: str) -> Any:
        role, on = MemberRole(self.role), (self.on,)
        match self.act:
            case "join":
                return JoinRoom(room_id, self.by)
            case "leave":
                return RemoveSubscriptions(room_id, (self.by,), self.by, False)
            case "add":
                return AddSubscriptions(room_id, on, self.by, False)
            case "invite":
                return AddSubscriptions(room_id, on, self.by, False, role=role, invites=True)
            case "accept":
                return AcceptInvitation(room_id, self.by)
            case "decline":
                return DeclineInvitation(room_id, self.by)
            case "withdraw":
                return WithdrawInvitations(room_id, on, self.by, False)
            case "remove":
                return RemoveSubscriptions(room_id, on, self.by, False)
            case "role":
                return SetMemberRole(room_id, on, role, self.by, False)
            case "ban":
                return BanProfiles(room_id, on, self.by, False)
            case "unban":
                return UnbanProfiles(room_id, on, self.by, False)
            case "rule":
                return UpdateRoom(room_id, self.by, False, rules=RoomRules(send=max(self.role, MEMBER)))
            case "approval":
                rules = RoomRules(requires_approval=self.role > MEMBER)
                return UpdateRoom(room_id, self.by, False, rules=rules)
            case "approve":
                assert self.of is not None
                return ApproveProposal(room_id, self.of[0], self.of[1].direct(room_id), self.by, False)
        return send(self.by, event(room_id, f"e{next(_numbers)}"))

    def _may(self, act: str, room: Room) -> bool:
        """By its rights alone."""
        own, other = room.rank(self.by), room.rank(self.on)
        match act:
            case "add":
                return own >= MEMBER
            case "invite":
                return own >= MEMBER and (self.role <= MEMBER or room.may_rule_over(self.by, self.role))
            case "remove":
                return own >= MODERATOR and (not other or room.may_rule_over(self.by, other))
            case "role":
                return room.may_rule_over(self.by, max(other, self.role))
            case "ban":
                rank = other or room.invited.get(self.on, ("", 0))[1]
                return own >= MODERATOR and (not rank or room.may_rule_over(self.by, rank))
            case "unban":
                return own >= MODERATOR
            case "rule" | "approval" | "approve":
                return own == OWNER
        return own > 0 or act in ("join", "accept", "decline")

    def apply(self, room: Room, seq: int, *, approved: bool = False) -> str:
        """Change the model as the service has to; what comes of it."""
        own, other, act = room.rank(self.by), room.rank(self.on), self.act
        if self.by == self.on and own:
            act = {"remove": "leave", "role": "role" if self.role > own else "lower"}.get(act, act)
        if not self._may(act, room):
            return REFUSED
        if room.approval and own < OWNER and act in CHANGES and not approved:
            could_be = self.apply(deepcopy(room), seq, approved=True)
            return PROPOSED if could_be == DONE or self in room.pending.values() else could_be
        match act:
            case "join" | "add":
                new = self.by if act == "join" else self.on
                if room.rank(new):
                    return NOTHING
                if new in room.banned:
                    return REFUSED
                room.members[new] = (MEMBER, seq)
                room.invited.pop(new, None)
            case "invite":
                if other or self.on in room.invited:
                    return NOTHING
                if self.on in room.banned:
                    return REFUSED
                room.invited[self.on] = (self.by, self.role)
            case "accept":
                if own:
                    return NOTHING
                if self.by not in room.invited:
                    return REFUSED
                room.members[self.by] = (room.invited.pop(self.by)[1], seq)
            case "decline":
                if self.by not in room.invited:
                    return NOTHING
                del room.invited[self.by]
            case "withdraw":
                inviter, rank = room.invited.get(self.on, ("", 0))
                may = inviter in ("", self.by) or (own >= ADMIN and room.may_rule_over(self.by, rank))
                if not may:
                    return REFUSED
                if not inviter:
                    return NOTHING
                del room.invited[self.on]
            case "leave":
                room.remove(self.by)
            case "remove":
                if not other:
                    return NOTHING
                room.remove(self.on)
            case "role" | "lower":
                if not other:
                    return REFUSED
                if other == self.role:
                    return NOTHING
                owners = [one for one in room.members if room.rank(one) == OWNER]
                if owners == [self.on]:
                    return REFUSED
                room.members[self.on] = (self.role, room.members[self.on][1])
            case "ban":
                if self.on in room.banned:
                    return NOTHING
                room.banned.add(self.on)
                room.invited.pop(self.on, None)
                if other:
                    room.remove(self.on)
            case "unban":
                if self.on not in room.banned:
                    return NOTHING
                room.banned.remove(self.on)
            case "rule":
                if room.send == max(self.role, MEMBER):
                    return NOTHING
                room.send = max(self.role, MEMBER)
            case "approval":
                if room.approval == (self.role > MEMBER):
                    return NOTHING
                room.approval = self.role > MEMBER
            case "approve":
                assert self.of is not None
                proposal_id, change = self.of
                if proposal_id in room.executed:
                    return NOTHING
                outcome = change.apply(room, seq, approved=True)
                if outcome == DONE:
                    room.executed.add(proposal_id)
                    room.pending.pop(proposal_id, None)
                return outcome
            case _:
                if own < max(room.send, MEMBER):
                    return REFUSED
        return DONE


PROFILES = ("alice", "bob", "carol", "dan", "eve", "frank")
INVITING = ("invite", "accept", "decline", "withdraw")
APPROVING = ("approval", "approve", "approve", "approve")
ACTS = ("join", "leave", "add", "remove", "role", "ban", "unban", "rule", "send", *INVITING, *APPROVING)
STEP = st.builds(
    Step,
    act=st.sampled_from(ACTS),
    by=st.sampled_from(PROFILES),
    on=st.sampled_from(PROFILES),
    role=st.sampled_from([GUEST, MEMBER, MODERATOR, ADMIN, OWNER]),
)
BATCHES = st.lists(st.lists(STEP, min_size=1, max_size=5), min_size=3, max_size=12)
Submit = Callable[[Sequence[Command[Any]]], list[Any]]


def seq_of(result: Any) -> int:
    """0: nothing was done now."""
    if isinstance(result, ChatdError) or (isinstance(result, Proposed) and result.result is None):
        return 0
    return int(result[0].seq if isinstance(result, tuple) and not hasattr(result, "seq") else result.seq)


def explain(room: Room, steps: Sequence[Step], results: Sequence[Any]) -> None:
    """Bring the model to the state behind the batch."""
    states = [deepcopy(room)]
    done = sorted((seq_of(result), number) for number, result in enumerate(results) if seq_of(result))
    for seq, number in done:
        assert steps[number].apply(room, seq) == DONE, (steps[number], states[-1])
        states.append(deepcopy(room))
    for step, result in zip(steps, results, strict=True):
        if not seq_of(result):
            wanted = REFUSED if isinstance(result, ChatdError) else NOTHING
            if isinstance(result, Proposed) and result.state is ProposalState.PENDING:
                wanted = PROPOSED
            outcomes = {step.apply(deepcopy(state), 1) for state in states}
            assert wanted in outcomes, (step, result, states)
        if isinstance(result, Proposed):
            if result.state is ProposalState.PENDING:
                room.pending[result.proposal_id] = step
            else:
                room.pending.pop(result.proposal_id, None)
                room.executed.add(result.proposal_id)


def from_log(store: Store, room_id: str) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """The members with their roles, and who is invited by whom to which one, from nothing but the
    log."""
    deliveries, _ = store.ask(GetHistory(room_id, "ops", True, 0, 500))
    found: dict[str, str] = {}
    invited: dict[str, tuple[str, str]] = {}
    for seq, delivery in enumerate(deliveries, 1):
        one = EventDelivery.FromString(delivery)
        assert one.event.seq == seq
        said = MessageToDict(one.payload)
        for joined in said.get("joined", ()):
            found[joined] = said.get("role", "member")
            invited.pop(joined, None)
        for guest in said.get("invited", ()):
            invited[guest] = said["by"], said.get("role", "member")
        for ended in (*said.get("uninvited", ()), *said.get("banned", ())):
            invited.pop(ended, None)
        for left in said.get("left", ()):
            del found[left]
        for changed in said.get("changed", ()):
            found[changed] = said["role"]
        if "owner" in said:
            found[said["owner"]] = "owner"
    return found, invited


def check(store: Store, submit: Submit, batches: Sequence[Sequence[Step]], *, approval: bool) -> None:
    room_id = f"m{next(_numbers)}"
    rules = RoomRules(requires_approval=approval)
    store.do(CreateRoom(room_id, "", "alice", ("bob", "dan"), public=True, rules=rules))
    store.do(AddSubscriptions(room_id, ("carol",), "alice", False))
    store.do(AddSubscriptions(room_id, ("eve",), "alice", False, role=MemberRole.GUEST))
    store.do(SetMemberRole(room_id, ("bob",), MemberRole.ADMIN, "alice", False))
    store.do(SetMemberRole(room_id, ("carol",), MemberRole.MODERATOR, "alice", False))
    room = Room(
        {
            "alice": (OWNER, 1),
            "bob": (ADMIN, 1),
            "carol": (MODERATOR, 2),
            "dan": (MEMBER, 1),
            "eve": (GUEST, 3),
        },
        approval=approval,
    )
    for batch in batches:
        steps = [step.bound_to(room) for step in batch]
        explain(room, steps, submit([step.command(room_id) for step in steps]))
        members = {one.profile_id: one.role for one in store.ask(GetRoom(room_id))[1]}
        assert members == {profile: role for profile, (role, _) in room.members.items()}
        banned, _ = store.ask(ListBans(room_id, "ops", True, "", 100))
        assert {one.profile_id for one in banned} == room.banned
        invited, _ = store.ask(ListRoomInvitations(room_id, "ops", True, "", 100))
        assert {one.profile_id: (one.invited_by, one.role) for one in invited} == room.invited
        pending, _ = store.ask(ListProposals(room_id, "ops", True, ProposalState.PENDING, "", 100))
        assert {one.proposal_id for one in pending} == room.pending.keys()
    roles = {profile: MemberRole(role).name.lower() for profile, (role, _) in room.members.items()}
    invitations = {one: (by, MemberRole(role).name.lower()) for one, (by, role) in room.invited.items()}
    assert from_log(store, room_id) == (roles, invitations)


@pytest.fixture(scope="module")
def one_node(tmp_path_factory: pytest.TempPathFactory, shared_db_uri: str) -> Any:
    running = Store(shared_db_uri)
    yield running
    running.close()


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(BATCHES, st.booleans())
def test_one_node(one_node: Store, batches: list[list[Step]], approval: bool) -> None:
    check(one_node, one_node.many, batches, approval=approval)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(BATCHES, st.booleans())
def test_two_nodes(nodes: tuple[Store, Store], batches: list[list[Step]], approval: bool) -> None:
    """The commands of a batch are taken by the nodes in turn, all at the same time."""

    def submit(commands: Sequence[Command[Any]]) -> list[Any]:
        with ThreadPoolExecutor(len(commands)) as pool:
            given = [
                pool.submit(nodes[number % 2].many, [command]) for number, command in enumerate(commands)
            ]
            return [one.result()[0] for one in given]

    check(nodes[0], submit, batches, approval=approval)
