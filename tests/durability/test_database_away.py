"""While the database is away everybody is told the truth, and the log has a line at each end."""

import asyncio
import json
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from chatd.client import HEAD, Client
from chatd.errors import ChatdError
from tests.daemon.test_process import chatctl
from tests.daemons import Daemon, operator_token
from tests.databases import cluster

AWAY_SECONDS = 12.0


def warnings(daemon: Daemon) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in daemon.log.read_text().splitlines()]
    return [line for line in lines if line["level"] in ("warning", "error")]


async def status(daemon: Daemon) -> tuple[int, dict[str, Any]]:
    tokens = str(daemon.folder / "tokens.toml")
    done = await asyncio.to_thread(chatctl, "--uri", daemon.uri, "--token-file", tokens, "--json", "status")
    return done.returncode, json.loads(done.stdout)


def next_status(systemd: socket.socket, wanted: bytes) -> None:
    """Wait until the service manager is told."""
    while wanted not in systemd.recv(4096):
        pass


@pytest.mark.timeout(240)
async def test_a_database_that_goes_away_and_comes_back(postgres_uri: str, tmp_path: Path) -> None:
    with cluster() as own, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        assert own is not None, "postgres_uri has skipped the test where PostgreSQL is missing"
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        settings = {
            "DB_URI": own.uri(own.new_database()),
            "NOTIFY_SOCKET": tmp_path / "notify",
            "REPAIR_PULL_SECONDS": 0.5,
        }
        with Daemon("all", tmp_path, settings | {"NODE_LEASE_SECONDS": 2}) as daemon:
            async with Client(daemon.uri, operator_token(tmp_path), profile="alice", call_timeout=1) as alice:
                await alice.create_room("r")
                reader = asyncio.create_task(read(alice))
                await asyncio.to_thread(next_status, systemd, b"READY=1\nSTATUS=serving as all")
                assert (await status(daemon))[0] == 0
                before = warnings(daemon)
                await asyncio.to_thread(own.kill)
                began = time.monotonic()
                while time.monotonic() < began + AWAY_SECONDS:
                    with pytest.raises(ChatdError):
                        await alice.send("r", "x")
                code, shown = await status(daemon)
                assert code == 3
                assert (shown["state"], shown["database"]) == ("degraded", "postgres")
                assert 0 < time.time() - shown["database_away_since_us"] / 1e6 < 60
                done = await asyncio.to_thread(
                    chatctl, "--uri", daemon.uri, "--token-file", str(tmp_path / "tokens.toml"), "status"
                )
                assert "postgres has been away for " in done.stdout
                listed = await asyncio.to_thread(
                    chatctl, "--uri", daemon.uri, "--token-file", str(tmp_path / "tokens.toml"), "nodes"
                )
                assert "no, for" in listed.stdout
                assert "the database has been away for " in listed.stderr
                checked = await asyncio.to_thread(
                    chatctl, "--uri", daemon.uri, "--token-file", str(tmp_path / "tokens.toml"), "check"
                )
                assert (checked.returncode, "not known while" in checked.stdout) == (3, True)
                await asyncio.to_thread(
                    next_status, systemd, b"STATUS=degraded as all: the database is away since 20"
                )
                said = [line["message"] for line in warnings(daemon)[len(before) :]]
                assert len(said) == len(set(said)), "each thing is said once"
                databases = [line for line in said if line.startswith("The database ")]
                assert len(databases) == 1, "one line, whichever was noticed first"
                assert len(said) <= 4, said
                await asyncio.to_thread(own.start_again)
                await asyncio.to_thread(next_status, systemd, b"STATUS=serving as all")
                await alice.send("r", "again")
                async with asyncio.timeout(20):  # until leases are renewed, and the gateway has asked
                    while (await status(daemon))[0] != 0:
                        await asyncio.sleep(0.1)
                assert re.search("The database (takes writes|answers queries) again", daemon.log.read_text())
                reader.cancel()


async def read(client: Client) -> None:
    async with client.stream("d", start=HEAD) as stream:
        async for _ in stream:
            pass
