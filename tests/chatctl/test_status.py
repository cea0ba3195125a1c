"""chatctl status, against a real daemon."""

import time

from tests.chatctl.command import Chatctl


def test_status(chatctl: Chatctl) -> None:
    deadline = time.monotonic() + 10
    found = chatctl.json("status")
    while not found["gateways"] or not found["gateways"][0]["counters"]["calls_forwarded"]:
        assert time.monotonic() < deadline, "a gateway tells its node every second"
        found = chatctl.json("status")
    assert found["database"] == "sqlite"
    assert len(found["log"]) == 16
    (gateway,) = found["gateways"]
    assert (gateway["gateway_id"], gateway["refused"]) == ("all", "")
    lines = chatctl("status").stdout.splitlines()
    assert lines[0] == "node_id\tall"
    of_gateway = [f"all {gateway['uri']} {name}" for name in ("streams", *gateway["counters"])]
    of_node = [name for name in found if name not in ("gateways", "database_away_since_us")]
    assert [line.split("\t")[0] for line in lines] == of_node + of_gateway
