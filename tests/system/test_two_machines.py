"""README's "Two machines", line by line: a gateway joins a node with one copied line, and a client
the gateway with another. Both listen at all addresses of the machine."""

import json
import re
from pathlib import Path

from chatd.client import Client
from tests.daemon.test_process import chatd
from tests.daemon.test_reload import records, until
from tests.daemons import Daemon, free_port, operator_token


def everywhere() -> str:
    return f"tcp://0.0.0.0:{free_port()}"


async def test_a_second_machine_joins_with_one_copied_line(tmp_path: Path) -> None:
    host = {"PUBLIC_HOST": "127.0.0.1"}
    node = Daemon(
        "default",
        tmp_path / "node",
        {**host, "DEFAULT_URI": everywhere(), "QUEUE_USER_EVENT_DELIVERY_URI": everywhere()},
    )
    with node:
        (ready,) = records(node, "chatd is ready")
        gate = Daemon(
            "gateway",
            tmp_path / "gate",
            {**host, "DEFAULT_URI": ready["default"], "GATEWAY_URI": everywhere()},
        )
        gate.start(wait=False)
        try:
            await until(lambda: bool(records(node, "keys trust")))
            assert not records(gate, "chatd is ready")
            said = re.search(r"chatd (keys trust [0-9a-f]{64})", json.dumps(records(node, "keys trust")))
            assert said is not None
            typed = chatd(*said[1].split(), "gate", **node.settings)
            assert typed.returncode == 0, typed.stderr
            await until(lambda: bool(records(gate, "chatd is ready")))
            shown = chatd("keys", "show", "--mode", "gateway", "--json", **gate.settings)
            assert json.loads(shown.stdout)["gateway_uri"] == gate.public_uri
            async with Client(gate.public_uri, operator_token(gate.folder), profile="ann") as ann:
                await ann.create_room("lobby")
                assert (await ann.send("lobby", "hello")).seq == 2
        finally:
            gate.stop()
