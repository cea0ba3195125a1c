"""Invitations and blocks over the wire: what the devices of a profile hear of its own, and when."""

from collections.abc import Iterator

import pytest
from google.protobuf.message import Message

from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.pb.events.v1.signals_pb2 import BlockNotice, InvitationNotice
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation
from tests.protocol.limited import OPERATOR, User, daemon_with_users


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("chatd")
    with daemon_with_users(folder, ["alice", "bob", "carol"], {"ADD_CONSENT": "Invite"}) as running:
        yield running


def must(who: Conversation, method: str, request: Message) -> bytes:
    reply = who.request(f"ChatService/{method}", request)
    assert not reply.HasField("error"), reply.error
    return reply.payload


def heard(device: Conversation) -> list[InvitationNotice]:
    return [signal.invitation for signal in device.hear().signals]


def test_a10_a11_an_invited_profile_is_told_and_owed_nothing_else(daemon: Daemon) -> None:
    with User(daemon, "alice") as alice, User(daemon, "bob") as bob, User(daemon, "bob") as phone:
        _invite(alice, bob, phone)


def _invite(alice: Conversation, bob: Conversation, phone: Conversation) -> None:
    phone.open("phone", want_signals=True)
    phone.hear_kind("caught_up")
    room, name = "attic", "bob"
    made = chat.CreateRoomResponse.FromString(
        must(alice, "CreateRoom", chat.CreateRoomRequest(room_id=room, profile_ids=[name]))
    )
    assert (list(made.invited), made.room.member_count) == ([name], 1)
    notice, ended = InvitationNotice(room_id=room, invited_by="alice"), InvitationNotice(room_id=room)
    assert heard(phone) == [notice]
    again = chat.AddRoomSubscriptionsRequest(room_id=room, profile_ids=[name])
    assert must(alice, "AddRoomSubscriptions", again) == b"", "it is invited already"
    alice.send_texts(room, "not for bob")
    must(bob, "DeclineInvitation", chat.DeclineInvitationRequest(room_id=room))
    assert heard(phone) == [ended]
    added = chat.AddRoomSubscriptionsResponse.FromString(must(alice, "AddRoomSubscriptions", again))
    assert (list(added.added), list(added.invited)) == ([], [name])
    assert heard(phone) == [notice]
    must(alice, "WithdrawInvitations", chat.WithdrawInvitationsRequest(room_id=room, profile_ids=[name]))
    assert heard(phone) == [ended]
    must(alice, "AddRoomSubscriptions", again)
    assert heard(phone) == [notice]
    listed = must(bob, "ListInvitations", chat.ListInvitationsRequest())
    (one,) = chat.ListInvitationsResponse.FromString(listed).invitations
    assert (one.room_id, one.invited_by, one.profile_id) == (room, "alice", name)
    accepted = must(bob, "AcceptInvitation", chat.AcceptInvitationRequest(room_id=room))
    (joined,) = phone.deliveries(1)
    assert joined.event.seq == chat.AcceptInvitationResponse.FromString(accepted).seq


def test_a10_operators_add_and_direct_rooms_are_made_at_once(daemon: Daemon) -> None:
    with Conversation(daemon.uri, OPERATOR) as operator:
        operator.create_room("ours", "carol")
    with User(daemon, "alice") as alice, User(daemon, "carol") as carol:
        direct = chat.CreateRoomRequest(kind=chat.ROOM_KIND_DIRECT, profile_ids=["carol"])
        made = chat.CreateRoomResponse.FromString(must(alice, "CreateRoom", direct))
        for room in ("ours", made.room.room_id):
            must(carol, "GetRoom", chat.GetRoomRequest(room_id=room))


def test_a12_own_devices_are_told_of_blocks_and_nobody_else(daemon: Daemon) -> None:
    with User(daemon, "bob") as bob, User(daemon, "bob") as laptop, User(daemon, "carol") as carol:
        for device in (laptop, carol):
            device.open("laptop", want_signals=True)
            device.hear_kind("caught_up")
        block = chat.BlockProfilesRequest(profile_ids=["carol", "alice"])
        must(bob, "BlockProfiles", block)
        told = [BlockNotice(profile_id=one, blocked=True) for one in ("alice", "carol")]
        assert [signal.block for signal in laptop.hear().signals] == told
        must(bob, "BlockProfiles", block)  # changes nothing, and is not told
        must(bob, "UnblockProfiles", chat.UnblockProfilesRequest(profile_ids=["carol"]))
        assert [signal.block for signal in laptop.hear().signals] == [BlockNotice(profile_id="carol")]
        must(carol, "BlockProfiles", chat.BlockProfilesRequest(profile_ids=["alice"]))
        own = BlockNotice(profile_id="alice", blocked=True)
        assert [signal.block for signal in carol.hear().signals] == [own], "and nothing of bob's"
