"""The policy: who may make which call. Printed from the code, held against PROTOCOL.md, and tried
cell by cell over the wire."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from chatd.core import node_protocol
from chatd.core.scopes import Scope, scopes_to_pb
from chatd.daemon.default_node import assemble
from chatd.daemon.settings.sources import load_settings
from chatd.default.answer import Method, Role
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Error, RpcRequest, RpcResponse, ServerFrame
from chatd.pb.node.v1 import node_pb2
from chatd.store.database import Database
from chatd.transport.process_calls import ProcessCalls
from tests.daemons import Daemon, free_port

PROTOCOL = Path(__file__).parents[2] / "proto/PROTOCOL.md"
ROW = re.compile(
    r"^\| (\w+Service/\w+) \| (\w+) \| (\w+) → (\w+) \| (reads|writes|writes once) \| [\d, –]+ \|$",
    re.MULTILINE,
)
TOKENS = {
    "user": 'profile = "user"',
    "operator": 'profile = "ops"\nrole = "operator"',
    **{
        scope.value: f'profile = "{scope.value}"\nrole = "operator"\nscopes = ["{scope.value}"]'
        for scope in Scope
    },
}
"""The callers, by their tokens."""
RIGHTS = {
    "user": {Role.USER},
    "operator": {Role.USER, Role.READ, Role.OPERATE, Role.ERASE},
    **{scope.value: {Role.USER, Role(scope.value)} for scope in Scope},
}
NO_STREAM, PERMISSION_DENIED, UNAUTHENTICATED, UNKNOWN_METHOD = 104, 201, 200, 300


def policy(folder: Path) -> dict[str, Method]:
    """The calls of a node as it is put together, by name."""
    settings = load_settings("default", None, system_config=folder / "none")
    loop = asyncio.new_event_loop()
    try:
        made = assemble(
            loop,
            settings,
            Database(f"sqlite:///{folder}/policy.db"),
            lambda: None,
            lambda error: None,
            ProcessCalls(),
        )
    finally:
        loop.close()
    found = {method.name: method for method in made.methods}
    assert len(found) == len(made.methods), "a call has two rows"
    return found


@pytest.fixture(scope="module")
def methods(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Method]:
    return policy(tmp_path_factory.mktemp("policy"))


@pytest.fixture(scope="module")
def calls(methods: dict[str, Method]) -> dict[str, Role]:
    """Call → the role it needs."""
    return {name: method.role for name, method in methods.items()}


def test_the_protocol_page_has_the_policy(calls: dict[str, Role]) -> None:
    rows = ROW.findall(PROTOCOL.read_text())
    page = {name: role for name, role, *_ in rows}
    assert len(page) == len(rows)
    assert page == {name: role.value for name, role in calls.items()}


def test_the_protocol_page_says_which_calls_are_remembered(methods: dict[str, Method]) -> None:
    for name, *_, effect in ROW.findall(PROTOCOL.read_text()):
        if effect != "reads":
            remembered = methods[name].is_remembered and methods[name].role is not Role.GATEWAY
            assert (effect == "writes once") == remembered, name


def test_all_that_operators_do_is_audited(methods: dict[str, Method]) -> None:
    """But what monitoring asks for all the time, and what clients say by themselves."""
    assert {name for name, method in methods.items() if not method.is_audited} == {
        "AdminService/GetStatus",
        "AdminService/ListNodes",
        "ChatService/SetTyping",
        "ChatService/WatchPresence",
    }


def test_every_call_that_is_declared_has_a_row(calls: dict[str, Role]) -> None:
    from chatd.pb.admin.v1 import admin_pb2
    from chatd.pb.chat.v1 import chat_pb2

    services = (
        chat_pb2.DESCRIPTOR.services_by_name["ChatService"],
        admin_pb2.DESCRIPTOR.services_by_name["AdminService"],
        node_pb2.DESCRIPTOR.services_by_name["NodeService"],
    )
    declared = {f"{service.name}/{method.name}" for service in services for method in service.methods}
    assert declared == set(calls)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, str]]:
    """A node and a gateway apart; the node's own socket, and the gateway with TOKENS."""
    folder = tmp_path_factory.mktemp("daemon")
    node_uri = f"tcp://127.0.0.1:{free_port()}"
    shared = {"DEFAULT_URI": node_uri, "QUEUE_USER_EVENT_DELIVERY_URI": f"tcp://127.0.0.1:{free_port()}"}
    with Daemon("default", folder, shared), Daemon("gateway", folder, shared) as gateway:
        pass
    tokens = [f"[tokens.{token}]\n{entry}\n" for token, entry in TOKENS.items()]
    (folder / "tokens.toml").write_text("".join(tokens))
    with Daemon("default", folder, shared), gateway:
        yield gateway, node_uri


def through_the_gateway(gateway: Daemon, method: str, token: str, profile: str = "") -> Error:
    """The error of an empty request; its code is 0 if there is none."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.rcvtimeo = 20_000
    try:
        socket.connect(gateway.uri)
        call = RpcRequest(call_id=1, method=method, token=token, profile_id=profile)
        socket.send(ClientFrame(call=call).SerializeToString())
        return ServerFrame.FromString(socket.recv()).reply.error
    finally:
        socket.close()
        context.term()


def at_the_node(uri: str, method: str, caller: node_pb2.Caller | None) -> int:
    """The error code of an empty request, made as a gateway makes it: for a client, or for
    itself."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.rcvtimeo = 20_000
    try:
        socket.connect(uri)
        request = node_pb2.NodeRequest(call_id=1, method=method, protocol=node_protocol.NUMBER, caller=caller)
        socket.send(request.SerializeToString())
        return RpcResponse.FromString(socket.recv()).error.code
    finally:
        socket.close()
        context.term()


def caller(name: str) -> node_pb2.Caller:
    """A client of TOKENS, as the gateway names it."""
    scopes = {Scope(role.value) for role in RIGHTS[name] - {Role.USER}}
    role = node_pb2.ROLE_OPERATOR if scopes else node_pb2.ROLE_USER
    return node_pb2.Caller(profile_id="p", role=role, scopes=scopes_to_pb(scopes))


def test_every_cell_at_the_node(deployment: tuple[Daemon, str], calls: dict[str, Role]) -> None:
    _, uri = deployment
    refused = {
        (method, name): at_the_node(uri, method, None if name == "gateway" else caller(name))
        == PERMISSION_DENIED
        for method in calls
        for name in (*RIGHTS, "gateway")
        if not (
            method == "NodeService/Watch" and name == "gateway"
        )  # answered when its subscriptions have come
    }
    rights = {**RIGHTS, "gateway": {Role.GATEWAY}}
    assert refused == {(method, name): calls[method] not in rights[name] for method, name in refused}


def test_every_cell_through_the_gateway(deployment: tuple[Daemon, str], calls: dict[str, Role]) -> None:
    gateway, _ = deployment
    for method, role in calls.items():
        codes = {token: through_the_gateway(gateway, method, token).code for token in ("", "wrong", *TOKENS)}
        if role is Role.GATEWAY:
            assert set(codes.values()) == {UNKNOWN_METHOD}, method
            continue
        assert (codes.pop(""), codes.pop("wrong")) == (NO_STREAM, UNAUTHENTICATED), method
        assert UNAUTHENTICATED not in codes.values(), method
        assert {token: code == PERMISSION_DENIED for token, code in codes.items()} == {
            token: role not in rights for token, rights in RIGHTS.items()
        }, method


def test_acting_for_another_profile_needs_operate(deployment: tuple[Daemon, str]) -> None:
    gateway, _ = deployment
    for token, rights in RIGHTS.items():
        refused = through_the_gateway(gateway, "ChatService/ListUnread", token, profile="bob")
        assert (refused.code == PERMISSION_DENIED) == (Role.OPERATE not in rights), token


@pytest.mark.parametrize("method", ["AdminService/ListRooms", "AdminService/PurgeRoomHistory"])
def test_a_refusal_names_the_scope(
    deployment: tuple[Daemon, str], method: str, calls: dict[str, Role]
) -> None:
    gateway, _ = deployment
    assert f"the scope '{calls[method].value}'" in through_the_gateway(gateway, method, "operate").message
