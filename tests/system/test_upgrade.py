"""An upgrade in the documented order, node first and then the gateways, under devices and senders:
nothing is lost, nothing refused, and a version stands beside the one before.

The version after this one is `next_version.py`. `make upgrade-test FROM=REVISION` goes from a real
version before to this one instead: CHATD_BEFORE names its tree.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from chatd.client import Client, Delivery
from tests.daemons import Daemon
from tests.system.deployment import Deployment
from tests.system.next_version import VERSION
from tests.system.test_drain import until

BEFORE = os.environ.get("CHATD_BEFORE", "")
DEVICES = 6
PATIENCE = 60.0
"""Seconds in which a slow machine has started a process and devices have come back."""


def run_before(daemon: Daemon) -> None:
    """Have it be of the version before at its next start."""
    daemon.module = "chatd"
    daemon.prefix = ("env", "-C", BEFORE) if BEFORE else ()


def run_after(daemon: Daemon) -> None:
    """The same with the version after."""
    daemon.module = "chatd" if BEFORE else "tests.system.next_version"
    daemon.prefix = ()


class Talk:
    """A sender that never stops, and what became of its sends."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.sent: list[int] = []
        self.longest = 0.0
        self.ended = False

    async def run(self) -> None:
        while not self.ended:
            began = time.monotonic()
            self.sent.append((await self._client.send("r", str(len(self.sent)))).seq)
            self.longest = max(self.longest, time.monotonic() - began)
            await asyncio.sleep(0.01)


async def test_node_first_then_gateways(db_uri: str, tmp_path: Path) -> None:
    count = 1 if db_uri.startswith("sqlite") else 2
    settings: dict[str, Any] = {"DRAIN_SECONDS": 0.5, "NODE_LEASE_SECONDS": 1.5, "HEARTBEAT_INTERVAL_MS": 500}
    deployment = Deployment(tmp_path, db_uri, defaults=count, gateways=2, **settings)
    for daemon in (*deployment.defaults, *deployment.gateways):
        run_before(daemon)
    run_after(deployment.gateways[1])  # a gateway that is newer than the nodes
    with deployment:
        uris = [daemon.uri for daemon in deployment.gateways]
        alice = Client(uris, deployment.token, profile="alice", call_timeout=PATIENCE)
        bobs = [
            Client(uris[number % 2 :] + uris[: number % 2], deployment.token, profile=f"p{number}")
            for number in range(DEVICES)
        ]
        await alice.create_room("r", profiles=[f"p{number}" for number in range(DEVICES)])
        shown: list[list[Delivery]] = [[] for _ in bobs]

        async def show(number: int) -> None:
            async with bobs[number].stream("d") as stream:
                async for delivery in stream:
                    shown[number].append(delivery)

        async def all_have_come(so_far: int) -> None:
            await until(
                "not everything has come",
                lambda: all(one and one[-1].seq >= so_far for one in shown),
                seconds=PATIENCE,
            )

        showing = [asyncio.create_task(show(number)) for number in range(DEVICES)]
        talk = Talk(alice)
        talking = asyncio.create_task(talk.run())
        try:
            await until("nobody hears", lambda: all(shown), seconds=PATIENCE)
            first = [one[0].seq for one in shown]
            for daemon in (*deployment.defaults, deployment.gateways[0]):
                assert await asyncio.to_thread(daemon.stop) == 0
                run_after(daemon)
                await asyncio.to_thread(daemon.start)
                await all_have_come(talk.sent[-1] + 1)
            # And back: a gateway of the version before with the nodes of this one.
            last = deployment.gateways[1]
            assert await asyncio.to_thread(last.stop) == 0
            run_before(last)
            await asyncio.to_thread(last.start)
            await all_have_come(talk.sent[-1] + 1)
        finally:
            talk.ended = True
            await asyncio.wait([talking], timeout=PATIENCE)
        assert talking.exception() is None, "a send was refused"
        await all_have_come(talk.sent[-1])
        for one, began in zip(shown, first, strict=True):
            seqs = [delivery.seq for delivery in one]
            assert seqs == list(range(began, talk.sent[-1] + 1)), "in order, without a gap, each once"
        assert talk.longest < PATIENCE / 2
        for task in showing:
            task.cancel()
        await asyncio.gather(*showing, return_exceptions=True)
        for client in (*bobs, alice):
            client.close()
    said = "".join(daemon.log.read_text() for daemon in (*deployment.defaults, *deployment.gateways))
    assert f'"version": "{VERSION}"' in said or BEFORE
    assert '"level": "error"' not in said


@pytest.mark.skipif(bool(BEFORE), reason="the version before may have the same schema")
def test_a_database_that_was_upgraded_is_refused_to_the_version_before(tmp_path: Path) -> None:
    node = Daemon("all", tmp_path)
    run_after(node)
    node.start()
    assert node.stop() == 0
    run_before(node)
    with pytest.raises(RuntimeError, match="made by a newer chatd"):
        node.start()
    assert node.stop() == 2
