"""A standby is promoted that lagged behind: what it has missed is lost, and nobody waits for it, or
passes over what is stored in its place."""

import asyncio
import time
from pathlib import Path

from tests.databases import Cluster, cluster
from tests.durability.standby import standby_of
from tests.durability.test_standby import wait_for
from tests.system.deployment import Deployment
from tests.system.test_restore import clients, shown_again, until_nine


async def test_a_lagging_standby_is_promoted_under_open_streams(postgres: Cluster, tmp_path: Path) -> None:
    """Nodes and gateways live on. The lag is shorter than a lease: only what was committed shows
    it."""
    address = tmp_path / "address"
    with cluster() as primary:
        assert primary is not None, "the fixture has skipped the test where PostgreSQL is missing"
        name = primary.new_database()
        address.symlink_to(primary.folder)
        with standby_of(primary) as standby:
            await wait_for(standby, name)

            def cut_off() -> None:
                deadline = time.monotonic() + 20
                while not standby.has_caught_up():
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
                standby.stop()

            uri = f"postgresql://chatd@/{name}?host={address}"
            with Deployment(
                tmp_path, uri, defaults=1, gateways=1, REPAIR_PULL_SECONDS=3600, NODE_LEASE_SECONDS=600
            ) as deployment:
                async with clients(deployment.uri(), deployment.token) as (alice, tail), tail.running():
                    await until_nine(alice, tail, cut_off)
                    first = tail.stream.log
                    await asyncio.to_thread(primary.kill)
                    await asyncio.to_thread(standby.start_again)
                    await asyncio.to_thread(standby.promote)
                    new = address.with_suffix(".new")
                    new.symlink_to(standby.folder)
                    new.replace(address)
                    await shown_again(alice, tail)
                    assert tail.stream.log != first
            primary.start_again()  # to be stopped as any other
