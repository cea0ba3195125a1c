"""Proposals: what they would change is changed once, when they are approved, by the same
command."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from chatd.core.member_role import MemberRole
from chatd.default.invariants import INVARIANTS
from chatd.default.limits import MAX_PAGE_BYTES
from chatd.default.requests.model import RequestKey
from chatd.default.requests.store import Once
from chatd.default.retention.proposal_sweep import ProposalSweep
from chatd.default.rooms import proposal_lists
from chatd.default.rooms.bans import BanProfiles
from chatd.default.rooms.change import RoomCommand
from chatd.default.rooms.changes import DeleteRoom, UpdateRoom
from chatd.default.rooms.limits import MAX_PROPOSAL_BYTES, NO_LIMITS, PENDING_OF_PROFILE, RoomLimits
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.model import MembershipChange, RoomChange, RoomRules
from chatd.default.rooms.old_proposals import ExpireProposals, FindOldProposals
from chatd.default.rooms.proposal_lists import FindProposal, ListProposals, Proposal
from chatd.default.rooms.proposals import (
    MAX_TOLD,
    ApproveProposal,
    MakeOrPropose,
    ProposalState,
    Proposed,
    RejectProposal,
    WithdrawProposal,
)
from chatd.default.rooms.role_changes import SetMemberRole
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import Conflict, LimitReached, NotAMember, PermissionDenied
from chatd.pb.chat.v1.chat_pb2 import AddRoomSubscriptionsRequest
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.store.database import Database
from chatd.store.invariant import check
from tests.default.explain import assert_looked_up
from tests.store.driver import DirectAccess, Store, at_once

ADD, REMOVE, NAME = "AddRoomSubscriptions", "RemoveRoomSubscriptions", "UpdateRoom"


@pytest.fixture
def strict(store: Store) -> Store:
    """Room s of alice, with bob as an admin and carol and dan as members, requires approval."""
    make_room(store)
    return store


def make_room(store: Store, room: str = "s") -> None:
    rules = RoomRules(requires_approval=True)
    store.do(CreateRoom(room, "", "alice", ("bob", "carol", "dan"), rules=rules))
    store.do(SetMemberRole(room, ("bob",), MemberRole.ADMIN, "alice", False))


def add(*profiles: str, by: str = "carol", room: str = "s", limits: RoomLimits = NO_LIMITS) -> Any:
    return AddSubscriptions(room, profiles, by, False, limits)


def remove(*profiles: str, by: str = "bob") -> RemoveSubscriptions:
    return RemoveSubscriptions("s", profiles, by, False)


def request_of(*profiles: str) -> bytes:
    """As that of each call about profiles is encoded."""
    return AddRoomSubscriptionsRequest(room_id="s", profile_ids=profiles).SerializeToString()


def propose(
    store: Store, command: RoomCommand[Any], method: str = ADD, request: bytes = b"", room: str = "s"
) -> str:
    found = store.do(MakeOrPropose(room, command, method, request))
    assert isinstance(found, Proposed)
    return found.proposal_id


def approve(
    store: Store, proposal_id: str, command: RoomCommand[Any], by: str = "alice", *, operator: bool = False
) -> Proposed:
    return store.do(ApproveProposal("s", proposal_id, command, by, operator))


def find(store: Store, proposal_id: str) -> Proposal:
    found = store.ask(FindProposal("s", proposal_id))
    assert found is not None
    return found


def listed(
    store: Store, by: str = "alice", state: ProposalState = ProposalState.PENDING, room: str = "s"
) -> list[str]:
    page, _ = store.ask(ListProposals(room, by, False, state, "", 100))
    return [one.proposal_id for one in page]


def members(store: Store) -> list[str]:
    return [one.profile_id for one in store.ask(GetRoom("s"))[1]]


def said(store: Store, seq: int) -> dict[str, object]:
    rows = store.database.rows("SELECT delivery FROM room_event WHERE room_id = 's' AND seq = ?", (seq,))
    return MessageToDict(EventDelivery.FromString(bytes(rows[0][0])).payload)


def head(store: Store) -> int:
    return store.ask(GetRoom("s"))[0].head_seq


def is_sound(store: Store) -> bool:
    with store.database.connection(readonly=True):
        return check(store.database, INVARIANTS, lambda *_: None) == []


def test_a_change_waits_and_is_made_as_if_it_had_not(strict: Store) -> None:
    before = head(strict)
    made = strict.do(MakeOrPropose("s", add("eve"), ADD, b"r"))
    assert isinstance(made, Proposed)
    assert (made.told, made.state, made.seq) == (("alice",), ProposalState.PENDING, 0)
    assert (head(strict), "eve" in members(strict)) == (before, False)
    found = find(strict, made.proposal_id)
    at_us = found.proposed_at_us
    assert found == Proposal("s", made.proposal_id, "carol", at_us, 1, "", 0, 0, ADD, b"r")
    assert is_sound(strict)
    done = approve(strict, made.proposal_id, add("eve"))
    assert done.result == MembershipChange(("eve",), before + 1)
    assert (done.told, done.seq) == (("alice", "carol"), before + 1)
    assert said(strict, before + 1) == {"joined": ["eve"], "by": "carol"}
    assert (listed(strict), listed(strict, state=ProposalState.EXECUTED)) == ([], [made.proposal_id])
    assert is_sound(strict)


def test_it_is_made_once(strict: Store) -> None:
    one = propose(strict, add("eve"))
    done = approve(strict, one, add("eve"))
    strict.do(RemoveSubscriptions("s", ("eve",), "alice", False))
    again = approve(strict, one, add("eve"), "ops", operator=True)
    assert (again.seq, again.result, again.told) == (done.seq, None, ())
    assert "eve" not in members(strict)


def test_two_nodes_make_it_once(nodes: tuple[Store, Store]) -> None:
    make_room(nodes[0])
    for number in range(10):
        profile = f"p{number}"
        one = propose(nodes[0], add(profile), request=profile.encode())
        before = head(nodes[0])
        done = at_once(nodes, partial(_approve, one, add(profile)))
        assert [found.seq for found in done] == [before + 1] * 2
        assert sorted(bool(found.result) for found in done) == [False, True]
        assert head(nodes[0]) == before + 1


def _approve(proposal_id: str, command: RoomCommand[Any], node: Store) -> Proposed:
    return approve(node, proposal_id, command)


def test_either_an_approval_or_another_decision_counts(nodes: tuple[Store, Store]) -> None:
    make_room(nodes[0])
    for number in range(10):
        profile = f"p{number}"
        one = propose(nodes[0], add(profile), request=profile.encode())
        commands = {
            nodes[0]: ApproveProposal("s", one, add(profile), "alice", False),
            nodes[1]: (RejectProposal("s", one, "alice", False), WithdrawProposal("s", one, "carol"))[
                number % 2
            ],
        }
        approved, other = at_once(nodes, partial(_outcome, commands))
        assert (profile in members(nodes[0])) is isinstance(approved, Proposed)
        assert isinstance(approved, Proposed) is not isinstance(other, Proposed)


def _outcome(commands: dict[Store, Any], node: Store) -> object:
    return node.many([commands[node]])[0]


def test_the_same_is_proposed_once(strict: Store) -> None:
    one = propose(strict, add("eve"), request=b"1")
    again = strict.do(MakeOrPropose("s", add("eve"), ADD, b"1"))
    assert again == Proposed("s", one, "carol", (), ProposalState.PENDING), "nobody is told again"
    assert propose(strict, add("eve", by="bob"), request=b"1") != one
    assert propose(strict, add("eve"), request=b"2") != one
    key = RequestKey("dan", "id", b"hash")
    once = Once(
        MakeOrPropose("s", add("eve", by="dan"), ADD, b"3"), key, lambda made: made.proposal_id.encode()
    )
    first = strict.do(once).answer
    strict.do(RejectProposal("s", first.decode(), "alice", False))
    assert strict.do(once).answer == first, "the same request stays answered"
    assert propose(strict, add("eve", by="dan"), request=b"3") != first.decode(), "another one is new"


def test_owners_operators_and_other_rooms_need_no_approval(strict: Store) -> None:
    done = strict.do(MakeOrPropose("s", add("eve", by="alice"), ADD, b""))
    assert isinstance(done, MembershipChange)
    operators = AddSubscriptions("s", ("fay",), "ops", True)
    assert isinstance(strict.do(MakeOrPropose("s", operators, ADD, b"")), MembershipChange)
    assert isinstance(strict.do(MakeOrPropose("r", add("x", by="bob", room="r"), ADD, b"")), MembershipChange)
    one = propose(strict, add("gus"))
    strict.do(UpdateRoom("s", "alice", False, rules=RoomRules(requires_approval=False)))
    changed = strict.do(MakeOrPropose("s", UpdateRoom("s", "bob", False, name="S"), NAME, b""))
    assert isinstance(changed, RoomChange)
    assert approve(strict, one, add("gus")).seq == changed.seq + 1, "what is pending stays"


def test_the_log_says_that_the_rule_changed(strict: Store) -> None:
    room = strict.ask(GetRoom("s"))[0]
    assert room.rules.requires_approval is True
    change = strict.do(UpdateRoom("s", "alice", False, rules=RoomRules(requires_approval=False)))
    assert said(strict, change.seq) == {"rules": {"requires_approval": False}}
    assert change.room.rules == RoomRules(2, 2, 2, 3, False, 0, 0)
    other = strict.do(UpdateRoom("s", "alice", False, rules=RoomRules(add=MemberRole.ADMIN)))
    assert other.room.rules == RoomRules(4, 2, 2, 3, False, 0, 0)


def test_rights_of_both_are_looked_at_when_it_is_approved(strict: Store) -> None:
    one = propose(strict, remove("dan"), REMOVE)
    for by, error, why in (
        ("bob", PermissionDenied, "an admin of room 's' may not approve changes"),
        ("carol", PermissionDenied, "a member of"),
        ("eve", NotAMember, "'eve'"),
    ):
        with pytest.raises(error, match=why):
            approve(strict, one, remove("dan"), by)
    strict.do(SetMemberRole("s", ("bob",), MemberRole.MEMBER, "alice", False))
    with pytest.raises(PermissionDenied, match="a member of room 's' may not remove members"):
        approve(strict, one, remove("dan"))
    strict.do(RemoveSubscriptions("s", ("bob",), "bob", False))
    with pytest.raises(NotAMember, match="'bob'"):
        approve(strict, one, remove("dan"))
    assert listed(strict) == [one], "it stays"
    strict.do(AddSubscriptions("s", ("bob",), "alice", False, role=MemberRole.ADMIN))
    assert approve(strict, one, remove("dan")).seq > 0


def test_limits_bans_and_versions_are_looked_at_when_it_is_approved(strict: Store) -> None:
    limits = RoomLimits(members=4)
    one, two = propose(strict, add("eve"), request=b"1"), propose(strict, add("fay"), request=b"2")
    with pytest.raises(LimitReached):
        approve(strict, one, add("eve", limits=limits))
    strict.do(BanProfiles("s", ("fay",), "alice", False))
    with pytest.raises(Conflict, match="banned"):
        approve(strict, two, add("fay"))
    version = strict.ask(GetRoom("s"))[0].settings_version
    rename = UpdateRoom("s", "bob", False, name="S", expected=version)
    three = propose(strict, rename, NAME)
    strict.do(UpdateRoom("s", "alice", False, name="T"))
    with pytest.raises(Conflict, match="settings version"):
        approve(strict, three, rename)
    assert listed(strict) == [one, two, three]
    strict.do(RemoveSubscriptions("s", ("dan",), "dan", False))
    assert approve(strict, one, add("eve", limits=limits)).seq > 0


def test_nothing_is_left_to_change(strict: Store) -> None:
    one = propose(strict, add("eve"))
    strict.do(add("eve", by="alice"))
    assert approve(strict, one, add("eve")).seq == 0
    assert listed(strict, state=ProposalState.EXECUTED) == [one]


def test_it_is_rejected_or_withdrawn(strict: Store) -> None:
    one, two = propose(strict, add("eve"), request=b"1"), propose(strict, add("fay"), request=b"2")
    with pytest.raises(PermissionDenied):
        strict.do(RejectProposal("s", one, "bob", False))
    assert strict.do(RejectProposal("s", one, "alice", False)).told == ("alice", "carol")
    assert strict.do(RejectProposal("s", one, "ops", True)).told == (), "it is already"
    assert strict.do(WithdrawProposal("s", two, "bob")) is None, "it is another one's"
    withdrawn = strict.do(WithdrawProposal("s", two, "carol"))
    assert withdrawn is not None
    assert withdrawn.told == ("alice", "carol")
    for again in (one, two, "none"):
        assert strict.do(WithdrawProposal("s", again, "carol")) is None
    assert strict.do(WithdrawProposal("none", two, "carol")) is None
    for gone, why in ((one, "is rejected"), (two, "is withdrawn"), ("none", "has no proposal")):
        with pytest.raises(Conflict, match=why):
            approve(strict, gone, add("eve"))
    with pytest.raises(Conflict, match="is withdrawn"):
        strict.do(RejectProposal("s", two, "alice", False))
    assert listed(strict, state=ProposalState.REJECTED) == [one]
    assert listed(strict, state=ProposalState.WITHDRAWN) == [two]
    assert is_sound(strict)


def test_each_sees_its_own(strict: Store) -> None:
    one, two = propose(strict, add("eve")), propose(strict, remove("dan"), REMOVE)
    assert (listed(strict), listed(strict, "carol"), listed(strict, "bob")) == ([one, two], [one], [two])
    assert listed(strict, "dan") == []
    with pytest.raises(NotAMember):
        listed(strict, "eve")
    page, more = strict.ask(ListProposals("s", "ops", True, ProposalState.PENDING, "", 1))
    assert ([found.proposal_id for found in page], more) == ([one], True)
    page, more = strict.ask(ListProposals("s", "ops", True, ProposalState.PENDING, one, 1))
    assert ([found.proposal_id for found in page], more) == ([two], False)


def test_limits_of_what_is_pending(strict: Store) -> None:
    limits = RoomLimits(proposals=2)
    propose(strict, add("p0", by="bob"), request=b"0")
    one = propose(strict, add("p1"), request=b"1")
    with pytest.raises(LimitReached, match="a profile has 1 proposals at most"):
        strict.do(MakeOrPropose("s", add("p2"), ADD, b"2", limits))
    with pytest.raises(LimitReached, match="a room has 2 proposals"):
        strict.do(MakeOrPropose("s", add("p2", by="dan"), ADD, b"2", limits))
    assert len(listed(strict)) == 2
    again = strict.do(MakeOrPropose("s", add("p1"), ADD, b"1", limits))
    assert isinstance(again, Proposed)
    assert again.proposal_id == one
    strict.do(WithdrawProposal("s", one, "carol"))
    strict.do(MakeOrPropose("s", add("p2"), ADD, b"2", limits))
    assert_looked_up(strict, PENDING_OF_PROFILE, ("s", "bob", 9))
    with pytest.raises(LimitReached, match="bytes"):
        strict.do(MakeOrPropose("s", add("p3"), ADD, b"x" * (MAX_PROPOSAL_BYTES + 1)))


def test_ids_rise_whatever_the_clock_says(nodes: tuple[Store, Store]) -> None:
    """Within a transaction, and on a node whose clock is behind."""
    make_room(nodes[0])
    commands = [MakeOrPropose("s", add("eve"), ADD, b"%d" % number) for number in range(20)]
    made = [one.proposal_id for one in nodes[0].many(commands)]
    nodes[1].now_us = nodes[0].now_us - 900_000
    made += [propose(nodes[1], add("eve", by="bob"), request=b"%d" % number) for number in range(5)]
    assert made == sorted(made)
    assert listed(nodes[1]) == made, "in the order in which they were made"


def test_so_many_owners_are_told(strict: Store) -> None:
    owners = tuple(f"o{number:03}" for number in range(MAX_TOLD))
    strict.do(AddSubscriptions("s", owners, "ops", True, role=MemberRole.OWNER))
    made = strict.do(MakeOrPropose("s", add("eve"), ADD, b""))
    assert isinstance(made, Proposed)
    assert made.told == ("alice", *owners[:-1])
    assert approve(strict, made.proposal_id, add("eve")).told == ("alice", "carol", *owners[:-1])


def test_a_page_has_so_many_bytes(strict: Store) -> None:
    size = MAX_PAGE_BYTES // 8
    for number in range(9):
        propose(strict, add("eve"), request=b"%d" % number + b"x" * (size - 1))
    page, more = strict.ask(ListProposals("s", "alice", False, ProposalState.PENDING, "", 100))
    assert (len(page), more) == (8, True)


def test_a_page_reads_no_more_than_it_needs(strict: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """30 fill three pages of bytes. A page reads a few more than it has; all pages have all of
    them."""
    monkeypatch.setattr(proposal_lists, "MAX_PAGE_BYTES", 1_000)
    requests = [b"%02d" % number + b"x" * 98 for number in range(30)]
    commands = [MakeOrPropose("s", add("eve"), ADD, request) for request in requests]
    made = [one.proposal_id for one in strict.many(commands)]
    read: list[int] = []
    rows = Database.rows

    def counted(self: Database, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        found = rows(self, sql, parameters)
        read.append(len(found) if "request" in sql else 0)
        return found

    monkeypatch.setattr(Database, "rows", counted)
    found: list[str] = []
    more = True
    while more:
        read.clear()
        page, more = strict.ask(
            ListProposals("s", "alice", False, ProposalState.PENDING, found[-1] if found else "", 100)
        )
        assert sum(read) <= len(page) + 8
        found += [one.proposal_id for one in page]
    assert found == made
    read.clear()
    strict.ask(ListProposals("s", "alice", False, ProposalState.PENDING, "", 1))
    assert sum(read) == 2


def test_a_deleted_room_has_none(strict: Store) -> None:
    one, two = propose(strict, add("eve"), request=b"1"), propose(strict, add("fay"), request=b"2")
    approve(strict, one, add("eve"))
    strict.do(DeleteRoom("s", "alice", False))
    with pytest.raises(NotAMember):
        approve(strict, two, add("fay"))
    assert strict.database.rows("SELECT 1 FROM room_proposal") == []
    assert is_sound(strict)


def test_they_expire_and_are_forgotten(strict: Store) -> None:
    old, new = propose(strict, add("eve"), request=b"1"), propose(strict, add("fay"), request=b"2")
    rejected = propose(strict, add("gus"), request=b"3")
    strict.do(RejectProposal("s", rejected, "alice", False))
    before_us = find(strict, new).proposed_at_us
    sweep = ProposalSweep(DirectAccess(strict))
    ended: list[object] = []
    sweep.begin(before_us, 0, lambda: ended.append(1), ended.append)
    assert (ended, listed(strict)) == ([1], [new])
    assert listed(strict, state=ProposalState.EXPIRED) == [old]
    with pytest.raises(Conflict, match="is expired"):
        approve(strict, old, add("eve"))
    assert is_sound(strict)
    sweep.begin(0, strict.now_us, lambda: ended.append(2), ended.append)
    assert ended == [1, 2]
    assert strict.database.rows("SELECT proposal_id FROM room_proposal") == [(new,)]
    sweep.begin(0, 0, lambda: ended.append(3), ended.append)
    assert ended == [1, 2, 3]


def test_one_that_is_decided_meanwhile_does_not_expire(strict: Store) -> None:
    one = propose(strict, add("eve"))
    places = strict.ask(FindOldProposals(strict.now_us + 1, 0, 10))
    assert places == (("s", one),)
    approve(strict, one, add("eve"))
    assert strict.do(ExpireProposals(places, strict.now_us, 0)) == 0
    assert listed(strict, state=ProposalState.EXECUTED) == [one]
