"""chatctl status, against real daemons: on one that serves, and on ones that something is wrong
with."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chatctl.command import Chatctl
from tests.daemons import Daemon, free_port


def test_status(chatctl: Chatctl) -> None:
    deadline = time.monotonic() + 10
    found = chatctl.json("status")
    while not found["gateways"][0]["counters"]["calls_forwarded"] or len(found["nodes"]) < 2:
        assert time.monotonic() < deadline, "a gateway tells its node every second"
        found = chatctl.json("status")
    assert (found["state"], found["problems"], found["database"]) == ("serving", [], "sqlite")
    assert len(found["log"]) == 16
    (gateway,) = found["gateways"]
    assert (gateway["gateway_id"], gateway["refused"], gateway["queue_problem"]) == ("all", "", "")
    assert gateway["heard_for_us"] < 10_000_000
    assert {node["kind"] for node in found["nodes"]} == {"default", "gateway"}
    lines = chatctl("status", "--no-headers").stdout.splitlines()
    assert lines[:2] == ["state\tserving", "node_id\tall"]
    of_gateway = [f"all {gateway['uri']} {name}" for name in ("streams", *gateway["counters"])]
    in_other_lines = (
        "gateways",
        "database_away_since_us",
        "cache_problem",
        "problems",
        "nodes",
        "stages",
    )
    of_node = ["uptime" if name == "uptime_seconds" else name for name in found if name not in in_other_lines]
    names = [line.split("\t")[0] for line in lines if " ms, p50/p99\t" not in line]
    assert names == of_node + of_gateway + ["all", "all"]


def wait_for(chatctl: Chatctl, told: Callable[[dict[str, Any]], bool], *, code: int) -> dict[str, Any]:
    """The first status that tells what is waited for; people and programs must be told the same."""
    deadline = time.monotonic() + 30
    while True:
        done = chatctl.run("status", "--json")
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode in (0, 3) else {}
        if found and told(found):
            assert done.returncode == code
            return found
        assert time.monotonic() < deadline, found or done.stderr
        time.sleep(0.1)


def has(*problems: str) -> Callable[[dict[str, Any]], bool]:
    def told(found: dict[str, Any]) -> bool:
        text = "\n".join(f"{one['check']} {one['found']}" for one in found["problems"])
        return all(problem in text for problem in problems)

    return told


def serves(found: dict[str, Any]) -> bool:
    return bool(found["state"] == "serving")


def test_a_node_that_is_stopped_and_a_gateway_that_was_killed(postgres_uri: str, tmp_path: Path) -> None:
    uris = [f"tcp://127.0.0.1:{free_port()}" for _ in range(2)]
    queues = [f"tcp://127.0.0.1:{free_port()}" for _ in range(2)]
    shared = {"DB_URI": postgres_uri, "NODE_LEASE_SECONDS": 2}

    def node(number: int) -> Daemon:
        own = {"DEFAULT_URI": uris[number], "QUEUE_USER_EVENT_DELIVERY_URI": queues[number]}
        return Daemon("default", tmp_path / f"n{number}", shared | own, name=f"n{number}")

    outer = {"DEFAULT_URI": ",".join(uris), "QUEUE_USER_EVENT_DELIVERY_URI": ",".join(queues)}
    with (
        node(0),
        node(1) as stopped,
        Daemon("gateway", tmp_path / "g", outer, name="g1") as gateway,
        Daemon("gateway", tmp_path / "g", outer, name="g2") as killed,
    ):
        chatctl = Chatctl(gateway)
        wait_for(chatctl, lambda found: serves(found) and len(found["nodes"]) == 4, code=0)
        killed.kill()
        os.kill(stopped.pid, signal.SIGSTOP)
        try:
            wait_for(chatctl, has("default n1 silent for", "gateway g2 silent for"), code=3)
        finally:
            os.kill(stopped.pid, signal.SIGCONT)
        shown = dict(line.split("\t")[:2] for line in chatctl("status", code=3).stdout.splitlines())
        assert shown["state"] == "degraded"
        assert shown["gateway g2"].startswith("silent for ")
