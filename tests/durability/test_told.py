"""A client is told that the database fails, and nothing about the database: the log has its
address, its files and its words."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from google.protobuf.message import Message

from chatd.errors import Internal, Overloaded, StoreFailed, TimedOut, Unavailable
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.gateway.v1.gateway_pb2 import Error
from tests.daemons import Daemon, operator_token
from tests.databases import cluster
from tests.protocol.conversation import Conversation, event

SECRET = "c0ffee"
"""A part of the names of everything that belongs to the database."""
WORDS = (
    SECRET,
    "chatd.db",
    "sql",
    "pg",
    "socket",
    "port",
    "select ",
    "insert ",
    "room_event",
    "table",
    "schema",
)
"""Words of a database, its address or a statement; no answer holds one of them."""
PLAIN = (Unavailable.code, StoreFailed.code, TimedOut.code, Overloaded.code)
REQUESTS: dict[str, Message] = {
    "ChatService/SendEvents": chat_pb2.SendEventsRequest(events=[event("r", "text", id_="e")]),
    "ChatService/CreateRoom": chat_pb2.CreateRoomRequest(room_id="s", profile_ids=["bob"]),
    "ChatService/UpdateRoom": chat_pb2.UpdateRoomRequest(room_id="r", name="name"),
    "ChatService/AddRoomSubscriptions": chat_pb2.AddRoomSubscriptionsRequest(
        room_id="r", profile_ids=["bob"]
    ),
    "ChatService/RemoveRoomSubscriptions": chat_pb2.RemoveRoomSubscriptionsRequest(
        room_id="r", profile_ids=["bob"]
    ),
    "ChatService/JoinRoom": chat_pb2.JoinRoomRequest(room_id="r"),
    "ChatService/LeaveRoom": chat_pb2.LeaveRoomRequest(room_id="r"),
    "ChatService/SetMemberRole": chat_pb2.SetMemberRoleRequest(
        room_id="r", profile_ids=["bob"], role=chat_pb2.MEMBER_ROLE_ADMIN
    ),
    "ChatService/BanProfiles": chat_pb2.BanProfilesRequest(room_id="r", profile_ids=["eve"]),
    "ChatService/UnbanProfiles": chat_pb2.UnbanProfilesRequest(room_id="r", profile_ids=["eve"]),
    "ChatService/ListBans": chat_pb2.ListBansRequest(room_id="r"),
    "ChatService/AcceptInvitation": chat_pb2.AcceptInvitationRequest(room_id="r"),
    "ChatService/DeclineInvitation": chat_pb2.DeclineInvitationRequest(room_id="r"),
    "ChatService/ListInvitations": chat_pb2.ListInvitationsRequest(),
    "ChatService/ListRoomInvitations": chat_pb2.ListRoomInvitationsRequest(room_id="r"),
    "ChatService/WithdrawInvitations": chat_pb2.WithdrawInvitationsRequest(room_id="r", profile_ids=["eve"]),
    "ChatService/ListProposals": chat_pb2.ListProposalsRequest(room_id="r"),
    "ChatService/ApproveProposal": chat_pb2.ApproveProposalRequest(room_id="r", proposal_id="p"),
    "ChatService/RejectProposal": chat_pb2.RejectProposalRequest(room_id="r", proposal_id="p"),
    "ChatService/WithdrawProposal": chat_pb2.WithdrawProposalRequest(room_id="r", proposal_id="p"),
    "ChatService/BlockProfiles": chat_pb2.BlockProfilesRequest(profile_ids=["eve"]),
    "ChatService/UnblockProfiles": chat_pb2.UnblockProfilesRequest(profile_ids=["eve"]),
    "ChatService/ListBlocked": chat_pb2.ListBlockedRequest(),
    "ChatService/ListMyRooms": chat_pb2.ListMyRoomsRequest(recent_first=True),
    "ChatService/GetRoom": chat_pb2.GetRoomRequest(room_id="r"),
    "ChatService/ListMembers": chat_pb2.ListMembersRequest(room_id="r"),
    "ChatService/GetHistory": chat_pb2.GetHistoryRequest(room_id="r", limit=10),
    "ChatService/FindRewound": chat_pb2.FindRewoundRequest(marks=[chat_pb2.RoomMark(room_id="r", seq=1)]),
    "ChatService/GetEvent": chat_pb2.GetEventRequest(room_id="r", seq=1),
    "ChatService/SearchEvents": chat_pb2.SearchEventsRequest(query="word"),
    "ChatService/SetReadMarker": chat_pb2.SetReadMarkerRequest(room_id="r", seq=1),
    "ChatService/ListUnread": chat_pb2.ListUnreadRequest(limit=10),
    "ChatService/GetDeliveryStatus": chat_pb2.GetDeliveryStatusRequest(room_id="r", seq=1),
    "ChatService/SetTyping": chat_pb2.SetTypingRequest(room_id="r", typing=True),
    "ChatService/GetPresence": chat_pb2.GetPresenceRequest(profile_ids=["bob"]),
    "ChatService/SetPush": chat_pb2.SetPushRequest(device_id="phone", notifier="log"),
    "ChatService/SetRoomNotifications": chat_pb2.SetRoomNotificationsRequest(room_id="r"),
    "ChatService/GetRoomNotifications": chat_pb2.GetRoomNotificationsRequest(room_id="r"),
    "AdminService/ListRooms": admin_pb2.ListRoomsRequest(),
    "AdminService/CountEvents": admin_pb2.CountEventsRequest(),
    "AdminService/GetRoom": admin_pb2.GetRoomRequest(room_id="r"),
    "AdminService/ListOutbox": admin_pb2.ListOutboxRequest(),
    "AdminService/ListOutboxEntries": admin_pb2.ListOutboxEntriesRequest(),
    "AdminService/GetBroadcast": admin_pb2.GetBroadcastRequest(room_id="r", seq=1),
    "AdminService/ExplainDelivery": admin_pb2.ExplainDeliveryRequest(room_id="r", seq=1, profile_id="bob"),
    "AdminService/SkipOutbox": admin_pb2.SkipOutboxRequest(profile_id="bob", device_id="d"),
    "AdminService/ReplayOutbox": admin_pb2.ReplayOutboxRequest(profile_id="bob", device_id="d", from_us=1),
    "AdminService/ListConnections": admin_pb2.ListConnectionsRequest(),
    "AdminService/ListDeadLetters": admin_pb2.ListDeadLettersRequest(),
    "AdminService/DropDeadLetters": admin_pb2.DropDeadLettersRequest(letter_ids=["l"]),
    "AdminService/EraseProfile": admin_pb2.EraseProfileRequest(profile_id="carol"),
    "AdminService/ListDevices": admin_pb2.ListDevicesRequest(),
    "AdminService/ForgetDevice": admin_pb2.ForgetDeviceRequest(profile_id="carol", device_id="d"),
    "AdminService/ListNotifications": admin_pb2.ListNotificationsRequest(),
}


def errors(alice: Conversation) -> Iterator[Error]:
    """The answers to every call that asks the database, and to a Hello."""
    for method, request in REQUESTS.items():
        reply = alice.request(method, request)
        if reply.HasField("error"):
            yield reply.error
    alice.hello("new")
    frame = alice.hear()
    if frame.HasField("closed"):
        yield frame.closed.error


def check(alice: Conversation, *, at_least: int, codes: tuple[int, ...] = PLAIN) -> None:
    """At least so many of the calls fail, and none says why in the database's words."""
    found = list(errors(alice))
    assert len(found) >= at_least, found
    for one in found:
        assert one.code in codes, one
        assert is_plain(one), one


def is_plain(error: Error) -> bool:
    return not [word for word in WORDS if word in error.message.lower()]


def test_postgres_that_is_away(postgres_uri: str, tmp_path: Path) -> None:
    with cluster() as own:
        assert own is not None, "postgres_uri has skipped the test where PostgreSQL is missing"
        database = own.new_database()
        settings = {
            "DB_URI": own.uri(database),
            "SEARCH": "true",
            "NOTIFIERS": "log",
            "CALL_TIMEOUT_MS": 3_000,
        }
        with (
            Daemon("all", tmp_path, settings) as daemon,
            Conversation(daemon.uri, operator_token(tmp_path), "alice") as alice,
        ):
            alice.create_room("r", "bob")
            own.kill()
            try:
                check(alice, at_least=20)
                check(alice, at_least=20)
                log = daemon.log.read_text()
                assert str(own.folder) in log or "server closed the connection" in log, "in its own words"
            finally:
                own.start_again()


def moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def without_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        for table in ("room_event", "subscription", "device", "outbox", "room"):
            other.execute(f"ALTER TABLE {table} RENAME TO {table}_{SECRET}")
        other.commit()


def malformed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA writable_schema = ON")
        other.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'outbox'", (f"CREATE {SECRET} (",))
        ((version,),) = other.execute("PRAGMA schema_version").fetchall()
        other.execute(f"PRAGMA schema_version = {version + 1}")
        other.commit()


@pytest.mark.parametrize(
    ("fault", "said", "at_least"),
    [(moved, "was moved", 1), (without_tables, "no such table", 10), (malformed, "malformed", 10)],
)
def test_a_broken_sqlite_file(
    tmp_path: Path, fault: Callable[[Path], None], said: str, at_least: int
) -> None:
    folder = tmp_path / SECRET
    folder.mkdir()
    settings = {
        "DB_URI": f"sqlite:///{folder}/chatd.db",
        "SEARCH": "true",
        "NOTIFIERS": "log",
        "FANOUT_REPAIR_SECONDS": 3600,
    }
    daemon = Daemon("all", tmp_path, settings)
    daemon.start()
    try:
        with Conversation(daemon.uri, operator_token(tmp_path), "alice") as alice:
            alice.create_room("r", "bob")
            fault(folder / "chatd.db")
            if fault is moved:  # the node stops at once: one answer is all that there is
                reply = alice.request("ChatService/SendEvents", REQUESTS["ChatService/SendEvents"])
                assert reply.error.code == Unavailable.code
                assert not [word for word in WORDS if word in reply.error.message.lower()], (
                    reply.error.message
                )
                assert str(folder) in wait_for(daemon.log, said)
                return
            check(alice, at_least=at_least, codes=(*PLAIN, Internal.code))
            assert said in wait_for(daemon.log, said)
    finally:
        daemon.stop()


def wait_for(log: Path, text: str) -> str:
    """The log when it has the text."""
    deadline = time.monotonic() + 10
    while text not in (found := log.read_text()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found
