"""Messages that PUB loses are found and pulled: dropped on purpose, beyond 1,000 subscriptions,
over restarts, and the last message that no gap can show."""

import asyncio
import time
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from tests.bench.chatd_devices import ChatdReceivers
from tests.bench.subject import Tally, stamp
from tests.daemons import Daemon
from tests.system.deployment import Deployment
from tests.system.test_faults import show


def lossy(deployment: Deployment, share: float) -> Daemon:
    """The deployment's default node, run so that it loses a share of what it publishes."""
    (node,) = deployment.defaults
    node.module = "tests.chaos.daemon"
    node.settings["CHAOS_DROP"] = str(share)
    return node


async def test_dropped_messages_are_noticed_by_the_next_and_pulled(db_uri: str, tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, db_uri, defaults=1, gateways=1)
    lossy(deployment, 0.5)
    with deployment:
        uri, token = deployment.uri(), deployment.token
        async with Client(uri, token, profile="alice") as alice, Client(uri, token, profile="bob") as bob:
            await alice.create_room("r", profiles=["bob"])
            async with bob.stream("laptop", start=HEAD) as laptop:
                await laptop.caught_up()
                shown: list[tuple[str, int, str]] = []
                showing = asyncio.create_task(show(laptop, shown, 200))
                for number in range(200):
                    await alice.send("r", f"{number}")
                await showing
        assert [text for _, _, text in shown] == [str(number) for number in range(200)]


async def test_the_last_message_is_found_when_no_beat_comes_either(db_uri: str, tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, db_uri, defaults=1, gateways=1)
    lossy(deployment, 1.0)
    with deployment:
        uri, token = deployment.uri(), deployment.token
        async with Client(uri, token, profile="alice") as alice, Client(uri, token, profile="bob") as bob:
            await alice.create_room("r", profiles=["bob"])
            async with bob.stream("laptop", start=HEAD) as laptop:
                await laptop.caught_up()
                await alice.send("r", "nobody follows")
                shown: list[tuple[str, int, str]] = []
                await show(laptop, shown, 1, seconds=10)


@pytest.mark.parametrize("count", [1_500])
async def test_subscriptions_beyond_a_thousand_are_kept_and_made_again(tmp_path: Path, count: int) -> None:
    """Every device is reached by what is published, before and after the node's restart."""
    uri = f"sqlite:///{tmp_path}/c.db"
    with Deployment(tmp_path, uri, defaults=1, gateways=1, HEARTBEAT_INTERVAL_MS=60_000) as deployment:
        async with Client(deployment.uri(), deployment.token, profile="p0", call_timeout=30) as sender:
            profiles = [f"p{number}" for number in range(count)]
            await sender.create_room("r", profiles=profiles[:900])
            await sender.add_members("r", profiles[900:])
            tally = Tally()
            devices = await ChatdReceivers([deployment.uri()], deployment.token, tally).open(profiles)
            before = tally.deliveries  # who joined
            (node,) = deployment.defaults
            for turn in range(1, 3):
                await sender.send("r", stamp(0.0, b"turn %d" % turn).decode())
                end = time.monotonic() + 30
                while tally.deliveries - before < turn * count:
                    assert time.monotonic() < end, f"{tally.deliveries - before} of {turn * count} deliveries"
                    await asyncio.sleep(0.02)
                await asyncio.to_thread(node.kill)
                await asyncio.to_thread(node.start)
            assert tally.deliveries - before == 2 * count
            devices.close()
