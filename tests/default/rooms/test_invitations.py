"""Invitations: an invited profile is nobody in the room until it accepts."""

import pytest
from google.protobuf.json_format import MessageToDict

from chatd.core.ids import ERASED
from chatd.core.member_role import MemberRole, RoomKind
from chatd.default.invariants import INVARIANTS
from chatd.default.rooms.bans import BanProfiles, UnbanProfiles
from chatd.default.rooms.changes import DeleteRoom, UpdateRoom
from chatd.default.rooms.invitation_lists import NEWEST, Invitation, ListInvitations, ListRoomInvitations
from chatd.default.rooms.invitations import AcceptInvitation, DeclineInvitation, WithdrawInvitations
from chatd.default.rooms.limits import NO_LIMITS, RoomLimits
from chatd.default.rooms.membership import AddSubscriptions, JoinRoom, RemoveSubscriptions
from chatd.default.rooms.model import MembershipChange
from chatd.default.rooms.role_changes import SetMemberRole
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import Conflict, LimitReached, NotAMember, PermissionDenied
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.store.invariant import check
from tests.store.driver import Store, event, ranges, send

NOTHING = MembershipChange((), 0)


def invite(
    store: Store,
    *profiles: str,
    room: str = "r",
    by: str = "alice",
    role: MemberRole = MemberRole.MEMBER,
    limits: RoomLimits = NO_LIMITS,
) -> MembershipChange:
    return store.do(AddSubscriptions(room, profiles, by, False, limits, role, invites=True))


def own(store: Store, profile: str) -> list[str]:
    return [one.room_id for one in store.ask(ListInvitations(profile, (), 100))[0]]


def pending(store: Store, by: str = "alice", room: str = "r") -> list[str]:
    return [one.profile_id for one in store.ask(ListRoomInvitations(room, by, False, "", 100))[0]]


def members(store: Store, room: str = "r") -> dict[str, int]:
    return {one.profile_id: one.role for one in store.ask(GetRoom(room))[1]}


def said(store: Store, seq: int) -> dict[str, object]:
    rows = store.database.rows("SELECT delivery FROM room_event WHERE room_id = 'r' AND seq = ?", (seq,))
    return MessageToDict(EventDelivery.FromString(bytes(rows[0][0])).payload)


def test_an_invited_profile_is_owed_nothing_until_it_accepts(store: Store) -> None:
    dan = store.open("dan", "phone")
    change = invite(store, "dan", "bob", role=MemberRole.GUEST)
    assert change == MembershipChange((), 2, ("dan",)), "bob is a member"
    assert said(store, 2) == {"invited": ["dan"], "role": "guest", "by": "alice"}
    assert invite(store, "dan") == NOTHING
    store.do(send("alice", event("r", "e")))
    assert ranges(store.owed(dan)) == []
    with pytest.raises(NotAMember):
        store.do(send("dan", event("r", "d")))
    (found,), more = store.ask(ListInvitations("dan", (), 10))
    guest = Invitation("r", "dan", MemberRole.GUEST, "alice", found.invited_at_us, "", RoomKind.GROUP)
    assert (found, more) == (guest, False)
    assert store.do(AcceptInvitation("r", "dan")) == MembershipChange(("dan",), 4)
    assert said(store, 4) == {"joined": ["dan"], "role": "guest", "by": "dan"}
    assert ranges(store.owed(dan)) == [("r", 4, 4)]
    assert members(store)["dan"] == MemberRole.GUEST
    assert (own(store, "dan"), pending(store)) == ([], [])
    assert store.do(AcceptInvitation("r", "dan")) == NOTHING


def test_it_is_declined_or_withdrawn(store: Store) -> None:
    assert store.do(DeclineInvitation("r", "dan")) == NOTHING
    assert store.do(DeclineInvitation("none", "dan")) == NOTHING
    invite(store, "dan", "eve", "fay")
    assert store.do(DeclineInvitation("r", "dan")) == MembershipChange(("dan",), 3)
    assert said(store, 3) == {"uninvited": ["dan"], "by": "dan"}
    assert store.do(WithdrawInvitations("r", ("fay", "dan"), "alice", False)) == MembershipChange(("fay",), 4)
    assert said(store, 4) == {"uninvited": ["fay"], "by": "alice"}
    assert store.do(WithdrawInvitations("r", ("fay",), "ops", True)) == NOTHING
    for profile, room in (("dan", "r"), ("fay", "r"), ("dan", "none")):
        with pytest.raises(NotAMember, match=f"'{profile}' is not a member of room '{room}', or there is no"):
            store.do(AcceptInvitation(room, profile))
    assert pending(store) == ["eve"]
    assert invite(store, "dan").invited == ("dan",), "it may be invited again"


def test_members_see_and_withdraw_their_own(store: Store) -> None:
    invite(store, "dan")
    invite(store, "eve", by="bob")
    assert (pending(store), pending(store, "bob")) == (["dan", "eve"], ["eve"])
    with pytest.raises(PermissionDenied):
        store.do(WithdrawInvitations("r", ("dan", "eve"), "bob", False))
    assert store.do(WithdrawInvitations("r", ("eve",), "bob", False)).profiles == ("eve",)
    invite(store, "fay", by="bob")
    store.do(SetMemberRole("r", ("bob",), MemberRole.GUEST, "alice", False))
    assert pending(store, "bob") == ["fay"], "as a guest, too"
    assert store.do(WithdrawInvitations("r", ("fay",), "bob", False)).profiles == ("fay",)
    with pytest.raises(PermissionDenied):
        store.do(WithdrawInvitations("r", ("dan",), "bob", False))


def test_whatever_makes_it_a_member_or_no_candidate_ends_it(store: Store) -> None:
    store.do(UpdateRoom("r", "alice", False, public=True))
    invite(store, "dan", "eve", "fay", role=MemberRole.GUEST)
    store.do(JoinRoom("r", "dan"))
    assert members(store)["dan"] == MemberRole.MEMBER
    store.do(AddSubscriptions("r", ("eve",), "ops", True))
    store.do(BanProfiles("r", ("fay",), "alice", False))
    assert pending(store) == []
    with pytest.raises(Conflict, match="'fay'"):
        invite(store, "fay")
    store.do(UnbanProfiles("r", ("fay",), "alice", False))
    with pytest.raises(NotAMember):
        store.do(AcceptInvitation("r", "fay"))
    invite(store, "fay")
    store.do(RemoveSubscriptions("r", ("alice",), "alice", False))
    assert store.do(AcceptInvitation("r", "fay")).profiles == ("fay",), "it is the room's, not alice's"
    invite(store, "gus", by="bob")
    store.do(DeleteRoom("r", "ops", True))
    assert own(store, "gus") == []
    with pytest.raises(NotAMember):
        store.do(AcceptInvitation("r", "gus"))


def test_members_of_a_new_room_are_invited(store: Store) -> None:
    made = store.do(CreateRoom("new", "", "alice", ("alice", "dan", "bob"), invites=True))
    assert (made.head_seq, made.member_count) == (2, 1)
    assert (members(store, "new"), pending(store, room="new")) == (
        {"alice": MemberRole.OWNER},
        ["bob", "dan"],
    )
    assert store.do(CreateRoom("alone", "", "alice", (), invites=True)).head_seq == 1


def test_limits(store: Store) -> None:
    limits = RoomLimits(rooms=1, members=4, invitations=2)
    with pytest.raises(LimitReached):
        invite(store, "dan", "eve", "fay", limits=limits)
    invite(store, "dan", "eve", limits=limits)
    with pytest.raises(LimitReached):
        invite(store, "fay", limits=limits)
    for room in ("s", "t"):
        store.do(CreateRoom(room, "", "alice", ("fay",), invites=True))
    with pytest.raises(LimitReached, match="'fay'"):
        store.do(CreateRoom("u", "", "carol", ("fay",), limits=limits, invites=True))
    assert own(store, "fay") == ["t", "s"]
    with pytest.raises(LimitReached):
        invite(store, "gus", "hal", limits=RoomLimits(members=3))
    assert store.do(AcceptInvitation("s", "fay", limits)).profiles == ("fay",)
    with pytest.raises(LimitReached):
        store.do(AcceptInvitation("t", "fay", limits))
    assert own(store, "fay") == ["t"], "it may be accepted later"


def test_they_come_in_pages(store: Store) -> None:
    for room in ("a", "b", "c"):
        store.do(CreateRoom(room, "", "alice", ("dan",), invites=True))
    page, more = store.ask(ListInvitations("dan", (), 2))
    assert ([one.room_id for one in page], more) == (["c", "b"], True)
    store.do(DeclineInvitation("b", "dan"))
    place = NEWEST.read_place(NEWEST.place_of(page, more))
    page, more = store.ask(ListInvitations("dan", place, 2))
    assert ([one.room_id for one in page], more) == (["a"], False)
    invite(store, "x", "y", "z")
    page, more = store.ask(ListRoomInvitations("r", "ops", True, "x", 1))
    assert ([one.profile_id for one in page], more) == (["y"], True)


def test_erased_profiles_are_in_none(store: Store) -> None:
    invite(store, "dan", "eve")
    invite(store, "fay", by="bob")
    store.do(DeclineInvitation("r", "eve"))
    for profile in ("dan", "eve", "bob"):
        while store.erase(profile).more:
            pass
    (left,), _ = store.ask(ListRoomInvitations("r", "alice", False, "", 10))
    assert (left.profile_id, left.invited_by) == ("fay", ERASED)
    for (delivery,) in store.database.rows("SELECT delivery FROM room_event WHERE room_id = 'r'"):
        assert not any(name in bytes(delivery) for name in (b"dan", b"eve", b"bob"))
    with store.database.connection(readonly=True):
        assert check(store.database, INVARIANTS, lambda *_: None) == []
