"""Connection metadata behind the cache seam, as operators see it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.pb.admin.v1.admin_pb2 import (
    Connection,
    GetStatusRequest,
    GetStatusResponse,
    ListConnectionsRequest,
    ListConnectionsResponse,
)
from tests.brokers import BrokerProcess, broker
from tests.protocol.conversation import Conversation, texts
from tests.system.deployment import Deployment

SECRET = "s3cr3t-Pa55"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with broker("redis", tmp_path_factory.mktemp("redis"), password=SECRET) as process:
        yield process


@pytest.fixture(params=["database:", "mem:", "redis:"])
def cache(request: pytest.FixtureRequest) -> str:
    """A CACHE_URI."""
    if request.param != "redis:":
        return str(request.param)
    port = request.getfixturevalue("redis").port
    return f"redis://chatd:{SECRET}@127.0.0.1:{port}/cache"


def connections(operator: Conversation, profile: str) -> list[Connection]:
    reply = operator.request("AdminService/ListConnections", ListConnectionsRequest(profile_id=profile))
    return list(ListConnectionsResponse.FromString(reply.payload).connections)


def test_connections_are_listed_while_they_last(cache: str, tmp_path: Path) -> None:
    with (
        Deployment(
            tmp_path,
            f"sqlite:///{tmp_path}/c.db",
            defaults=1,
            gateways=1,
            CACHE_URI=cache,
            CONNECTION_TOUCH_SECONDS=0,
        ) as deployment,
        Conversation(deployment.uri(), deployment.token, "bob") as bob,
        Conversation(deployment.uri(), deployment.token) as operator,
    ):
        epoch = bob.open("d", client="test 1.0").epoch
        bob.hear_kind("caught_up")
        deadline = time.monotonic() + 10
        while not connections(operator, "bob"):  # registered with the writer's next commit
            assert time.monotonic() < deadline
        (row,) = connections(operator, "bob")
        assert (row.device_id, row.epoch, row.gateway_id, row.client) == ("d", epoch, "gateway0", "test 1.0")
        assert connections(operator, "alice") == []
        seen = row.seen_us
        while connections(operator, "bob")[0].seen_us == seen:
            assert time.monotonic() < deadline
            bob.heartbeat(1)
            bob.hear_kind("heartbeat")
        bob.bye()
        bob.hear_kind("closed")
        while connections(operator, "bob"):
            assert time.monotonic() < deadline


def test_that_a_device_lives_is_not_noted_at_each_heartbeat(tmp_path: Path) -> None:
    with (
        Deployment(
            tmp_path,
            f"sqlite:///{tmp_path}/c.db",
            defaults=1,
            gateways=1,
            CACHE_URI="mem:",
            CONNECTION_TOUCH_SECONDS=3600,
        ) as deployment,
        Conversation(deployment.uri(), deployment.token, "bob") as bob,
        Conversation(deployment.uri(), deployment.token) as operator,
    ):
        bob.open("d")
        bob.hear_kind("caught_up")
        (row,) = connections(operator, "bob")
        for _ in range(5):
            bob.heartbeat(1)
            bob.hear_kind("heartbeat")
            time.sleep(0.1)
        assert connections(operator, "bob")[0].seen_us == row.seen_us


def test_a_redis_that_is_away_costs_the_list_of_connections_only(
    redis: BrokerProcess, tmp_path: Path
) -> None:
    uri = f"redis://chatd:{SECRET}@127.0.0.1:{redis.port}/away"
    with (
        Deployment(
            tmp_path,
            f"sqlite:///{tmp_path}/c.db",
            defaults=0,
            gateways=0,
            CACHE_URI=uri,
            CONNECTION_TOUCH_SECONDS=0,
        ) as deployment,
        Conversation(deployment.uri(), deployment.token, "bob") as bob,
        Conversation(deployment.uri(), deployment.token) as operator,
    ):
        (chatd,) = deployment.all
        bob.create_room("r", "bob")
        bob.open("d")
        bob.hear_kind("caught_up")
        assert [one.device_id for one in connections(operator, "bob")] == ["d"]
        assert _problem(operator) == ""
        redis.stop()
        deadline = time.monotonic() + 20
        while not _problem(operator):
            assert time.monotonic() < deadline
        assert operator.refused("AdminService/ListConnections", ListConnectionsRequest()) == 501
        bob.send_texts("r", "without it")
        assert "without it" in texts(bob.deliveries(1))
        redis.start()
        while _problem(operator):
            assert time.monotonic() < deadline
        while not connections(operator, "bob"):  # it is heard again
            assert time.monotonic() < deadline
            bob.heartbeat(1)
            bob.hear_kind("heartbeat")
        said = chatd.log.read_text()
        assert said.count("The cache of connections is away") == 1
        assert said.count("The cache of connections is back") == 1
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file


def _problem(operator: Conversation) -> str:
    reply = operator.request("AdminService/GetStatus", GetStatusRequest())
    return GetStatusResponse.FromString(reply.payload).cache_problem
