"""The screen, its keys pressed, before a real daemon."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatctl.top.page import Page, View
from chatctl.top.screen import Top
from chatd.client import HEAD, Client
from tests.chatctl.top.pilot import SECONDS, SIZE, table, text, top, until
from tests.daemons import Daemon, operator_token


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        asyncio.run(_fill(running))
        yield running


async def _fill(daemon: Daemon) -> None:
    """Bob's phone is owed three events of the lobby."""
    token = operator_token(daemon.folder)
    async with (
        Client(daemon.uri, token, profile="alice") as alice,
        Client(daemon.uri, token, profile="bob") as bob,
    ):
        await alice.create_room("lobby", name="\x1b[31mThe lobby", profiles=["bob"])
        await alice.create_room("garden", profiles=["carol"])
        async with bob.stream("phone", start=HEAD) as stream:
            await stream.caught_up()
        for number in range(3):
            await alice.send("lobby", f"line {number}")


async def test_from_all_rooms_down_to_one_delivery(daemon: Daemon) -> None:
    async with top(daemon) as (screen, pilot):
        await pilot.press("2")
        await until(pilot, lambda: [row[0] for row in table(screen)] == ["garden", "lobby"])
        assert table(screen)[1][1] == "\\x1b[31mThe lobby"
        await pilot.press("down", "enter")
        await until(pilot, lambda: [row[0] for row in table(screen)] == ["alice", "bob"])
        await pilot.press("down", "enter")
        await until(pilot, lambda: [row[:4] for row in table(screen)] == [["bob", "phone", "no", "3"]])
        await pilot.press("enter")
        await until(pilot, lambda: [row[2] for row in table(screen)] == ["2", "3", "4"])
        await pilot.press("enter")
        await until(pilot, lambda: text(screen, "lines").startswith("bob/phone has been owed it for "))
        assert "rooms › members of lobby › devices of bob › owed to bob/phone" in text(screen, "title")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: [row[:2] for row in table(screen)] == [["bob", "phone"]])


async def test_rates_move_with_what_happens(daemon: Daemon) -> None:
    async with top(daemon) as (screen, pilot):

        def committed() -> list[str]:
            return next(row for row in table(screen) if row[1] == "events committed")

        await until(pilot, lambda: len(table(screen)) > 10)
        before = int(committed()[3])
        async with Client(daemon.uri, operator_token(daemon.folder), profile="alice") as alice:
            for number in range(20):
                await alice.send("garden", f"{number}")
        await until(pilot, lambda: int(committed()[3]) == before + 20)
        assert float(committed()[2]) > 0
        assert "█" in committed()[4]


async def test_a_filter_narrows_and_escape_widens(daemon: Daemon) -> None:
    async with top(daemon) as (screen, pilot):
        await pilot.press("2")
        await until(pilot, lambda: len(table(screen)) == 2)
        await pilot.press("slash", *"gard", "enter")
        await until(pilot, lambda: [row[0] for row in table(screen)] == ["garden"])
        assert "with 'gard'" in text(screen, "title")
        await pilot.press("escape")
        await until(pilot, lambda: len(table(screen)) == 2)


async def test_commands_open_views(daemon: Daemon) -> None:
    async with top(daemon) as (screen, pilot):
        await pilot.press("colon", *"outbox bob phone", "enter")
        await until(pilot, lambda: len(table(screen)) == 3)
        await pilot.press("colon", *"why lobby:2 bob/phone", "enter")
        await until(pilot, lambda: text(screen, "lines").startswith("bob/phone has been owed it"))
        await pilot.press("colon", *"nonsense", "enter")
        await until(pilot, lambda: text(screen, "said").startswith("commands: rooms"))


async def test_sorting_begins_with_the_largest_number(daemon: Daemon) -> None:
    async with top(daemon) as (screen, pilot):
        await pilot.press("2")
        await until(pilot, lambda: len(table(screen)) == 2)
        await pilot.press("s", "s", "s")  # by members
        await until(pilot, lambda: len({row[2] for row in table(screen)}) >= 1)
        members = [int(row[2]) for row in table(screen)]
        assert members == sorted(members, reverse=True)
        await pilot.press("S")
        await until(pilot, lambda: [int(row[2]) for row in table(screen)] == sorted(members))


async def test_nothing_is_done_before_the_answer_is_yes(daemon: Daemon) -> None:
    token = operator_token(daemon.folder)
    async with (
        Client(daemon.uri, token, profile="alice") as alice,
        alice.stream("old-phone", start=HEAD) as stream,
    ):
        await stream.caught_up()
    async with top(daemon) as (screen, pilot):
        await pilot.press("colon", *"devices alice", "enter")
        await until(pilot, lambda: [row[1] for row in table(screen)] == ["old-phone"])
        await until(pilot, lambda: text(screen, "actions") == "x skip all  f forget")
        await pilot.press("f")
        await until(pilot, lambda: len(screen.screen_stack) == 2)
        await pilot.press("n")
        await until(pilot, lambda: len(screen.screen_stack) == 1)
        await pilot.press("space")
        await until(pilot, lambda: [row[1] for row in table(screen)] == ["old-phone"])
        await pilot.press("f")
        await until(pilot, lambda: len(screen.screen_stack) == 2)
        await pilot.press("y")
        await until(pilot, lambda: table(screen) == [])
        await until(pilot, lambda: text(screen, "said") == "alice/old-phone is forgotten")
        await pilot.press("9")
        await until(pilot, lambda: "ForgetDevice" in {row[3] for row in table(screen)})


async def test_a_question_waits_for_its_answer_however_often_the_screen_looks_again(daemon: Daemon) -> None:
    token = operator_token(daemon.folder)
    async with (
        Client(daemon.uri, token, profile="carol") as carol,
        carol.stream("old-phone", start=HEAD) as stream,
    ):
        await stream.caught_up()
    async with top(daemon) as (screen, pilot):
        await pilot.press("colon", *"devices carol", "enter")
        await until(pilot, lambda: text(screen, "actions") == "x skip all  f forget")
        await pilot.press("f")
        await until(pilot, lambda: len(screen.screen_stack) == 2)
        async with (
            Client(daemon.uri, token, profile="carol") as carol,
            carol.stream("tablet", start=HEAD) as stream,
        ):
            await stream.caught_up()
        await until(pilot, lambda: {row[1] for row in table(screen)} == {"old-phone", "tablet"})
        await pilot.press("y")
        await until(pilot, lambda: text(screen, "said") == "carol/old-phone is forgotten")


async def test_streams_are_ended_and_processes_drained(daemon: Daemon) -> None:
    token = operator_token(daemon.folder)
    async with (
        Client(daemon.uri, token, profile="dora") as dora,
        dora.stream("d", start=HEAD) as stream,
        top(daemon) as (screen, pilot),
    ):
        await stream.caught_up()
        await pilot.press("colon", *"connections", "enter")
        await until(pilot, lambda: [row[:2] for row in table(screen)] == [["dora", "d"]])
        await pilot.press("k")
        await until(pilot, lambda: len(screen.screen_stack) == 2)
        await pilot.press("y")
        await until(pilot, lambda: text(screen, "said") == "1 ended of dora/d")
        await pilot.press("colon", *"nodes", "enter")
        await until(pilot, lambda: [row[1] for row in table(screen)] == ["default", "gateway"])
        await pilot.press("down", "d")
        await until(pilot, lambda: len(screen.screen_stack) == 2)
        await pilot.press("y")
        await until(pilot, lambda: text(screen, "said").startswith("gateway all is being drained"))
        await until(pilot, lambda: text(screen, "actions") == "r resume")
        await pilot.press("r")
        await until(pilot, lambda: len(screen.screen_stack) == 2)
        await pilot.press("y")
        await until(pilot, lambda: text(screen, "said") == "gateway all serves again")


async def test_help_shows_the_keys(daemon: Daemon) -> None:
    async with top(daemon) as (screen, pilot):
        await pilot.press("question_mark")
        await until(pilot, lambda: len(screen.screen_stack) == 2)
        assert "4 laggards" in text(screen, "question")
        await pilot.press("q")
        await until(pilot, lambda: len(screen.screen_stack) == 1)


async def test_an_outage_is_said_and_what_was_shown_stays(tmp_path: Path) -> None:
    with Daemon("all", tmp_path) as running:
        await _fill(running)
        async with Client(running.uri, operator_token(running.folder), call_timeout=0.5) as client:
            screen = Top(client, every=0.5)
            async with screen.run_test(size=SIZE) as pilot:
                await pilot.press("2")
                await until(pilot, lambda: len(table(screen)) == 2)
                os.kill(running.pid, signal.SIGSTOP)
                try:
                    await until(pilot, lambda: text(screen, "said").startswith("! no answer for "))
                    assert len(table(screen)) == 2
                finally:
                    os.kill(running.pid, signal.SIGCONT)
                await until(pilot, lambda: text(screen, "said") == "")


def test_a_pipe_is_no_terminal(daemon: Daemon) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "chatctl", "--uri", daemon.uri, "top"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (found.returncode, "top needs a terminal" in found.stderr) == (2, True)


def test_the_command_draws_and_ends(daemon: Daemon) -> None:
    """In a terminal of its own, without colours."""
    ours, theirs = pty.openpty()
    environment = os.environ | {
        "TERM": "xterm",
        "NO_COLOR": "1",
        "CHATD_URI": daemon.uri,
        "CHATD_DATA_DIR": str(daemon.folder),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "chatctl", "top"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while b"events committed" not in shown:
                shown += os.read(ours, 65_536)
            os.write(ours, b"q")
            while True:
                try:
                    shown += os.read(ours, 65_536)
                except OSError:
                    break
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()
            os.close(ours)


async def test_an_answer_after_the_end_is_let_go(daemon: Daemon) -> None:
    answers: list[str] = []

    async def late(_client: Client) -> Page:
        while screen.is_running or screen.query("#said"):
            await asyncio.sleep(0)
        answers.append("came")
        return Page((), ())

    async with top(daemon) as (screen, _pilot):
        screen._go_to(View("late", late, ()))
    while not answers:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
