"""Connection metadata behind the cache seam, as operators see it."""

import time
from pathlib import Path

import pytest

from chatd.pb.admin.v1.admin_pb2 import Connection, ListConnectionsRequest, ListConnectionsResponse
from tests.protocol.conversation import Conversation
from tests.system.deployment import Deployment


def connections(operator: Conversation, profile: str) -> list[Connection]:
    reply = operator.request("AdminService/ListConnections", ListConnectionsRequest(profile_id=profile))
    return list(ListConnectionsResponse.FromString(reply.payload).connections)


@pytest.mark.parametrize("cache", ["database:", "mem:"])
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
