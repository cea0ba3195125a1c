"""Skips, replays and dead letters on the screen, before a real daemon."""

from collections.abc import Iterator

import pytest

from chatd.client import HEAD, Client
from tests.chatctl.top.pilot import do, table, text, top, until
from tests.daemons import Daemon, operator_token


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        yield running


async def test_what_is_owed_is_skipped_and_replayed(daemon: Daemon) -> None:
    token = operator_token(daemon.folder)
    async with Client(daemon.uri, token, profile="dave") as dave, dave.stream("d", start=HEAD) as stream:
        await stream.caught_up()
    async with Client(daemon.uri, token, profile="alice") as alice:
        await alice.create_room("attic", profiles=["dave"])
        for number in range(4):
            await alice.send("attic", f"line {number}")
    async with top(daemon) as (screen, pilot):

        def seqs() -> list[str]:
            return [row[2] for row in table(screen)]

        await pilot.press("colon", *"outbox dave d", "enter")
        await until(pilot, lambda: seqs() == ["1", "2", "3", "4", "5"])
        await until(pilot, lambda: text(screen, "actions") == "x skip  u skip up to here")
        await pilot.press("down")
        await do(pilot, screen, "u", "Skip 2 events of 1 room that dave/d is owed?")
        await until(pilot, lambda: text(screen, "said") == "dave/d is no longer owed 2 events of 1 room")
        await until(pilot, lambda: seqs() == ["3", "4", "5"])
        await pilot.press("colon", *"devices dave", "enter")
        await until(pilot, lambda: [row[3] for row in table(screen)] == ["3"])
        await do(pilot, screen, "x", "Skip 3 events of 1 room that dave/d is owed?")
        await until(pilot, lambda: [row[3] for row in table(screen)] == ["0"])
        await pilot.press("colon", *"why attic:4 dave/d", "enter")
        await until(pilot, lambda: text(screen, "lines").startswith("an operator skipped it for dave/d"))
        await until(pilot, lambda: text(screen, "actions") == "r replay from here")
        await do(pilot, screen, "r", "Owe dave/d 2 events of 1 room again?")
        await until(pilot, lambda: text(screen, "said") == "dave/d is owed 2 events of 1 room again")
        await pilot.press("colon", *"replay dave/d 1h", "enter")
        await until(pilot, lambda: table(screen) == [["3", "1", "0"]])
        await do(pilot, screen, "r", "Owe dave/d 3 events of 1 room again?")
        await until(pilot, lambda: table(screen) == [["0", "0", "0"]])


async def test_a_command_that_makes_no_sense_is_said(daemon: Daemon) -> None:
    async with top(daemon) as (screen, pilot):
        for command, why in (
            ("replay dave/d soon", "'soon' is not a time"),
            ("why lobby:x bob/phone", "'lobby:x'"),
        ):
            await pilot.press("colon", *command, "enter")
            await until(pilot, lambda why=why: text(screen, "said").startswith(why))  # type: ignore[misc]


async def test_all_dead_letters_of_a_device(daemon: Daemon) -> None:
    token = operator_token(daemon.folder)
    async with (
        Client(daemon.uri, token, profile="erin") as erin,
        Client(daemon.uri, token, profile="alice") as alice,
        erin.stream("d", start=HEAD) as stream,
    ):
        await stream.caught_up()
        await alice.create_room("cellar", profiles=["erin"])
        await alice.send("cellar", "one")
        for _ in range(2):
            stream.reject(await anext(stream), "no")
        stream.acknowledge()
    async with top(daemon) as (screen, pilot):
        await pilot.press("6")
        await until(pilot, lambda: [row[1] for row in table(screen)] == ["erin", "erin"])
        await do(pilot, screen, "R", "Replay 2 dead letters of erin/d?")
        await until(pilot, lambda: {row[-1] for row in table(screen)} == {"yes"})
        await do(pilot, screen, "D", "Drop 2 dead letters of erin/d?")
        await until(pilot, lambda: table(screen) == [])
        await until(pilot, lambda: text(screen, "said") == "2 dead letters of erin/d dropped")
