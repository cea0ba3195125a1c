"""Proposals over the wire: what their callers get, and what owners and proposers hear."""

from collections.abc import Iterator
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from chatd.pb.admin.v1 import admin_pb2 as admin
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.pb.events.v1.signals_pb2 import ProposalNotice, Signal
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation
from tests.protocol.limited import OPERATOR, User, daemon_with_users

M = TypeVar("M", bound=Message)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("chatd")
    settings = {"MAX_PROPOSALS_PER_ROOM": 20, "ADD_CONSENT": "invite"}
    with daemon_with_users(folder, ["alice", "bob", "carol"], settings) as running:
        yield running


def must(who: Conversation, method: str, request: Message, response: type[M], **fields: str) -> M:
    reply = who.request(f"ChatService/{method}", request, **fields)
    assert not reply.HasField("error"), reply.error
    return response.FromString(reply.payload)


def code(who: Conversation, method: str, request: Message) -> int:
    return who.refused(f"ChatService/{method}", request)


def make_room(daemon: Daemon, owner: Conversation, room: str) -> None:
    """Bob is its admin."""
    rules = chat.RoomRules(requires_approval=True)
    made = must(
        owner, "CreateRoom", chat.CreateRoomRequest(room_id=room, rules=rules), chat.CreateRoomResponse
    )
    assert made.room.rules.requires_approval
    add = chat.AddRoomSubscriptionsRequest(room_id=room, profile_ids=["bob"], role=chat.MEMBER_ROLE_ADMIN)
    with Conversation(daemon.uri, OPERATOR) as operator:
        done = must(operator, "AddRoomSubscriptions", add, chat.AddRoomSubscriptionsResponse)
        assert (list(done.added), done.proposal_id) == (["bob"], ""), "operators propose nothing"


def heard(device: Conversation, frames: int) -> tuple[list[EventDelivery], list[Signal]]:
    """The deliveries and signals in the next frames."""
    found = [device.hear() for _ in range(frames)]
    return [one for frame in found for one in frame.deliveries], [
        one for frame in found for one in frame.signals
    ]


def test_a14_a15_a16_a_change_is_proposed_and_approved(daemon: Daemon) -> None:
    with (
        User(daemon, "alice") as alice,
        User(daemon, "bob") as bob,
        User(daemon, "alice") as owners,
        User(daemon, "bob") as proposers,
        User(daemon, "carol") as carols,
    ):
        make_room(daemon, alice, "lobby")
        for device in (owners, proposers, carols):
            device.open("phone", want_signals=True)
            device.hear_kind("caught_up")
        _propose_and_approve(alice, bob, (owners, proposers), carols)
        with Conversation(daemon.uri, OPERATOR) as operator:
            page = chat.ListProposalsRequest(room_id="lobby", state=chat.PROPOSAL_STATE_EXECUTED)
            (one,) = must(operator, "ListProposals", page, chat.ListProposalsResponse).proposals
            assert (one.decided_by, one.decided_at_us > one.proposed_at_us) == ("alice", True)
            again = chat.ApproveProposalRequest(room_id="lobby", proposal_id=one.proposal_id)
            assert must(operator, "ApproveProposal", again, chat.ApproveProposalResponse).seq == one.seq
        for device in (owners, proposers, carols):
            device.hear_nothing(0)


def _propose_and_approve(
    alice: Conversation, bob: Conversation, told: tuple[Conversation, ...], carols: Conversation
) -> None:
    add = chat.AddRoomSubscriptionsRequest(
        room_id="lobby", profile_ids=["carol"], role=chat.MEMBER_ROLE_GUEST
    )
    proposed = must(bob, "AddRoomSubscriptions", add, chat.AddRoomSubscriptionsResponse)
    assert proposed == chat.AddRoomSubscriptionsResponse(proposal_id=proposed.proposal_id)
    notice = ProposalNotice(
        room_id="lobby", proposal_id=proposed.proposal_id, proposed_by="bob", pending=True
    )
    assert heard(told[0], 1) == ([], [Signal(proposal=notice)])
    page = chat.ListProposalsRequest(room_id="lobby")
    (found,) = must(alice, "ListProposals", page, chat.ListProposalsResponse).proposals
    assert (found.add, found.proposed_by, found.state) == (add, "bob", chat.PROPOSAL_STATE_PENDING)
    approve = chat.ApproveProposalRequest(room_id="lobby", proposal_id=found.proposal_id)
    assert code(bob, "ApproveProposal", approve) == 201
    done = must(alice, "ApproveProposal", approve, chat.ApproveProposalResponse)
    notice.pending = False
    for device in told:
        deliveries, signals = heard(device, 2)
        assert [(one.event.seq, one.event.sender_id) for one in deliveries] == [(done.seq, "bob")]
        assert signals == [Signal(proposal=notice)]
    (invited,) = heard(carols, 1)[1]
    assert (invited.invitation.room_id, invited.invitation.invited_by) == ("lobby", "bob")


def test_a17_it_is_rejected_or_withdrawn(daemon: Daemon) -> None:
    with User(daemon, "alice") as alice, User(daemon, "bob") as bob, User(daemon, "bob") as phone:
        make_room(daemon, alice, "den")
        phone.open("tablet", want_signals=True)
        phone.hear_kind("caught_up")
        ids = []
        for name in ("one", "two"):
            update = chat.UpdateRoomRequest(room_id="den", name=name)
            made = must(bob, "UpdateRoom", update, chat.UpdateRoomResponse)
            assert made == chat.UpdateRoomResponse(proposal_id=made.proposal_id)
            ids.append(made.proposal_id)
        assert code(bob, "UpdateRoom", chat.UpdateRoomRequest(room_id="den", name="three")) == 406
        reject = chat.RejectProposalRequest(room_id="den", proposal_id=ids[0])
        withdraw = chat.WithdrawProposalRequest(room_id="den", proposal_id=ids[1])
        must(alice, "RejectProposal", reject, chat.RejectProposalResponse)
        assert must(bob, "WithdrawProposal", withdraw, chat.WithdrawProposalResponse).withdrawn
        signals: list[Signal] = []
        while len(signals) < 2:
            signals += heard(phone, 1)[1]
        assert [(one.proposal.proposal_id, one.proposal.pending) for one in signals] == [
            (one, False) for one in ids
        ]
        for proposal_id in (*ids, "none"):
            gone = chat.ApproveProposalRequest(room_id="den", proposal_id=proposal_id)
            assert code(alice, "ApproveProposal", gone) == 408
        page = chat.ListProposalsRequest(room_id="den", state=9)  # type: ignore[arg-type]
        assert code(alice, "ListProposals", page) == 301


def test_a14_the_same_request_is_the_same_proposal(daemon: Daemon) -> None:
    """Also when it comes again after the decision; unknown fields are no part of it."""
    with User(daemon, "alice") as alice, User(daemon, "bob") as bob:
        make_room(daemon, alice, "loft")
        ban = chat.BanProfilesRequest(room_id="loft", profile_ids=["eve"])
        made = must(bob, "BanProfiles", ban, chat.BanProfilesResponse, request_id="ban-eve")
        later = chat.BanProfilesRequest.FromString(ban.SerializeToString() + b"\x98\x06\x01")
        assert must(bob, "BanProfiles", later, chat.BanProfilesResponse) == made
        approve = chat.ApproveProposalRequest(room_id="loft", proposal_id=made.proposal_id)
        done = must(alice, "ApproveProposal", approve, chat.ApproveProposalResponse, request_id="a")
        assert must(alice, "ApproveProposal", approve, chat.ApproveProposalResponse, request_id="a") == done
        assert must(bob, "BanProfiles", ban, chat.BanProfilesResponse, request_id="ban-eve") == made
        make_bob = chat.SetMemberRoleRequest(room_id="loft", profile_ids=["bob"], role=chat.MEMBER_ROLE_OWNER)
        must(alice, "SetMemberRole", make_bob, chat.SetMemberRoleResponse)
        must(alice, "LeaveRoom", chat.LeaveRoomRequest(room_id="loft"), chat.LeaveRoomResponse)
        assert must(alice, "ApproveProposal", approve, chat.ApproveProposalResponse, request_id="a") == done
        assert code(alice, "ApproveProposal", approve) == 401
        for bad in ("", "a b", "x" * 129):
            approve.proposal_id = bad
            assert code(bob, "ApproveProposal", approve) == 302


def test_a16_an_approval_is_answered_again_when_it_has_gone(daemon: Daemon) -> None:
    """With the profile that it names, or with its room."""
    with (
        User(daemon, "alice") as alice,
        User(daemon, "bob") as bob,
        Conversation(daemon.uri, OPERATOR) as operator,
    ):
        make_room(daemon, alice, "hut")
        approved = []
        for one in ("frank", "gina"):
            ban = chat.BanProfilesRequest(room_id="hut", profile_ids=[one])
            made = must(bob, "BanProfiles", ban, chat.BanProfilesResponse)
            approve = chat.ApproveProposalRequest(room_id="hut", proposal_id=made.proposal_id)
            done = must(alice, "ApproveProposal", approve, chat.ApproveProposalResponse, request_id=one)
            approved.append((one, approve, done))
        _, frank, _ = approved[0]
        erase = admin.EraseProfileRequest(profile_id="frank")
        assert not operator.request("AdminService/EraseProfile", erase).HasField("error")
        assert code(alice, "ApproveProposal", frank) == 408
        _is_answered_again(alice, approved)
        must(alice, "DeleteRoom", chat.DeleteRoomRequest(room_id="hut"), chat.DeleteRoomResponse)
        assert code(alice, "ApproveProposal", frank) == 401
        _is_answered_again(alice, approved)


def _is_answered_again(
    alice: Conversation, approved: list[tuple[str, chat.ApproveProposalRequest, chat.ApproveProposalResponse]]
) -> None:
    for request_id, approve, done in approved:
        again = must(alice, "ApproveProposal", approve, chat.ApproveProposalResponse, request_id=request_id)
        assert (again, done.seq > 0) == (done, True)
