"""Every failpoint is passed when an event goes from a device to others and is acknowledged: a
process that has it armed dies there."""

import asyncio
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from chatd.errors import ChatdError
from tests.chaos.daemon import DEFAULT_POINTS, GATEWAY_POINTS
from tests.system.deployment import Deployment


@pytest.mark.parametrize("point", [*DEFAULT_POINTS, *GATEWAY_POINTS])
async def test_a_process_dies_at_its_failpoint(tmp_path: Path, point: str) -> None:
    hits = tmp_path / "hits"
    deployment = Deployment(tmp_path, f"sqlite:///{tmp_path}/c.db", defaults=1, gateways=1)
    with deployment:
        (victim,) = deployment.defaults if point in DEFAULT_POINTS else deployment.gateways
        async with (
            Client(deployment.uri(), deployment.token, profile="alice", call_timeout=30) as alice,
            Client(deployment.uri(), deployment.token, profile="bob") as bob,
        ):
            await alice.create_room("r", profiles=["bob"])
            await asyncio.to_thread(victim.stop)
            victim.module = "tests.chaos.daemon"
            victim.settings |= {"CHAOS_FAILPOINT": f"{point}:3", "CHAOS_HITS": str(hits)}
            await asyncio.to_thread(victim.start)
            async with (
                alice.stream("a", start=HEAD) as hers,
                bob.stream("b", start=HEAD) as his,
                bob.stream("c", start=HEAD) as other,
            ):
                async with asyncio.timeout(60):
                    while victim.process is not None and victim.process.poll() is None:
                        try:
                            await asyncio.wait_for(alice.send("r", "on its way"), 2)
                        except (ChatdError, TimeoutError):
                            pass
                        for stream in (hers, his, other):
                            stream.acknowledge()
                            try:
                                await asyncio.wait_for(stream.__anext__(), 0.1)
                            except TimeoutError:
                                pass
    assert hits.read_text() == f"{point}\n"
