"""Calls over a real ROUTER and DEALER: each kind of answer, each kind of refusal, and nothing under
way when all is answered."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from chatd.core.counter import Counter
from chatd.default.answer import (
    Answer,
    Call,
    Caller,
    Done,
    Later,
    Read,
    ReadFirst,
    Refuse,
    Reply,
    Role,
    Write,
)
from chatd.default.calls import MAX_ANSWER_BYTES, Calls
from chatd.default.rooms.model import Member, Room
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import (
    AlreadyExists,
    ChatdError,
    Internal,
    InvalidArgument,
    MalformedFrame,
    NotAMember,
    Overloaded,
    PermissionDenied,
    RoomNotFound,
    UnknownMethod,
)
from chatd.pb.chat.v1.chat_pb2 import SetReadMarkerRequest as Request
from chatd.pb.chat.v1.chat_pb2 import SetReadMarkerResponse as Response
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.pb.node.v1 import node_pb2
from chatd.store.access import MAX_WAITING, StoreAccess
from chatd.store.database import Database
from chatd.transport.sockets import Context, new_context
from tests.default.gateway import OPERATOR, USER, Gateway

Found = tuple[Room, tuple[Member, ...]]


class Methods:
    """One method for each kind of answer; ``seq`` of the response says where it came from. A
    request names the room."""

    def __init__(self) -> None:
        self.later: list[tuple[Reply, Refuse]] = []
        """Answers that the test gives."""

    def rows(self) -> list[Call[Request]]:
        methods: dict[str, Callable[[Caller, Request], Answer]] = {
            "Done": lambda caller, request: Done(Response(seq=1, unread=request.seq)),
            "Write": lambda caller, request: Write(
                self._create(caller, request), lambda room: Response(seq=2, unread=room.head_seq)
            ),
            "Read": lambda caller, request: Read(
                GetRoom(request.room_id), lambda found: Response(seq=3, unread=found[0].head_seq)
            ),
            "ReadFirst": self._read_first,
            "Later": lambda caller, request: Later(lambda reply, refuse: self.later.append((reply, refuse))),
            "Refuses": self._refuse,
            "Fails": lambda caller, request: Done(Response(seq=1 // 0)),
            "LaterFails": lambda caller, request: Later(lambda reply, refuse: reply(Response(seq=1 // 0))),
            "TooLarge": lambda caller, request: Done(RpcResponse(payload=bytes(MAX_ANSWER_BYTES))),
            "TooLargeThen": lambda caller, request: Read(
                GetRoom("r"), lambda found: RpcResponse(payload=bytes(MAX_ANSWER_BYTES))
            ),
            "ThenFails": lambda caller, request: Write(
                self._create(caller, request), lambda room: Response(seq=1 // 0)
            ),
        }
        users = [Call(f"Test/{name}", Request, Role.USER, method) for name, method in methods.items()]
        roles = [Call(f"Test/For{role.value}", Request, role, methods["Done"]) for role in Role]
        return [*users, *roles]

    def _create(self, caller: Caller, request: Request) -> CreateRoom:
        return CreateRoom(request.room_id, "", caller.profile_id, ())

    def _read_first(self, caller: Caller, request: Request) -> Answer:
        """Read room r; its answer depends on the request."""

        def then(found: Found) -> Answer:
            if request.room_id == "refused":
                raise NotAMember("not for you")
            if request.room_id == "done":
                return Done(Response(seq=4))
            return Write(self._create(caller, request), lambda room: Response(seq=5, unread=room.head_seq))

        return ReadFirst(GetRoom("r"), then)

    def _refuse(self, caller: Caller, request: Request) -> Answer:
        raise InvalidArgument("not like this")


class Node:
    """Calls on a real socket, over a real store with room r of alice. Calls that need no store are
    answered before ``start``."""

    def __init__(self, context: Context, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        database = Database(f"sqlite:///{folder}/chatd.db")
        database.migrate()
        self.methods = Methods()
        self.refused = Counter("requests_refused", "")
        self.store = StoreAccess(loop, database, clock=lambda: 1, readers=1, broken=lambda error: None)
        self.started = False
        self.calls = Calls(loop, self.store, self.methods.rows(), self.refused)
        self.uri = self.calls.bind(context, f"ipc://{folder}/calls", max_frame=1_000_000)

    async def start(self) -> None:
        """Let the store answer all that waits for it."""
        self.started = True
        self.store.write(CreateRoom("r", "", "alice", ()), lambda room: None)
        self.store.start(lambda runs: None)
        async with asyncio.timeout(10):
            while self.store.waiting:
                await asyncio.sleep(0.002)

    def close(self) -> None:
        self.calls.close()
        if self.started:
            self.store.stop()


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
async def node(context: Context, tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(context, tmp_path)
    yield made
    made.close()


@pytest.fixture
async def gateway(node: Node, context: Context) -> AsyncIterator[Gateway]:
    dialled = Gateway(context, node.uri)
    yield dialled
    dialled.close()


def assert_error(reply: RpcResponse, error: type[ChatdError]) -> None:
    assert (reply.error.code, reply.error.name, reply.error.retry) == (error.code, error.name, error.retry)
    assert reply.payload == b""


@pytest.mark.parametrize(
    ("method", "room_id", "answer"),
    [
        ("Done", "any", (1, 7)),
        ("Write", "new", (2, 1)),
        ("Read", "r", (3, 1)),
        ("ReadFirst", "done", (4, 0)),
        ("ReadFirst", "new", (5, 1)),
    ],
)
async def test_an_answer_is_given(
    node: Node, gateway: Gateway, method: str, room_id: str, answer: tuple[int, int]
) -> None:
    await node.start()
    reply = await gateway.call(f"Test/{method}", Request(room_id=room_id, seq=7), USER)
    response = Response.FromString(reply.payload)
    assert ((response.seq, response.unread), reply.HasField("error")) == (answer, False)
    assert (node.calls.under_way, node.store.waiting, node.refused.value) == (0, 0, 0)


@pytest.mark.parametrize(
    ("method", "room_id", "error"),
    [
        ("Refuses", "any", InvalidArgument),
        ("Write", "r", AlreadyExists),
        ("Read", "nowhere", RoomNotFound),
        ("ReadFirst", "refused", NotAMember),
        ("ReadFirst", "r", AlreadyExists),
        ("ThenFails", "new", Internal),
        ("Fails", "any", Internal),
        ("LaterFails", "any", Internal),
    ],
)
async def test_a_refusal_is_the_answer(
    node: Node, gateway: Gateway, method: str, room_id: str, error: type[ChatdError]
) -> None:
    await node.start()
    with capture_logs():
        assert_error(await gateway.call(f"Test/{method}", Request(room_id=room_id), USER), error)
    assert (node.calls.under_way, node.store.waiting, node.refused.value) == (0, 0, 1)
    assert not (await gateway.call("Test/Done", Request(), USER)).HasField("error"), "the node serves on"


@pytest.mark.parametrize("method", ["TooLarge", "TooLargeThen"])
async def test_an_answer_that_no_frame_can_hold_is_refused_and_the_connection_lives(
    node: Node, gateway: Gateway, method: str
) -> None:
    await node.start()
    reply = await gateway.call(f"Test/{method}", Request(), USER)
    assert_error(reply, Internal)
    assert (node.calls.under_way, node.store.waiting, node.refused.value) == (0, 0, 1)
    assert not (await gateway.call("Test/Done", Request(), USER)).HasField("error")


async def test_an_answer_may_come_later_and_out_of_order(node: Node, gateway: Gateway) -> None:
    await node.start()
    first, second = [await gateway.begin("Test/Later", Request(), USER) for _ in range(2)]
    assert Response.FromString((await gateway.call("Test/Done", Request(), USER)).payload).seq == 1
    assert node.calls.under_way == 2
    (reply, _), (_, refuse) = node.methods.later
    refuse(NotAMember("no"))
    async with asyncio.timeout(10):
        assert_error(await second, NotAMember)
    assert (node.calls.under_way, first.done()) == (1, False)
    reply(Response(seq=9))
    async with asyncio.timeout(10):
        assert Response.FromString((await first).payload).seq == 9
    assert node.calls.under_way == 0


@pytest.mark.parametrize("method", ["Test/Undone", "", "Test/" + "x" * 10_000, "Test/\x1b[31m"])
async def test_an_unknown_method_is_refused_without_repeating_all_of_it(
    node: Node, gateway: Gateway, method: str
) -> None:
    reply = await gateway.call(method, Request(), OPERATOR)
    assert_error(reply, UnknownMethod)
    assert len(reply.error.message) < 200
    assert reply.error.message.isprintable()
    assert (node.calls.under_way, node.refused.value) == (0, 1)


async def test_a_frame_that_is_no_request_is_refused_as_call_0(node: Node, gateway: Gateway) -> None:
    async with asyncio.timeout(10):
        assert_error(await (await gateway.send_frame(b"\xff\xff\xff")), MalformedFrame)
    assert not (await gateway.call("Test/Done", Request(), USER)).HasField("error")


async def test_a_payload_that_is_no_request_of_the_method_is_refused(node: Node, gateway: Gateway) -> None:
    reply = await gateway.call("Test/Done", b"\xff\xff\xff", USER)
    assert_error(reply, MalformedFrame)
    assert "SetReadMarkerRequest" in reply.error.message
    assert (node.calls.under_way, node.refused.value) == (0, 1)


@pytest.mark.parametrize(
    ("role", "admitted"),
    [
        (Role.USER, ["user", "operator"]),
        (Role.OPERATOR, ["operator"]),
        (Role.GATEWAY, ["gateway"]),
    ],
)
async def test_a_role_admits_its_callers_and_no_others(
    node: Node, gateway: Gateway, role: Role, admitted: list[str]
) -> None:
    callers: dict[str, node_pb2.Caller | None] = {
        "user": USER,
        "operator": OPERATOR,
        "gateway": None,
        "empty": node_pb2.Caller(),
    }
    replies = {
        name: await gateway.call(f"Test/For{role.value}", Request(), caller)
        for name, caller in callers.items()
    }
    let_in = [name for name, reply in replies.items() if not reply.HasField("error")]
    assert let_in == [*admitted, *(["empty"] if role is Role.GATEWAY else [])], (
        "a caller without a profile is the gateway itself"
    )
    for name, reply in replies.items():
        if name not in let_in:
            assert_error(reply, PermissionDenied)


async def test_a_caller_without_the_role_learns_nothing_about_its_payload(
    node: Node, gateway: Gateway
) -> None:
    assert_error(await gateway.call("Test/Foroperator", b"\xff\xff\xff", USER), PermissionDenied)


async def test_calls_are_refused_while_too_much_waits_for_the_store(node: Node, gateway: Gateway) -> None:
    for _ in range(MAX_WAITING):
        node.store.ask(GetRoom("nowhere"), lambda found: None, lambda error: None)
    assert_error(await gateway.call("Test/Read", Request(room_id="r"), USER), Overloaded)
    assert (node.calls.under_way, node.store.waiting) == (0, MAX_WAITING)
    await node.start()
    assert not (await gateway.call("Test/Read", Request(room_id="r"), USER)).HasField("error")


async def test_a_reply_to_a_gateway_that_has_gone_is_dropped(
    node: Node, gateway: Gateway, context: Context
) -> None:
    await gateway.begin("Test/Later", Request(), USER)
    async with asyncio.timeout(10):
        while not node.methods.later:
            await asyncio.sleep(0.002)
    gateway.close()
    other = Gateway(context, node.uri)
    with capture_logs() as logs:
        async with asyncio.timeout(10):
            while not logs:  # until the node has noticed that it is gone
                node.calls.under_way = 1
                node.methods.later[0][0](Response())
                await asyncio.sleep(0.005)
    assert {one["event"] for one in logs} == {"A reply could not be sent: its gateway has gone"}
    assert node.calls.under_way == 0
    assert not (await other.call("Test/Done", Request(), USER)).HasField("error")
    other.close()


async def test_a_paused_node_takes_no_more_calls_and_answers_those_it_has(
    node: Node, gateway: Gateway
) -> None:
    taken = await gateway.begin("Test/Later", Request(), USER)
    async with asyncio.timeout(10):
        while not node.calls.under_way:
            await asyncio.sleep(0.002)
    node.calls.pause()
    waits = await gateway.begin("Test/Done", Request(), USER)
    node.methods.later[0][0](Response(seq=9))
    async with asyncio.timeout(10):
        assert Response.FromString((await taken).payload).seq == 9
    await asyncio.sleep(0.05)
    assert (waits.done(), node.calls.under_way) == (False, 0)
