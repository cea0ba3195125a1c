"""Descriptors at their end: connections are ended, a line says so, those that are in are served,
and an operator comes in.

A storm of clients that connect again and again at once is accepted at a pace: the others wait in
the kernel, each newcomer has the time to authenticate, and the loop has time for those who are in.
"""

import asyncio
import logging
import os
import resource
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chatd.client import Client
from chatd.pb.admin.v1.admin_pb2 import GetStatusRequest
from tests.attacker import attack
from tests.bench.measure import cpu_seconds
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation
from tests.raw_peer import RawPeer

log = logging.getLogger(__name__)
FILES = 256
HOUSE = {"MAX_CONNECTIONS_PER_ADDRESS": 10 * FILES}
"""All that come are of one address; of it alone they may be no more than half of all."""
CORES = 0.6
"""The most that a storm may take of a core, with others beside it. Without a pace it takes all of
it."""
ENTRANCE_SECONDS = 3.0


class Narrow(Daemon):
    """chatd with a hard limit of FILES, and a soft one of half of that."""

    def start(self, *, wait: bool = True) -> "Narrow":
        limits = f'ulimit -Sn {FILES // 2} && ulimit -Hn {FILES} && exec "$@"'
        command = ["sh", "-c", limits, "sh", sys.executable, "-m", "chatd", self.mode]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **self.settings}
            )
        deadline = time.monotonic() + 30
        while b"chatd is ready" not in self.log.read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return self


TOKENS = """
[tokens.of-an-operator]
profile = "operator"
role = "operator"

[tokens.of-a-user]
profile = "alice"
"""


async def test_descriptors_run_out(tmp_path: Path) -> None:
    (tmp_path / "tokens.toml").write_text(TOKENS)
    with Narrow("all", tmp_path, HOUSE) as daemon:
        assert resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE) == (FILES, FILES), (
            "the soft limit was raised"
        )
        async with AsyncExitStack() as stack:
            crowd = [
                await stack.enter_async_context(Client(daemon.uri, "of-a-user", call_timeout=3))
                for _ in range(FILES)
            ]
            came = await asyncio.gather(*(client.unread() for client in crowd), return_exceptions=True)
            assert 100 < sum(not isinstance(one, BaseException) for one in came) < FILES
            await asyncio.sleep(2)
            assert daemon.log.read_text().count("Descriptors run out") == 1
            served = [
                client for client, one in zip(crowd, came, strict=True) if not isinstance(one, BaseException)
            ]
            assert await served[0].unread() == [], "who is in stays"


@pytest.mark.parametrize("settings", [HOUSE, {}], ids=["house full", "address full"])
@pytest.mark.parametrize("kind", ["calls", "nothing"])
def test_an_operator_comes_in_during_a_storm(tmp_path: Path, settings: dict[str, object], kind: str) -> None:
    (tmp_path / "tokens.toml").write_text(TOKENS)
    with Narrow("all", tmp_path, settings) as daemon, RawPeer(daemon.uri, "of-a-user") as device:
        device.hello("phone")
        device.hear_until("caught_up")
        with attack(kind, daemon.uri, "of-a-user"):
            began, before = time.monotonic(), cpu_seconds(daemon.pid)
            for _ in range(3):
                with Conversation(daemon.uri, "of-an-operator") as operator:
                    came = time.monotonic()
                    reply = operator.request("AdminService/GetStatus", GetStatusRequest())
                    assert not reply.HasField("error")
                    assert time.monotonic() - came < ENTRANCE_SECONDS
            time.sleep(1)
            cores = (cpu_seconds(daemon.pid) - before) / (time.monotonic() - began)
            device.say(heartbeat={"mark": 7})
            echo, _ = device.hear_until("heartbeat", 5)
            assert echo.mark == 7, "who has a stream keeps it"
            assert descriptors(daemon) <= FILES - 8
        log.info("%s: %.2f cores", kind, cores)
        assert cores < CORES
        lines = daemon.log.read_text()
        assert lines.count("Descriptors run out") <= 1
        assert lines.count("No connection can be accepted") == 0
        assert lines.count("Connections were ended") <= 2 + (time.monotonic() - began)


def descriptors(daemon: Daemon) -> int:
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))
