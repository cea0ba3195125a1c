"""IPv6 everywhere an address may be: between nodes and gateways, for devices and for chatctl."""

import asyncio
import socket
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from tests.daemon.test_process import chatctl
from tests.daemons import Daemon, free_port, operator_token


@pytest.fixture(autouse=True)
def ipv6() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as exc:
        pytest.skip(f"no IPv6 here: {exc.strerror}")


async def send_on(client: Client) -> None:
    while True:
        await client.send("r", "hello")
        await asyncio.sleep(0.1)


async def test_ipv6(tmp_path: Path) -> None:
    calls, queue, public = (f"tcp://[::1]:{free_port()}" for _ in range(3))
    inner = {"DEFAULT_URI": calls, "QUEUE_USER_EVENT_DELIVERY_URI": queue}
    with Daemon("default", tmp_path, inner), Daemon("gateway", tmp_path, inner | {"GATEWAY_URI": public}):
        async with Client(public, operator_token(tmp_path), profile="alice") as alice:
            await alice.create_room("r")
            sending = asyncio.create_task(
                send_on(alice)
            )  # a device is owed only what comes after its first Hello
            async with asyncio.timeout(20), alice.stream("d", start=HEAD) as stream:
                assert (await anext(aiter(stream))).text == "hello"
            sending.cancel()
        listed = chatctl("--uri", public, "--token-file", str(tmp_path / "tokens.toml"), "nodes")
        assert (listed.returncode, listed.stderr) == (0, "")
        assert calls in listed.stdout


async def test_names_stay_what_they_were(tmp_path: Path) -> None:
    """With IPv6 turned on for all sockets, localhost is ::1 alone."""
    port = free_port()
    with Daemon("all", tmp_path, {"GATEWAY_URI": f"tcp://localhost:{port}"}):
        for host in ("localhost", "127.0.0.1"):
            async with Client(f"tcp://{host}:{port}", operator_token(tmp_path), profile="alice") as alice:
                await alice.create_room(f"r-{host}")
