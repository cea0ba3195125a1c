"""Operators' calls to running processes reach them, wherever they are asked: streams at another
gateway, another default node."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from google.protobuf.message import Message

from chatd.pb.admin.v1 import admin_pb2 as admin
from tests.daemon.metrics.scraping import metrics_uri, readiness
from tests.databases import Cluster
from tests.protocol.conversation import Conversation
from tests.system.deployment import Deployment

M = TypeVar("M", bound=Message)
KICKED, DRAINING = 608, 602


@pytest.fixture(scope="module")
def deployment(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Two default nodes, two gateways; the operator is at the first."""
    folder = tmp_path_factory.mktemp("operators")
    (folder / "chatd.toml").write_text("")
    with Deployment(
        folder,
        postgres.uri(postgres.new_database("t1")),
        defaults=2,
        gateways=2,
        CHATD_CONFIG=folder / "chatd.toml",
        NODE_LEASE_SECONDS=3,
        DRAIN_SECONDS=2,
    ) as running:
        with (
            Conversation(running.uri(0), running.token) as operator,
            Conversation(running.uri(1), running.token, "first") as device,
        ):
            # Whichever test comes first: each knows all others, by now.
            until(lambda: all(len(serving(operator, kind)) == 2 for kind in ("default", "gateway")))
            until(lambda: answering(operator) == {"default0", "default1"})
            until(lambda: knows(device, running.uri(0)))
        yield running


def knows(device: Conversation, gateway: str) -> bool:
    """The device's gateway knows the other one."""
    welcome = device.open("d")
    device.hear_kind("caught_up")
    device.bye()
    device.hear_kind("closed")
    return list(welcome.gateways) == [gateway]


@pytest.fixture
def operator(deployment: Deployment) -> Iterator[Conversation]:
    with Conversation(deployment.uri(0), deployment.token) as conversation:
        yield conversation


@pytest.fixture
def bob(deployment: Deployment) -> Iterator[Conversation]:
    """At the other gateway."""
    with Conversation(deployment.uri(1), deployment.token, "bob") as conversation:
        yield conversation


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ask(operator: Conversation, method: str, request: Message, answer: type[M]) -> M:
    reply = operator.request(f"AdminService/{method}", request)
    assert not reply.HasField("error"), reply.error
    return answer.FromString(reply.payload)


def nodes(operator: Conversation) -> list[admin.Node]:
    return list(ask(operator, "ListNodes", admin.ListNodesRequest(), admin.ListNodesResponse).nodes)


def serving(operator: Conversation, kind: str) -> list[admin.Node]:
    return [one for one in nodes(operator) if one.kind == kind and one.lease_left_us > 0 and not one.drained]


def acts(operator: Conversation, method: str) -> list[str]:
    """The objects of the audit's acts by this method."""
    found = ask(operator, "ListAudit", admin.ListAuditRequest(limit=1_000), admin.ListAuditResponse)
    return [
        line.objects
        for line in found.lines
        if line.what == f"AdminService/{method}" and line.kind == admin.AUDIT_KIND_ACT
    ]


def open_stream(device: Conversation, name: str) -> int:
    epoch: int = device.open(name).epoch
    device.hear_kind("caught_up")
    return epoch


def kick(operator: Conversation, profile: str, device: str = "") -> admin.KickConnectionsResponse:
    request = admin.KickConnectionsRequest(profile_id=profile, device_id=device)
    return ask(operator, "KickConnections", request, admin.KickConnectionsResponse)


def test_a_stream_at_another_gateway_is_ended_and_may_come_back(
    deployment: Deployment, operator: Conversation, bob: Conversation
) -> None:
    epoch = open_stream(bob, "kicked")
    with Conversation(deployment.uri(1), deployment.token, "bobby") as bobby:
        open_stream(bobby, "kicked")
        before = len(acts(operator, "KickConnections"))
        done = kick(operator, "bob", "kicked")
        ((ended,), silent) = done.ended, done.silent
        assert (ended.device_id, ended.epoch, ended.gateway_id) == ("kicked", epoch, "gateway1")
        assert not silent
        closed = bob.hear_kind("closed")
        assert (closed.error.code, closed.error.retry) == (KICKED, True)
        assert open_stream(bob, "kicked") > epoch
        assert not kick(operator, "bob", "unknown").ended
        assert len(kick(operator, "bob").ended) == 1
        bob.hear_kind("closed")
        bobby.heartbeat(1)
        bobby.hear_kind("heartbeat")
        until(lambda: len(acts(operator, "KickConnections")) == before + 3)
        assert "profile_id=bob device_id=kicked" in acts(operator, "KickConnections")


def test_open_streams_are_listed_whichever_gateway_has_them(
    deployment: Deployment, operator: Conversation, bob: Conversation
) -> None:
    epoch = open_stream(bob, "listed")
    with Conversation(deployment.uri(0), deployment.token, "carla") as carla:
        open_stream(carla, "listed")

        def listed(**fields: Any) -> admin.ListStreamsResponse:
            return ask(operator, "ListStreams", admin.ListStreamsRequest(**fields), admin.ListStreamsResponse)

        found = {
            (one.profile_id, one.gateway_id): one for one in listed().streams if one.device_id == "listed"
        }
        assert found.keys() == {("bob", "gateway1"), ("carla", "gateway0")}
        one = found["bob", "gateway1"]
        assert (one.epoch, one.catching_up, one.in_flight, one.window > 0) == (epoch, False, 0, True)
        assert {one.gateway_id for one in listed(gateway_id="gateway1").streams} == {"gateway1"}
        cut = listed(limit=1)
        assert (len(cut.streams), cut.more, list(cut.silent)) == (1, True, [])


def look(operator: Conversation, device: str, **fields: bool) -> admin.TraceStreamResponse:
    request = admin.TraceStreamRequest(profile_id="bob", device_id=device, trace_id=device, **fields)
    return ask(operator, "TraceStream", request, admin.TraceStreamResponse)


def test_a_trace_shows_the_frames_and_changes_nothing(operator: Conversation, bob: Conversation) -> None:
    epoch = open_stream(bob, "traced")
    assert list(look(operator, "traced").gateways) == ["gateway1"]
    bob.create_room("traced-room")
    bob.deliveries(1)
    bob.send_texts("traced-room", "a secret")
    bob.deliveries(1)
    bob.ack(2)
    bob.heartbeat(7)
    bob.hear_kind("heartbeat")
    first = look(operator, "traced")
    shown = sorted((one.kind, one.from_device) for one in first.frames)
    assert shown == [
        ("ack", True),
        ("call", True),
        ("call", True),
        ("deliveries", False),
        ("deliveries", False),
        ("heartbeat", False),
        ("heartbeat", True),
        ("reply", False),
        ("reply", False),
    ]
    events = [(run.room_id, run.first_seq) for one in first.frames for run in one.runs]
    assert events == [("traced-room", 1), ("traced-room", 2)]
    (ack,) = (one for one in first.frames if one.kind == "ack")
    assert (ack.up_to, ack.in_flight, ack.epoch) == (2, 0, epoch)
    assert "secret" not in str(first)
    bob.bye()
    bob.hear_kind("closed")
    assert open_stream(bob, "traced") == epoch + 1, "nobody else has opened it"
    second = look(operator, "traced", payloads=True)
    assert [one.kind for one in second.frames] == ["bye", "closed", "hello", "welcome", "caught_up"]
    assert not second.lost
    bob.send_texts("traced-room", "another secret")
    bob.deliveries(1)
    assert "another secret" in str(look(operator, "traced", end=True, payloads=True))


def test_what_a_slow_tracer_does_not_take_is_counted(operator: Conversation, bob: Conversation) -> None:
    open_stream(bob, "slow")
    look(operator, "slow")
    for mark in range(600):
        bob.heartbeat(mark)
    for _ in range(600):
        bob.hear_kind("heartbeat")
    seen = look(operator, "slow", end=True)
    assert (len(seen.frames), seen.lost) == (1_000, 200)


def drain(operator: Conversation, **process: str) -> admin.DrainProcessResponse:
    return ask(operator, "DrainProcess", admin.DrainProcessRequest(**process), admin.DrainProcessResponse)


def resume(operator: Conversation, **process: str) -> bool:
    answer = admin.ResumeProcessResponse
    return ask(operator, "ResumeProcess", admin.ResumeProcessRequest(**process), answer).resumed


def told(operator: Conversation, gateway_id: str) -> tuple[bool, int]:
    """The figures that a gateway says of itself each second."""
    status = ask(operator, "GetStatus", admin.GetStatusRequest(), admin.GetStatusResponse)
    (found,) = (one for one in status.gateways if one.gateway_id == gateway_id)
    return found.drained, found.streams


def test_a_gateway_sends_its_devices_away_and_serves_again(
    deployment: Deployment, operator: Conversation, bob: Conversation
) -> None:
    open_stream(bob, "leaves")
    begun = drain(operator, gateway_id="gateway1")
    assert (begun.left, list(begun.elsewhere)) == (1, [deployment.uri(0)])
    closed = bob.hear_kind("closed")
    assert (closed.error.code, list(closed.gateways)) == (DRAINING, [deployment.uri(0)])
    bob.hello("leaves")
    assert bob.hear_kind("closed").error.code == DRAINING
    until(lambda: [one.node_id for one in serving(operator, "gateway")] == ["gateway0"])
    (drained,) = (one for one in nodes(operator) if one.drained)
    assert (drained.node_id, drained.lease_left_us > 0) == ("gateway1", True)
    until(lambda: told(operator, "gateway1") == (True, 0))
    assert resume(operator, gateway_id="gateway1")
    assert not resume(operator, gateway_id="gateway1")
    open_stream(bob, "leaves")
    until(lambda: len(serving(operator, "gateway")) == 2)
    assert "gateway_id=gateway1" in acts(operator, "DrainProcess")


def answering(operator: Conversation) -> set[str]:
    """The nodes that answer calls of many affinities."""
    found = set()
    for number in range(12):
        reply = operator.request("AdminService/GetStatus", admin.GetStatusRequest(), affinity=f"a{number}")
        found.add(admin.GetStatusResponse.FromString(reply.payload).node_id)
    return found


@pytest.mark.parametrize("node", ["default0", "default1"])
def test_no_calls_go_to_a_drained_node(operator: Conversation, bob: Conversation, node: str) -> None:
    """One of them is asked by the other, through a gateway."""
    (other,) = {"default0", "default1"} - {node}
    assert answering(operator) == {"default0", "default1"}
    assert drain(operator, node_id=node).left == 0
    assert answering(operator) == {other}
    until(lambda: [one.node_id for one in serving(operator, "default")] == [other])
    last = operator.request("AdminService/DrainProcess", admin.DrainProcessRequest(node_id=other))
    assert "only default node" in last.error.message
    open_stream(bob, "goes-on")
    assert resume(operator, node_id=node)
    until(lambda: answering(operator) == {node, other})
    until(lambda: len(serving(operator, "default")) == 2)


def test_the_level_of_every_log_is_set(deployment: Deployment, operator: Conversation) -> None:
    def levels(**fields: str) -> dict[str, str]:
        request = admin.SetLogLevelRequest(**fields)
        done = ask(operator, "SetLogLevel", request, admin.SetLogLevelResponse)
        assert not done.silent
        return {one.node_id: one.level for one in done.processes}

    everywhere = {"default0", "default1", "gateway0", "gateway1"}
    assert levels() == dict.fromkeys(everywhere, "info")
    for fields in ({"node_id": "default0"}, {"node_id": "default1"}, {"gateway_id": "gateway1"}):
        assert list(levels(level="debug", **fields).values()) == ["debug"]
    assert levels()["gateway0"] == "info"
    assert levels(level="info") == dict.fromkeys(everywhere, "info")
    said = [json.loads(line) for line in deployment.defaults[1].log.read_text().splitlines()]
    assert any(one.get("level") == "debug" or one.get("before") == "debug" for one in said)
    refused = operator.request("AdminService/SetLogLevel", admin.SetLogLevelRequest(level="loud"))
    assert "debug, info, warning, error" in refused.error.message


def test_every_process_reloads_and_says_what_came_of_it(
    deployment: Deployment, operator: Conversation
) -> None:
    def reload() -> dict[str, admin.ProcessReload]:
        done = ask(operator, "ReloadSettings", admin.ReloadSettingsRequest(), admin.ReloadSettingsResponse)
        assert not done.silent
        return {one.node_id: one for one in done.processes}

    config = Path(deployment.folder / "chatd.toml")
    config.write_text("max_events_per_second = 500\nwindow_messages = 7\n")
    done = reload()
    assert set(done) == {"default0", "default1", "gateway0", "gateway1"}
    gateway = done["gateway1"]
    assert list(gateway.changed) == ["MAX_EVENTS_PER_SECOND"]
    assert list(gateway.at_next_start) == ["WINDOW_MESSAGES"]
    config.write_text("nothing = 1\n")
    assert all(one.faults and not one.changed for one in reload().values())
    config.write_text("")
    assert not reload()["default0"].faults


def test_readyz_says_that_an_operator_has_drained_it(tmp_path: Path) -> None:
    with (
        Deployment(
            tmp_path, f"sqlite:///{tmp_path}/chatd.db", defaults=0, gateways=0, **metrics_uri()
        ) as alone,
        Conversation(alone.uri(), alone.token) as operator,
    ):
        (daemon,) = alone.all
        until(lambda: readiness(daemon) == (200, []))
        assert list(drain(operator, gateway_id="all").elsewhere) == []
        assert readiness(daemon) == (503, ["an operator has drained the gateway"])
        resume(operator, gateway_id="all")
        assert readiness(daemon) == (200, [])
