"""chatctl status, against a real daemon."""

from tests.chatctl.command import Chatctl


def test_status(chatctl: Chatctl) -> None:
    found = chatctl.json("status")
    assert found["database"] == "sqlite"
    (gateway,) = found["gateways"]
    assert gateway["gateway_id"] == "all"
    assert gateway["counters"]["calls_forwarded"] >= 1
    lines = chatctl("status").stdout.splitlines()
    assert lines[0] == "node_id\tall"
    of_gateway = [f"all {gateway['uri']} {name}" for name in gateway["counters"]]
    assert [line.split("\t")[0] for line in lines] == [name for name in found if name != "gateways"] + of_gateway
