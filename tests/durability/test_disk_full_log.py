"""A disk that stays full: the log says so, once a trouble, and says when it is over."""

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from chatd.errors import ChatdError
from tests.daemons import Daemon, operator_token

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("mount") is None, reason="mounting needs root"
)

FULL_SECONDS = 6.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def sentences(log: Path, skip: int) -> Counter[str]:
    """The log's sentences, counted."""
    return Counter(json.loads(line)["message"] for line in log.read_text().splitlines()[skip:])


def fill(path: Path) -> None:
    """Take all the space that is left, after a moment in which some sends find room: their marks
    then find none."""
    with path.open("ab", buffering=0) as file:
        file.truncate(max(0, file.tell() - 60_000))
        time.sleep(0.03)
        for size in (100_000, 4_096):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue


async def test_a_full_disk_does_not_fill_the_log(small_disk: Path, tmp_path: Path) -> None:
    settings = {
        "TOKENS_FILE": tmp_path / "tokens.toml",
        "RUNTIME_DIR": tmp_path / "run",
        "NODE_LEASE_SECONDS": 6,
    }
    daemon = Daemon("all", small_disk, settings)
    daemon.log = tmp_path / "all.log"
    with daemon:
        token = operator_token(tmp_path)
        async with (
            Client(daemon.uri, token, profile="alice", call_timeout=1) as alice,
            Client(daemon.uri, token, profile="bob") as bob,
            bob.stream("d", start=HEAD) as stream,
        ):
            await alice.create_room("r", profiles=["bob"])
            await stream.caught_up()

            async def send_on() -> None:
                """There are always marks and acks to write."""
                while True:
                    try:
                        await alice.send("r", os.urandom(2_000).hex())
                    except ChatdError:
                        await asyncio.sleep(0.02)

            sending = asyncio.create_task(send_on())
            async with asyncio.timeout(60):
                while "The database takes no writes" not in daemon.log.read_text():
                    await asyncio.to_thread(fill, small_disk / "filling")
                    await asyncio.sleep(0.05)
            before = len(daemon.log.read_text().splitlines())
            await asyncio.sleep(FULL_SECONDS)
            told = sentences(daemon.log, before)
            assert sum(told.values()) <= 12, told
            await asyncio.to_thread(
                subprocess.run, ["mount", "-o", "remount,size=64m", str(small_disk)], check=True
            )
            async with asyncio.timeout(15):
                while "The database takes writes again" not in daemon.log.read_text():
                    await asyncio.sleep(0.05)
            sending.cancel()
    assert "Fan-out marks" not in daemon.log.read_text(), "each of them would be one line more"
