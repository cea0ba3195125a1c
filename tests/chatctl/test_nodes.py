"""chatctl nodes, against a real daemon whose leases are short, and by the columns."""

import time
from collections.abc import Iterator

import pytest

from chatctl.columns import cells
from chatctl.nodes import COLUMNS
from chatctl.times import now_us
from chatd.core import node_protocol
from chatd.pb.admin.v1.admin_pb2 import Node
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd"), {"NODE_LEASE_SECONDS": 3}) as running:
        yield running


def test_nodes(chatctl: Chatctl, daemon: Daemon) -> None:
    end = time.monotonic() + 10
    while len(rows := [row for row in chatctl.json("nodes") if row["lease_left_us"] > 0]) < 2:
        assert time.monotonic() < end, rows
    assert {(row["node_id"], row["kind"]) for row in rows} == {("all", "default"), ("all", "gateway")}
    assert daemon.uri in {row["uri"] for row in rows}
    assert f"all\tgateway\t{daemon.uri}\t" in chatctl("nodes").stdout
    assert {(row["protocol"], row["refused"]) for row in rows} == {(node_protocol.NUMBER, "")}


def test_a_node_serves_while_its_lease_holds() -> None:
    node = Node(node_id="n", kind="default", started_at_us=now_us() - 300_000_000, lease_left_us=1)
    assert cells(node, COLUMNS)[-2:] == ["5m00s", "yes"]
    node.lease_left_us = -90_000_000
    assert cells(node, COLUMNS)[-2:] == ["-", "no, for 1m30s"]
    node.drained, node.lease_left_us = True, 1
    assert cells(node, COLUMNS)[-1] == "no: drained"


def test_a_process_of_another_version_is_shown_as_refused() -> None:
    node = Node(node_id="g", kind="gateway", started_at_us=now_us() - 300_000_000, protocol=0)
    node.refused = "it speaks protocol 0, and this process none before 1"
    assert cells(node, COLUMNS)[-3:] == ["0", "5m00s", f"refused: {node.refused}"]
