"""The promises that a chaos run judges by its calls for memberships, with one fault each: kept, and
missed when they are taken out of the nodes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.client import Client
from chatd.transport.sockets import Context, new_context
from tests.chaos.checker import check
from tests.chaos.clients import LOST_SECONDS, Mover
from tests.chaos.final_log import read_log
from tests.chaos.history import History
from tests.chaos.verdict import Verdict
from tests.store.other_session import holding
from tests.system.deployment import Deployment
from tests.system.test_unknown_outcome import a_room_of


class Scene:
    """Two nodes and a gateway, and a room whose calls go to the second node."""

    def __init__(self, deployment: Deployment, uri: str, context: Context, room: str) -> None:
        self.deployment, self.uri, self.context, self.room = deployment, uri, context, room
        self.history = History()
        self.timeouts: list[float] = []
        """The deadlines of the next clients' calls, in seconds; later ones have 15."""

    def connect(self, profile: str) -> Client:
        timeout = self.timeouts.pop(0) if self.timeouts else 15
        uri, token = self.deployment.uri(), self.deployment.token
        return Client(uri, token, profile=profile, call_timeout=timeout, context=self.context)

    def mover(self, *, ids: bool) -> Mover:
        return Mover(self.connect, "eve", self.room, self.history, ids=ids)

    def judge(self) -> Verdict:
        log, members = read_log(self.uri, [self.room])
        for member in members:
            self.history.add(member)
        return check(self.history.records, log, {})


@pytest.fixture
def broken() -> str:
    return ""


@pytest.fixture
async def scene(tmp_path: Path, postgres_uri: str, broken: str) -> AsyncIterator[Scene]:
    deployment = Deployment(tmp_path, postgres_uri, defaults=2, gateways=1)
    for node in deployment.defaults:
        node.module = "tests.chaos.daemon"
        node.settings["CHAOS_BROKEN"] = broken
    context = new_context()
    try:
        with deployment:
            made = Scene(deployment, postgres_uri, context, a_room_of(1))
            async with made.connect("ann") as ann:
                await asyncio.sleep(1.2)  # the gateway has asked both nodes who they are
                await ann.create_room(made.room)
            yield made
    finally:
        context.destroy(linger=0)


def caught(verdict: Verdict) -> dict[str, int]:
    return {letter: count for letter, count in verdict.counts.items() if count}


@pytest.mark.parametrize(("broken", "letters"), [("", {}), ("deadlines", {"X": 1})])
async def test_a_node_that_wakes_does_nothing_late(scene: Scene, letters: dict[str, int]) -> None:
    victim = scene.deployment.defaults[1].pid
    mover = scene.mover(ids=False)
    os.kill(victim, signal.SIGSTOP)
    try:
        await mover.change(joins=True)
        await mover.change(joins=False)
    finally:
        os.kill(victim, signal.SIGCONT)
    await asyncio.sleep(LOST_SECONDS)
    verdict = scene.judge()
    assert caught(verdict) == letters, verdict.violations
    assert verdict.changes == 3, "one was in vain"


@pytest.mark.parametrize(("broken", "letters"), [("", {}), ("requests", {"X": 1})])
async def test_a_call_that_comes_again_is_the_same(scene: Scene, letters: dict[str, int]) -> None:
    """Its caller has gone before the answer came."""
    mover = scene.mover(ids=True)
    scene.timeouts = [0.5]
    hold = f"UPDATE room SET name = 'held' WHERE room_id = '{scene.room}'"
    with holding(scene.uri, hold) as other:
        adding = asyncio.create_task(mover.change(joins=True))
        await asyncio.sleep(1.5)
        other.run("COMMIT")
        await adding
    await mover.change(joins=False)
    verdict = scene.judge()
    assert caught(verdict) == letters, verdict.violations
    assert verdict.changes == 2
