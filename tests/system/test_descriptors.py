"""Descriptors at their end: connections are ended, a line says so, and those that are in are
served.

The core that libzmq uses meanwhile is not bounded: it cannot pause accepting. That the reserve lets
an operator in is shown for the doorkeeper alone (tests/gateway): libzmq accepts faster than it is
told to hang up, so many clients that connect again and again at once may use up the reserve, too.
"""

import asyncio
import os
import resource
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from chatd.client import Client
from tests.daemons import Daemon

FILES = 256


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
    with Narrow("all", tmp_path) as daemon:
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
