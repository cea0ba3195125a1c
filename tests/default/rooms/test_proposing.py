"""A change is proposed if it could be made now: it is tried, and nothing is left of that."""

from typing import Any

import pytest

from chatd.core.member_role import MemberRole
from chatd.default.invariants import INVARIANTS
from chatd.default.rooms.bans import BanProfiles, UnbanProfiles
from chatd.default.rooms.blocks import BlockProfiles
from chatd.default.rooms.change import RoomCommand
from chatd.default.rooms.changes import UpdateRoom
from chatd.default.rooms.invitation_lists import ListInvitations
from chatd.default.rooms.limits import RoomLimits
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.model import RoomRules
from chatd.default.rooms.proposals import ApproveProposal, MakeOrPropose, Proposed
from chatd.default.rooms.role_changes import SetMemberRole
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import ChatdError, Conflict, LimitReached, NotAMember, PermissionDenied
from chatd.store.command import Command
from chatd.store.invariant import check
from chatd.store.transaction import Transaction
from tests.store.driver import Store, event, send


@pytest.fixture
def strict(store: Store) -> Store:
    """Room s of alice, with bob and dan as admins and carol as a member, requires approval. Eve is
    banned."""
    rules = RoomRules(requires_approval=True)
    store.do(CreateRoom("s", "", "alice", ("bob", "carol", "dan"), rules=rules))
    store.do(SetMemberRole("s", ("bob", "dan"), MemberRole.ADMIN, "alice", False))
    store.do(BanProfiles("s", ("eve",), "alice", False))
    return store


def change(command: RoomCommand[Any]) -> MakeOrPropose:
    return MakeOrPropose("s", command, type(command).__name__, repr(command).encode())


def proposals(store: Store) -> int:
    ((found,),) = store.database.rows("SELECT COUNT(*) FROM room_proposal")
    return int(found)


UNCHANGING: list[RoomCommand[Any]] = [
    AddSubscriptions("s", ("carol",), "bob", False),
    AddSubscriptions("s", ("carol",), "bob", False, invites=True),
    RemoveSubscriptions("s", ("fay",), "bob", False),
    SetMemberRole("s", ("carol",), MemberRole.MEMBER, "bob", False),
    BanProfiles("s", ("eve",), "bob", False),
    UnbanProfiles("s", ("carol",), "bob", False),
    UpdateRoom("s", "bob", False),
    UpdateRoom("s", "bob", False, name=""),
]


def test_what_changes_nothing_is_answered_as_if_it_was_made(strict: Store) -> None:
    for command in UNCHANGING:
        assert strict.do(change(command)) == strict.do(command)
    assert proposals(strict) == 0


REFUSED: list[tuple[RoomCommand[Any], type[ChatdError]]] = [
    (AddSubscriptions("s", ("eve",), "bob", False), Conflict),
    (AddSubscriptions("s", ("fay",), "bob", False, RoomLimits(members=4)), LimitReached),
    (AddSubscriptions("s", ("blocker",), "bob", False), PermissionDenied),
    (AddSubscriptions("s", ("blocker",), "bob", False, invites=True), PermissionDenied),
    (RemoveSubscriptions("s", ("dan",), "bob", False), PermissionDenied),
    (SetMemberRole("s", ("fay",), MemberRole.GUEST, "bob", False), NotAMember),
    (SetMemberRole("s", ("carol",), MemberRole.GUEST, "bob", False, 999), Conflict),
    (UpdateRoom("s", "bob", False, name="S", expected=999), Conflict),
    (
        UpdateRoom("s", "bob", False, description="long", limits=RoomLimits(metadata=1)),
        LimitReached,
    ),
]


def test_what_cannot_be_made_now_is_refused(strict: Store) -> None:
    strict.do(BlockProfiles("blocker", ("bob",)))
    for command, error in REFUSED:
        with pytest.raises(error):
            strict.do(change(command))
    assert proposals(strict) == 0


def test_a_trial_leaves_nothing_behind(strict: Store) -> None:
    """Between commands of the same transaction that do."""
    before = strict.ask(GetRoom("s"))[0]
    commands: list[Command[Any]] = [
        send("alice", event("s", "one")),
        change(UpdateRoom("s", "bob", False, name="S")),
        send("alice", event("s", "two")),
        change(RemoveSubscriptions("s", ("carol",), "bob", False)),
        change(BanProfiles("s", ("fay",), "bob", False)),
        change(SetMemberRole("s", ("carol",), MemberRole.GUEST, "bob", False)),
        send("carol", event("s", "three")),
        change(AddSubscriptions("s", ("fay",), "bob", False)),
        change(AddSubscriptions("s", ("gus",), "bob", False, invites=True)),
        change(AddSubscriptions("s", ("hal",), "alice", False)),
    ]
    with strict.database.connection(readonly=False):
        strict.database.begin()
        transaction = Transaction(strict.database, strict.members, strict.now_us)
        transaction.lock([command.locks() for command in commands])
        results = [type(command).apply(transaction, [command])[0] for command in commands]
        transaction.log.flush()
        strict.database.commit()
        runs = transaction.log.committed(0.0)
    made = [isinstance(one, Proposed) for one in results]
    assert made == [isinstance(one, MakeOrPropose) for one in commands[:-1]] + [False]
    after, members = strict.ask(GetRoom("s"))[:2]
    assert (after.head_seq, after.name) == (before.head_seq + 4, before.name)
    assert [one.profile_id for one in members] == ["alice", "bob", "carol", "dan", "hal"]
    assert [(run.first_seq, run.last_seq) for run in runs] == [
        (before.head_seq + 1, before.head_seq + 3),
        (before.head_seq + 4, before.head_seq + 4),
    ]
    for table in ("invitation", "ban WHERE profile_id <> 'eve'", "room_role WHERE profile_id = 'carol'"):
        assert strict.database.rows(f"SELECT 1 FROM {table}") == []
    with strict.database.connection(readonly=True):
        assert check(strict.database, INVARIANTS, lambda *_: None) == []
    strict.do(send("carol", event("s", "four")))


def propose(store: Store, command: RoomCommand[Any]) -> str:
    made = store.do(change(command))
    assert isinstance(made, Proposed)
    return made.proposal_id


@pytest.mark.parametrize("invites", [False, True])
def test_an_approver_does_not_learn_whom_others_have_blocked(strict: Store, invites: bool) -> None:
    """The change is refused as if the approver would make it; an operator's is not."""

    def add(profile: str) -> AddSubscriptions:
        return AddSubscriptions("s", (profile,), "bob", False, invites=invites)

    one, other = propose(strict, add("fay")), propose(strict, add("gus"))
    strict.do(BlockProfiles("fay", ("bob",)))
    assert strict.do(ApproveProposal("s", one, add("fay"), "alice", False)).seq > 0
    if invites:
        assert strict.ask(ListInvitations("fay", (), 10))[0] == (), "as all of the one that it has blocked"
    strict.do(BlockProfiles("gus", ("alice",)))
    with pytest.raises(PermissionDenied, match="'alice' may not add 'gus'"):
        strict.do(ApproveProposal("s", other, add("gus"), "alice", False))
    assert strict.do(ApproveProposal("s", other, add("gus"), "alice", True)).seq > 0


def test_a_role_is_given_whoever_has_joined_meanwhile(strict: Store) -> None:
    version = strict.ask(GetRoom("s"))[0].membership_version
    command = SetMemberRole("s", ("carol",), MemberRole.GUEST, "bob", False, version)
    one = propose(strict, command)
    strict.do(AddSubscriptions("s", ("fay",), "alice", False))
    assert strict.do(ApproveProposal("s", one, command, "alice", False)).seq > 0
