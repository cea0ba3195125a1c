"""Operators are told when every account of the machine may open the sockets between nodes and
gateways."""

import json
from pathlib import Path

import pytest

from tests.daemons import Daemon, free_port

CALLS, QUEUE = "DEFAULT_URI", "QUEUE_USER_EVENT_DELIVERY_URI"


def warnings(daemon: Daemon) -> list[str]:
    """The addresses that the log warns of."""
    logged = [json.loads(line) for line in daemon.log.read_text().splitlines()]
    return [one["addresses"] for one in logged if "may act as an operator" in one["message"]]


@pytest.mark.parametrize("transport", ["tcp", "abstract", "ipc"])
def test_open_sockets_are_said_once_at_start(tmp_path: Path, transport: str) -> None:
    def address(name: str) -> str:
        if transport == "tcp":
            return f"tcp://127.0.0.1:{free_port()}"
        return (
            f"ipc://@{tmp_path.name}-{free_port()}" if transport == "abstract" else f"ipc://{tmp_path}/{name}"
        )

    settings = {CALLS: address("calls"), QUEUE: address("queue"), "LOG_FORMAT": "json"}
    with Daemon("default", tmp_path, settings) as node, Daemon("gateway", tmp_path, settings) as gateway:
        said = [] if transport == "ipc" else [",".join(sorted((settings[CALLS], settings[QUEUE])))]
        assert warnings(node) == said
        assert warnings(gateway) == said
        if transport == "ipc":
            assert all((tmp_path / name).stat().st_mode & 0o077 == 0 for name in ("calls", "queue"))


def test_one_process_opens_none(tmp_path: Path) -> None:
    with Daemon("all", tmp_path, {"LOG_FORMAT": "json"}) as daemon:
        assert warnings(daemon) == []


def test_a_socket_with_a_key_is_not_open(tmp_path: Path) -> None:
    settings = {CALLS: f"tcp://127.0.0.1:{free_port()}#curve", QUEUE: f"tcp://127.0.0.1:{free_port()}#curve"}
    with Daemon("all", tmp_path, settings | {"LOG_FORMAT": "json"}) as daemon:
        assert warnings(daemon) == []
