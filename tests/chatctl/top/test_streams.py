"""The work under way, before a real daemon: streams by their state, and the times of the stages."""

import asyncio
from collections.abc import Iterator

import pytest

from chatd.client import HEAD, Client
from tests.chatctl.top.pilot import table, text, top, until
from tests.daemons import Daemon, operator_token

STAGES = {"commit", "room.outbox.logging.event", "outbox.delivery.event", "user.event.delivery", "device.ack"}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        yield running


async def test_streams_are_counted_by_their_state(daemon: Daemon) -> None:
    """A stream that acknowledges nothing, and is owed more than its window takes, catches up."""
    token = operator_token(daemon.folder)
    async with (
        Client(daemon.uri, token, profile="alice") as alice,
        Client(daemon.uri, token, profile="bob") as bob,
        Client(daemon.uri, token, profile="dave") as dave,
        bob.stream("phone", window_messages=4, start=HEAD) as slow,
        dave.stream("laptop", start=HEAD) as quick,
        top(daemon) as (screen, pilot),
    ):
        await slow.caught_up()
        await quick.caught_up()
        await alice.create_room("lobby", profiles=["bob"])
        await pilot.press("0")
        await until(pilot, lambda: [row[2:] for row in table(screen)] == [["2", "2", "0", "0", "-"]])
        assert table(screen)[0][0] == "all"
        for number in range(20):
            await alice.send("lobby", f"line {number}")
        await until(pilot, lambda: [row[2:] for row in table(screen)] == [["2", "1", "1", "1", "-"]])
        await pilot.press("enter")
        behind = ["bob", "phone", "catching up", "21", "4"]
        at_rest = ["dave", "laptop", "live", "0", "0"]
        await until(pilot, lambda: [row[:5] for row in table(screen)] == [behind, at_rest])


async def test_the_times_of_all_stages_are_shown(daemon: Daemon) -> None:
    token = operator_token(daemon.folder)
    async with (
        Client(daemon.uri, token, profile="carol") as carol,
        carol.stream("laptop", start=HEAD) as stream,
        top(daemon) as (screen, pilot),
    ):
        await carol.create_room("garden")

        async def read() -> None:
            async for _ in stream:
                stream.acknowledge()

        reading = asyncio.create_task(read())

        async def talk() -> None:
            while True:
                await carol.send("garden", "hello")

        talking = asyncio.create_task(talk())
        await until(pilot, lambda: all(f"{stage} " in text(screen, "lines") for stage in STAGES))
        await pilot.press("enter")
        await until(pilot, lambda: {row[1] for row in table(screen)} == STAGES)
        await until(
            pilot, lambda: all(row[2] != "-" and int(row[4].replace(",", "")) > 0 for row in table(screen))
        )
        for process, stage, p50, p99, lately, in_all in table(screen):
            assert process == ("gateway all" if stage in ("user.event.delivery", "device.ack") else "all")
            assert 0 < float(p50) <= float(p99.replace(",", "")) <= 10_000
            assert int(lately.replace(",", "")) <= int(in_all.replace(",", ""))
        talking.cancel()
        reading.cancel()
