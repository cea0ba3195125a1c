"""Calls over a real ROUTER and DEALER: each kind of answer, each kind of refusal, and nothing under
way when all is answered."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from chatd.core.counter import Counter
from chatd.core.scopes import Scope, scopes_to_pb
from chatd.default.answer import (
    Answer,
    Call,
    Caller,
    Done,
    Later,
    Read,
    ReadFirst,
    Refuse,
    Respond,
    Role,
    Write,
)
from chatd.default.calls import MAX_ANSWER_BYTES, Calls
from chatd.default.deadlines import Deadlines
from chatd.default.rooms.model import Member, Room
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import (
    AlreadyExists,
    ChatdError,
    Internal,
    InvalidArgument,
    InvalidId,
    MalformedFrame,
    NotAMember,
    Overloaded,
    PermissionDenied,
    RequestIdReused,
    RoomNotFound,
    TimedOut,
    Unavailable,
    UnknownMethod,
)
from chatd.pb.chat.v1.chat_pb2 import SetReadMarkerRequest as Request
from chatd.pb.chat.v1.chat_pb2 import SetReadMarkerResponse as Response
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.pb.node.v1 import node_pb2
from chatd.pb.node.v1.node_pb2 import CallLimits
from chatd.store.access import MAX_WAITING, StoreAccess
from chatd.store.command import NO_LOCKS, Command, Locks
from chatd.store.database import Database
from chatd.store.steady import steady_us
from chatd.store.transaction import Transaction
from chatd.transport.sockets import Context, new_context
from tests.default.gateway import OPERATOR, USER, Gateway

STARTED_US = 77

Found = tuple[Room, tuple[Member, ...], bool]


class Methods:
    """One method for each kind of answer; ``seq`` of the response says where it came from. A
    request names the room."""

    def __init__(self) -> None:
        self.later: list[tuple[Respond, Refuse]] = []
        """Answers that the test gives."""
        self.done: list[str] = []
        """Rooms that Write has made."""

    def rows(self) -> list[Call[Request]]:
        methods: dict[str, Callable[[Caller, Request], Answer]] = {
            "Done": lambda caller, request: Done(Response(seq=1, unread=request.seq)),
            "Write": lambda caller, request: Write(
                self._create(caller, request),
                lambda room: Response(seq=2, unread=room.head_seq),
                lambda room: self.done.append(room.room_id),
            ),
            "Read": lambda caller, request: Read(
                GetRoom(request.room_id), lambda found: Response(seq=3, unread=found[0].head_seq)
            ),
            "ReadFirst": self._read_first,
            "Later": lambda caller, request: Later(
                lambda store, reply, refuse: self.later.append((reply, refuse))
            ),
            "Refuses": self._refuse,
            "Fails": lambda caller, request: Done(Response(seq=1 // 0)),
            "LaterFails": lambda caller, request: Later(
                lambda store, reply, refuse: reply(Response(seq=1 // 0))
            ),
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
        forgotten = Call("Test/Forgotten", Request, Role.USER, methods["Write"], is_remembered=False)
        return [*users, *roles, forgotten]

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
        self.calls = Calls(
            loop, self.store, self.methods.rows(), self.refused, Deadlines(STARTED_US), lambda *call: None
        )
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


OPERATOR_OF_A_LATER_TIME = b"\x0a\x03ops\x10\x02\x1a\x01\x63"
"""A caller with a scope that is not known here."""


@pytest.mark.parametrize(
    ("role", "admitted"),
    [
        (Role.USER, ["user", "operator", "read", "operate", "erase", "unknown scope", "no scope"]),
        (Role.READ, ["operator", "read"]),
        (Role.OPERATE, ["operator", "operate"]),
        (Role.ERASE, ["operator", "erase"]),
        (Role.GATEWAY, ["gateway"]),
    ],
)
async def test_a_role_admits_its_callers_and_no_others(
    node: Node, gateway: Gateway, role: Role, admitted: list[str]
) -> None:
    callers: dict[str, node_pb2.Caller | None] = {
        "user": USER,
        "operator": OPERATOR,
        **{
            scope.value: node_pb2.Caller(profile_id="ops", role=OPERATOR.role, scopes=scopes_to_pb({scope}))
            for scope in Scope
        },
        "unknown scope": node_pb2.Caller.FromString(OPERATOR_OF_A_LATER_TIME),
        "no scope": node_pb2.Caller(profile_id="ops", role=OPERATOR.role),
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
    assert_error(await gateway.call("Test/Foroperate", b"\xff\xff\xff", USER), PermissionDenied)


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
                node.calls._begun = 1
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


def limits(seconds: float, *, silent_in: float = 60.0, started_at_us: int = STARTED_US) -> CallLimits:
    """For a call that is given up in so many seconds."""
    now_us = steady_us()
    return CallLimits(
        node_started_at_us=started_at_us,
        deadline_us=now_us + round(seconds * 1e6),
        period=1,
        silent_at_us=now_us + round(silent_in * 1e6),
    )


@dataclass(frozen=True, slots=True)
class Busy(Command[None]):
    """Takes until the test says that it is over. A query that comes after it has begun has another
    transaction."""

    begun: threading.Event
    end: threading.Event

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence["Busy"]) -> list[None]:
        commands[0].begun.set()
        assert commands[0].end.wait(20)
        return [None for _ in commands]


async def test_a_call_in_time_is_answered(node: Node, gateway: Gateway) -> None:
    await node.start()
    reply = await gateway.call("Test/Write", Request(room_id="new"), USER, limits=limits(10))
    assert Response.FromString(reply.payload).seq == 2


@pytest.mark.parametrize(
    ("late", "error"),
    [
        (limits(-0.001), TimedOut),
        (limits(10, silent_in=-0.001), TimedOut),
        (limits(10, started_at_us=STARTED_US - 1), Unavailable),
    ],
    ids=["deadline", "silence", "another process"],
)
@pytest.mark.parametrize("method", ["Done", "Write", "ReadFirst"])
async def test_a_call_that_comes_too_late_is_not_executed(
    node: Node, gateway: Gateway, method: str, late: CallLimits, error: type[ChatdError]
) -> None:
    await node.start()
    assert_error(await gateway.call(f"Test/{method}", Request(room_id="new"), USER, limits=late), error)
    assert_error(await gateway.call("Test/Read", Request(room_id="new"), USER), RoomNotFound)
    assert node.calls.under_way == 0


@pytest.mark.parametrize("method", ["Write", "ReadFirst"])
@pytest.mark.parametrize("late", [{"seconds": 0.2}, {"silent_in": 0.2}], ids=["deadline", "silence"])
async def test_a_call_whose_turn_comes_too_late_is_not_executed(
    node: Node, gateway: Gateway, method: str, late: dict[str, float]
) -> None:
    """It waits in the writer's queue until its time is up."""
    await node.start()
    busy = Busy(threading.Event(), threading.Event())
    node.store.tell(busy)
    assert await asyncio.to_thread(busy.begun.wait, 10)
    limited = limits(late.get("seconds", 10), silent_in=late.get("silent_in", 60))
    reply = await gateway.begin(f"Test/{method}", Request(room_id="new"), USER, limits=limited)
    async with asyncio.timeout(10):
        while not node.calls.under_way:
            await asyncio.sleep(0.002)
    await asyncio.sleep(0.25)
    busy.end.set()
    async with asyncio.timeout(10):
        assert_error(await reply, TimedOut)
    assert_error(await gateway.call("Test/Read", Request(room_id="new"), USER), RoomNotFound)


async def test_a_call_waits_as_long_as_its_gateway_hears_the_node(node: Node, gateway: Gateway) -> None:
    reply = await gateway.begin("Test/Write", Request(room_id="new"), USER, limits=limits(10, silent_in=0.2))
    await gateway.call("Test/Done", Request(), USER, limits=limits(10, silent_in=60))
    await asyncio.sleep(0.25)
    await node.start()
    async with asyncio.timeout(10):
        assert Response.FromString((await reply).payload).seq == 2


async def test_a_call_that_comes_again_gets_its_first_answer(node: Node, gateway: Gateway) -> None:
    await node.start()
    request = Request(room_id="new")
    first = await gateway.call("Test/Write", request, USER, request_id="id")
    assert Response.FromString(first.payload) == Response(seq=2, unread=1)
    again = await gateway.call("Test/Write", request, USER, request_id="id")
    assert (again.payload, again.HasField("error")) == (first.payload, False)
    assert node.methods.done == ["new"], "what follows a commit is done once"
    assert_error(await gateway.call("Test/Write", request, USER), AlreadyExists)
    assert_error(await gateway.call("Test/Write", request, USER, request_id="other"), AlreadyExists)
    assert node.calls.under_way == 0


async def test_an_id_is_for_one_call_of_one_profile(node: Node, gateway: Gateway) -> None:
    await node.start()
    await gateway.call("Test/Write", Request(room_id="new"), USER, request_id="id")
    for method, room_id in (("Write", "newer"), ("ReadFirst", "new")):
        reply = await gateway.call(f"Test/{method}", Request(room_id=room_id), USER, request_id="id")
        assert_error(reply, RequestIdReused)
    reply = await gateway.call("Test/Write", Request(room_id="newer"), OPERATOR, request_id="id")
    assert Response.FromString(reply.payload).seq == 2


async def test_a_refused_call_may_be_tried_again_under_its_id(node: Node, gateway: Gateway) -> None:
    await node.start()
    assert_error(await gateway.call("Test/Write", Request(room_id="r"), USER, request_id="id"), AlreadyExists)
    reply = await gateway.call("Test/Write", Request(room_id="new"), USER, request_id="id")
    assert Response.FromString(reply.payload).seq == 2


async def test_an_id_of_what_is_not_remembered_means_nothing(node: Node, gateway: Gateway) -> None:
    await node.start()
    for method in ("Done", "Read", "Forgotten"):
        for room_id in ("r", "s"):
            reply = await gateway.call(f"Test/{method}", Request(room_id=room_id), USER, request_id="id")
            assert reply.error.code != RequestIdReused.code, method
    reply = await gateway.call("Test/Forgotten", Request(room_id="s"), USER, request_id="id")
    assert_error(reply, AlreadyExists)


@pytest.mark.parametrize("request_id", ["a:b", "a b", "x" * 129, "a\0"])
async def test_a_request_id_is_an_id(node: Node, gateway: Gateway, request_id: str) -> None:
    reply = await gateway.call("Test/Done", Request(), USER, request_id=request_id)
    assert_error(reply, InvalidId)
