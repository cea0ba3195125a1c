"""A node, two gateways and clients on hosts of their own: nobody else is let in, nothing is in
clear on the wire, and keys change under load."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import zmq

from chatd.core.curve import new_key_pair
from chatd.files.key_file import load_keys
from chatd.transport.self_test import dress, knock
from chatd.transport.sockets import Socket, new_context
from tests.daemons import operator_token
from tests.system.mesh import Machine, gateway_of, node_at
from tests.system.two_machines.hosts import Host, Network
from tests.system.two_machines.sniffer import Sniffer

CANARY = "yellow-canary-4711"


class Deployment:
    """``node`` trusts ``east`` and ``west``."""

    def __init__(self, hosts: Network, folder: Path) -> None:
        self.hosts = hosts
        self.node = node_at(folder / "node", hosts["node"].address)
        self.east, self.west = (self._gateway(folder / name, hosts[name]) for name in ("east", "west"))
        for machine in (self.node, self.east, self.west):
            machine.prefix = hosts[machine.folder.parent.name].prefix

    def _gateway(self, folder: Path, host: Host) -> Machine:
        made = gateway_of(folder, self.node, GATEWAY_URI=f"tcp://{host.address}:7400")
        self.node.trust(made)
        return made

    def address(self, gateway: Machine) -> str:
        """Where devices connect."""
        return f"{gateway.settings['GATEWAY_URI']}#{gateway.keys.newest.public.hex()}"

    def talker(self) -> "subprocess.Popen[str]":
        arguments = [
            part for one in (self.east, self.west) for part in (self.address(one), operator_token(one.folder))
        ]
        talker = subprocess.Popen(
            [
                *self.hosts["away"].prefix,
                sys.executable,
                "-m",
                "tests.system.two_machines.talker",
                *arguments,
                CANARY,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert talker.stdout is not None
        assert talker.stdout.readline() == "talking\n"
        return talker


@pytest.fixture
def deployment(hosts: Network, tmp_path: Path) -> Iterator[Deployment]:
    made = Deployment(hosts, tmp_path)
    with made.node, made.east, made.west:
        yield made


def send_in_clear(here: Host, there: Host) -> None:
    """Shows that the sniffer sees what there is to be seen."""
    listener = there.run(lambda: socket.create_server((there.address, 9)))
    with listener, here.run(lambda: socket.create_connection((there.address, 9), timeout=5)) as sender:
        sender.sendall(b"in-clear")
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(100) == b"in-clear"


def end(talker: "subprocess.Popen[str]") -> tuple[list[int], list[tuple[str, int, str]]]:
    """The seqs of what was sent, and what was shown."""
    printed, _ = talker.communicate(timeout=60)
    found = json.loads(printed)
    return found["sent"], [tuple(one) for one in found["shown"]]


def test_nothing_is_in_clear_while_keys_change_under_load(deployment: Deployment) -> None:
    node, hosts = deployment.node, deployment.hosts
    secrets = [
        CANARY.encode(),
        *(operator_token(one.folder).encode() for one in (deployment.east, deployment.west)),
    ]
    with Sniffer(hosts.switch, b"in-clear", *secrets) as sniffer:
        send_in_clear(hosts["away"], hosts["node"])
        talker = deployment.talker()
        node.rotate()
        for gateway in (deployment.east, deployment.west):
            gateway.until(node.keys.newest.public.hex())
        node.finish()
        time.sleep(1)  # of load on the new key
        sent, shown = end(talker)
    assert sent == list(range(2, len(sent) + 2)), "a retried send was stored twice, or one was lost"
    assert shown == [("r", seq, f"{CANARY} {number}") for number, seq in enumerate(sent)]
    assert len(sent) > 50
    assert sniffer.packets > 10 * len(sent)
    assert sniffer.seen == {b"in-clear"}


@pytest.mark.parametrize(
    ("kind", "setting"), [(zmq.DEALER, "DEFAULT_URI"), (zmq.SUB, "QUEUE_USER_EVENT_DELIVERY_URI")]
)
def test_nobody_else_is_let_in(deployment: Deployment, kind: int, setting: str) -> None:
    """From a host that may send packets to every port."""
    node = deployment.node
    server, stranger = node.keys.current.public, new_key_pair()
    trusted = load_keys(deployment.east.key_file, create=False).current

    def outcomes() -> list[str]:
        """Without a key, with a stranger's, to another server's, and last as a gateway."""
        context = new_context()
        prepare: list[Callable[[Socket], None]] = [
            lambda knocker: None,
            partial(dress, keys=stranger, server=server),
            partial(dress, keys=trusted, server=new_key_pair().public),
            partial(dress, keys=trusted, server=server),
        ]
        try:
            return [knock(context, kind, node.settings[setting], one) for one in prepare]
        finally:
            context.destroy(linger=0)

    assert deployment.hosts["away"].run(outcomes) == ["refused", "refused", "refused", "let in"]
    assert f"type: chatd keys trust {stranger.public.hex()}" in node.log.read_text()


def test_a_machine_joins_by_two_copied_lines(hosts: Network, tmp_path: Path) -> None:
    """As systemd/README.md says: the node's log has the address for the gateway's settings, and
    then the line that lets the gateway in."""
    node = node_at(tmp_path / "node", hosts["node"].address)
    node.prefix = hosts["node"].prefix
    with node:
        ready = json.loads(node.log.read_text().splitlines()[-1])
        gateway = Machine(
            "gateway",
            tmp_path / "west",
            DEFAULT_URI=ready["default"],
            GATEWAY_URI=f"tcp://{hosts['west'].address}:7400",
        )
        gateway.prefix = hosts["west"].prefix
        gateway.start(wait=False)
        try:
            node.until("type: ")
            line = node.log.read_text().partition("type: ")[2].partition('"')[0]
            assert line == f"chatd keys trust {gateway.keys.current.public.hex()}"
            command = [sys.executable, "-m", *line.split()]
            subprocess.run(command, env={**os.environ, **node.settings}, check=True, capture_output=True)
            gateway.until("chatd is ready")
        finally:
            gateway.stop()
