"""ChatService over gRPC."""

import uuid

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from chatd.pb.chat.v1 import chat_pb2 as chat
from tests.gateway.fronts.grpc.serving import SECONDS, Caller, GrpcDaemon, error_of

METHODS = [method.name for method in chat.DESCRIPTOR.services_by_name["ChatService"].methods]


def room() -> str:
    return f"room-{uuid.uuid4().hex[:8]}"


def test_a_call(daemon: GrpcDaemon) -> None:
    name = room()
    with daemon.channel() as channel:
        made = Caller(channel, "ann").call("CreateRoom", room_id=name, name="Büro")
        assert (made.room.name, made.room.head_seq) == ("Büro", 1)
        (one,) = Caller(channel, "ann").call("ListUnread", room_ids=[name]).rooms
        assert (one.room_id, one.head_seq) == (name, 1)


@pytest.fixture(scope="module")
def ann(daemon: GrpcDaemon) -> "pytest.Generator[Caller]":  # type: ignore[name-defined]
    with daemon.channel() as channel:
        yield Caller(channel, "ann")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_answered_by_a_node(ann: Caller, method: str) -> None:
    request = chat.DESCRIPTOR.services_by_name["ChatService"].methods_by_name[method].input_type
    answer = ann.future(method, GetMessageClass(request)())
    refused = answer.exception(SECONDS)
    assert refused is None or error_of(refused).code in (301, 302, 400)


def test_calls_at_once_have_their_own_answers(daemon: GrpcDaemon) -> None:
    """More of them than a connection carries, and a user may have under way: the others wait."""
    with daemon.channel() as channel:
        ann = Caller(channel, "ann")
        rooms = [room() for _ in range(4)]
        for name in rooms:
            ann.call("CreateRoom", room_id=name)
        asked = [ann.future("ListUnread", chat.ListUnreadRequest(room_ids=[name])) for name in rooms * 150]
        answers = [chat.ListUnreadResponse.FromString(one.result()).rooms[0].room_id for one in asked]
    assert answers == rooms * 150


def test_a_call_is_made_once(daemon: GrpcDaemon) -> None:
    with daemon.channel() as channel:
        caller = Caller(channel, "ann", idempotency_key=uuid.uuid4().hex)
        name = room()
        assert caller.call("CreateRoom", room_id=name) == caller.call("CreateRoom", room_id=name)
        with pytest.raises(grpc.RpcError) as refused:
            Caller(channel, "ann").call("CreateRoom", room_id=name)
        assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
        assert error_of(refused.value).name == "ALREADY_EXISTS"


def test_an_operator_calls_as_another(daemon: GrpcDaemon) -> None:
    name = room()
    with daemon.channel() as channel:
        Caller(channel, "operator", chatd_profile="bob").call("CreateRoom", room_id=name)
        assert Caller(channel, "bob").call("ListUnread", room_ids=[name]).rooms[0].room_id == name
        with pytest.raises(grpc.RpcError) as refused:
            Caller(channel, "ann", chatd_profile="bob").call("ListUnread")
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        jörg = Caller(channel, "operator", chatd_profile_bin="jörg".encode())
        jörg.call("CreateRoom", room_id=(another := room()))
        assert [one.room_id for one in jörg.call("ListUnread").rooms] == [another]
        assert another not in [one.room_id for one in Caller(channel, "operator").call("ListUnread").rooms]
        with pytest.raises(grpc.RpcError) as refused:
            Caller(channel, "operator", chatd_profile_bin=b"\xff").call("ListUnread")
        assert error_of(refused.value).name == "INVALID_ID"


@pytest.mark.parametrize(
    "metadata",
    [{}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer "}, {"authorization": "Bearer x"}],
)
def test_nobody_is_heard_without_a_good_token(daemon: GrpcDaemon, metadata: dict[str, str]) -> None:
    with daemon.channel() as channel:
        with pytest.raises(grpc.RpcError) as refused:
            Caller(channel, "", **metadata).call("ListUnread")
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        said = error_of(refused.value)
        assert (said.code, said.message) == (200, refused.value.details())


def test_what_is_no_request_is_refused(daemon: GrpcDaemon) -> None:
    with daemon.channel() as channel:
        ann = Caller(channel, "ann")
        ann.raw("/chat.v1.ChatService/CreateRoom", b"x" * 262_144, chat.CreateRoomResponse)
        with pytest.raises(grpc.RpcError) as refused:
            ann.raw("/chat.v1.ChatService/CreateRoom", b"\xff\xff", chat.CreateRoomResponse)
        assert error_of(refused.value).code == 100
        for path in (
            "/chat.v1.ChatService/None",
            "/admin.v1.AdminService/GetStatus",
            "/node.v1.NodeService/Describe",
        ):
            with pytest.raises(grpc.RpcError) as refused:
                ann.raw(path, b"", chat.CreateRoomResponse)
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
        with pytest.raises(grpc.RpcError) as refused:
            ann.raw("/chat.v1.ChatService/CreateRoom", b"x" * 262_145, chat.CreateRoomResponse)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        stream = channel.stream_stream("/chat.v1.ChatService/ListUnread")
        with pytest.raises(grpc.RpcError) as refused:
            next(stream(iter(()), metadata=[("authorization", "Bearer token-of-ann")], timeout=20))
        assert error_of(refused.value).code == 100


def test_what_is_compressed_is_not_taken(daemon: GrpcDaemon) -> None:
    """A small message could be a large one."""
    channel = grpc.insecure_channel(daemon.address, compression=grpc.Compression.Gzip)
    with channel, pytest.raises(grpc.RpcError) as refused:
        Caller(channel, "ann").call("ListUnread")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
