"""The screen, its keys pressed, before a real daemon; the others talk through the client."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from chatctl.chat import search
from chatctl.chat.entry import Entry
from chatctl.chat.log import Log
from chatctl.chat.run import device_for
from chatctl.chat.screen import Chat
from chatctl.chat.talk import Talk
from chatd.client import HEAD, Client
from chatd.errors import ChatdError
from chatd.pb.admin.v1 import admin_pb2
from tests.chatctl.chat.terminal import Terminal
from tests.daemons import Daemon
from tests.protocol.limited import OPERATOR, daemon_with_users, token_of

SIZE = (100, 24)
SECONDS = 20.0
USERS = ["alice", "bob", "carol", "eve"]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon_with_users(tmp_path_factory.mktemp("chatd"), USERS, {"FANOUT_LINGER_MS": 0}) as running:
        yield running


@pytest.fixture
async def bob(daemon: Daemon) -> AsyncIterator[Client]:
    async with Client(daemon.uri, token_of("bob")) as client:
        yield client


class Screen:
    """alice's screen, as she sees it."""

    def __init__(self, app: Chat, talk: Talk, pilot: "Pilot[ChatdError]") -> None:
        self.app = app
        self.talk = talk
        self.pilot = pilot

    async def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end, f"it did not come to be shown; the screen:\n{self.all}"
            await self.pilot.pause(0.01)

    async def shows(self, text: str) -> None:
        """However it is wrapped."""
        await self.until(lambda: " ".join(text.split()) in " ".join(self.log.split()))

    async def types(self, text: str) -> None:
        """And enters it, as slowly as people do."""
        self.app.query_one(Entry).value = text
        self.app.query_one(Entry)._entered_at = 0.0
        await self.pilot.press("enter")

    @property
    def log(self) -> str:
        return self.app.screen.query(Log).first().text

    def part(self, name: str) -> str:
        """The text of the window in front, or of the screen below."""
        found = [
            part for one in reversed(self.app.screen_stack) for part in one.query(f"#{name}").results(Static)
        ]
        return str(found[0].content)

    @property
    def rooms(self) -> list[str]:
        return self.part("rooms").split("\n")[:-1]

    @property
    def entry(self) -> str:
        return self.app.query_one(Entry).value

    @property
    def all(self) -> str:
        return "\n".join([self.part("title"), self.part("rooms"), self.log, self.part("status"), self.entry])


@asynccontextmanager
async def screen(
    daemon: Daemon, *, size: tuple[int, int] = SIZE, user: str = "alice", call_timeout: float = 5.0
) -> AsyncIterator[Screen]:
    async with Client(daemon.uri, token_of(user), call_timeout=call_timeout) as client:
        talk = Talk(client, "screen")
        async with talk.stream as stream:
            await stream.opened()
            app = Chat(talk)
            async with app.run_test(size=size) as pilot:
                yield Screen(app, talk, pilot)


async def test_two_talk(daemon: Daemon, bob: Client) -> None:
    room = (await bob.create_room("garden", profiles=["alice"])).room_id
    await bob.send(room, "good morning")
    async with screen(daemon) as alice:
        await alice.shows("bob  good morning")
        assert "alice, bob joined (by bob)" in alice.log
        await alice.types("good morning, bob")
        await alice.shows("alice  good morning, bob")
        await bob.send(room, "how are you?")
        await alice.shows("bob  how are you?")
        await alice.until(lambda: alice.rooms == ["garden"])  # and nothing is unread in it
    texts = [delivery.text for delivery in (await bob.history(room))[0]]
    assert texts[1:] == ["good morning", "good morning, bob", "how are you?"]


async def test_what_is_unread_is_counted_and_read_when_it_is_seen(daemon: Daemon, bob: Client) -> None:
    await bob.create_room("attic", profiles=["alice"])
    await bob.create_room("cellar", profiles=["alice"])
    for number in range(3):
        await bob.send("cellar", f"line {number}")
    async with screen(daemon) as alice:
        await alice.until(lambda: "cellar 3" in alice.rooms)
        await alice.until(lambda: alice.part("title").startswith("attic · "))
        await bob.send("cellar", "@alice, come down", mentions=["alice"])
        await alice.until(lambda: "cellar @4" in alice.rooms)
        await alice.types("/room")
        await alice.shows("@alice, come down")
        assert "── new\n" in alice.log
        await alice.until(lambda: "cellar" in alice.rooms)
        assert (await bob.delivery_status("cellar", 5)).read == 1


async def test_history_is_read_as_the_reader_scrolls_back(daemon: Daemon, bob: Client) -> None:
    await bob.create_room("archive", profiles=["alice"])
    for first in range(0, 250, 25):
        await asyncio.gather(*(bob.send("archive", f"old {number}") for number in range(first, first + 25)))
    async with screen(daemon) as alice:
        await alice.types("/room archive")
        await alice.shows("old 249")
        room = alice.talk.rooms["archive"]
        assert len(room.lines) == 100
        while room.has_older:
            await alice.pilot.press("pageup")
        await alice.shows("bob joined")
        assert [line.seq for _, line in sorted(room.lines.items())] == list(range(1, 252))
        await alice.pilot.press("pageup")
        looked_at = alice.app.query_one(Log).scroll_y
        assert looked_at < 230
        await bob.send("archive", "a new line")
        await alice.shows("a new line")
        assert alice.app.query_one(Log).scroll_y == looked_at
        await alice.pilot.press("escape")
        await alice.until(lambda: alice.app.query_one(Log).follows)


async def test_others_are_seen_to_write_to_receive_and_to_read(daemon: Daemon, bob: Client) -> None:
    await bob.create_room("porch", profiles=["alice", "carol"])
    async with screen(daemon) as alice, bob.stream("phone", start=HEAD) as phone:
        await alice.types("/room porch")
        await alice.until(lambda: alice.part("title").startswith("porch"))
        await bob.set_typing("porch")
        await alice.until(lambda: alice.part("status") == "bob is writing …")
        await bob.send("porch", "here I am")
        await alice.until(lambda: "writing" not in alice.part("status"))
        await alice.until(lambda: "+bob" in alice.part("members").split("\n"))
        assert "2 of 3 online" in alice.part("title")
        await alice.types("so am I")
        async for delivery in phone:
            if delivery.text == "so am I":
                break
        phone.acknowledge()
        await alice.shows("✓ alice so am I")
        await bob.set_read_marker("porch", delivery.seq)
        await alice.shows("✓✓ alice  so am I")
        assert alice.part("status") == "read by bob"
        await alice.types("/receipts")
        await alice.shows("is for 2; received by 1; read by 1: bob at ")
        await alice.types("/who bob carol")
        await alice.shows("bob: online, carol: not known")
    async with screen(daemon) as alice:  # the same is known at the next start
        await alice.types("/room porch")
        await alice.shows("✓✓ alice  so am I")


async def test_commands_change_rooms(daemon: Daemon, bob: Client) -> None:
    async with screen(daemon) as alice:
        await alice.types("/create shed")
        await alice.until(lambda: alice.part("title").startswith("shed"))
        await alice.types("/invite bob")
        await alice.shows("bob joined (by alice)")
        await alice.types("/topic The old shed")
        await alice.shows("the room is now called The old shed")
        await alice.until(lambda: "“The old shed”" in alice.part("title"))
        await alice.types("/me sweeps")
        await alice.shows("* alice sweeps")
        await alice.types("//etc/passwd is a file")
        await alice.shows("alice  /etc/passwd is a file")
        await alice.types("/names")
        await alice.shows("2 members: ")
        await alice.types("/kick bob")
        await alice.shows("bob left (by alice)")
        await alice.types("/dance")
        await alice.shows("! there is no /dance; there are /room /rooms /create")
        await alice.types("/room nowhere")
        await alice.shows("! you are in no room nowhere")
        await alice.types("/part")
        await alice.shows("you have left shed")
        assert "shed" not in alice.rooms
    assert [delivery.text for delivery in (await bob.history("shed"))[0]][2] == "/me sweeps"


async def test_the_first_room_comes_into_view_and_later_ones_and_blocks_are_told(
    daemon: Daemon, bob: Client
) -> None:
    async with screen(daemon, user="eve") as eve:
        await eve.shows("/help lists commands")
        await bob.create_room("first", profiles=["eve"], name="The first")
        await eve.until(lambda: eve.part("title").startswith("first · "))
        await eve.shows("bob, eve joined")
        await bob.create_room("later", profiles=["eve"])
        await eve.shows("bob writes in later, which is new: /room shows it")
        async with Client(daemon.uri, token_of("eve")) as phone:
            await phone.block(["bob"])
            await eve.shows("you block bob")
            await phone.unblock(["bob"])
            await eve.shows("you no longer block bob")
    async with screen(daemon, user="eve") as eve:
        await eve.until(lambda: eve.part("title").startswith("first · “The first” · 1 of 2 online"))


async def test_a_word_to_one_person_has_a_room_of_the_two(daemon: Daemon, bob: Client) -> None:
    async with screen(daemon) as alice, bob.stream("phone", start=HEAD):
        await alice.types("/msg carol good evening, carol")
        await alice.until(lambda: alice.part("title").startswith("alice+carol"))
        await alice.shows("good evening, carol")
        await alice.types("/msg carol")
        await alice.types("are you there?")
        await alice.shows("are you there?")
    async with Client(daemon.uri, token_of("carol")) as carol:
        await carol.add_members("alice+carol", ["bob"])
    async with screen(daemon) as alice:
        await alice.types("/msg carol between us: no")
        await alice.shows("! not only the two of you are in alice+carol: alice, bob, carol")
    texts = [delivery.text for delivery in (await bob.history("alice+carol"))[0]]
    assert texts == ["bob joined"]


async def test_names_are_completed_and_inputs_come_back(daemon: Daemon, bob: Client) -> None:
    await bob.create_room("hall", profiles=["alice"])
    async with screen(daemon) as alice:
        await alice.types("/room hall")
        await alice.until(lambda: alice.part("title").startswith("hall · "))
        await alice.pilot.press("b", "tab", *"hello", "enter")
        await alice.shows("alice  bob: hello")
        await alice.pilot.press("up")
        assert alice.entry == "bob: hello"
        await alice.pilot.press("up")
        assert alice.entry == "/room hall"
        await alice.pilot.press("down", "down")
        assert alice.entry == ""
        await alice.pilot.press(*"/ro", "tab")
        assert alice.entry == "/room "
        await alice.pilot.press(*"ha", "tab")
        assert alice.entry == "/room hall "
    (said,) = [one for one in (await bob.history("hall"))[0] if one.sender_id == "alice"]
    assert said.mentions == ("bob",)


async def test_keys_go_to_the_input_wherever_the_mouse_was(daemon: Daemon, bob: Client) -> None:
    async with screen(daemon) as alice:
        await alice.shows("joined")
        for part in ("#log", "#rooms", "#title"):
            await alice.pilot.click(part)
            await alice.pilot.press("x")
        assert alice.entry == "xxx"


async def test_several_lines_are_one_message_after_a_question(daemon: Daemon, bob: Client) -> None:
    await bob.create_room("kitchen", profiles=["alice"])
    async with screen(daemon) as alice:
        await alice.types("/room kitchen")
        await alice.until(lambda: alice.part("title").startswith("kitchen · "))
        await alice.pilot.press(*"see ")
        alice.app.query_one(Entry).post_message(events.Paste("one\r\ntwo\r\nthree\r\n"))
        await alice.until(lambda: len(alice.app.screen_stack) == 2)
        assert "Send these 3 lines as one message?\nsee one\ntwo\nthree" in alice.part("question")
        await alice.pilot.press("n")
        alice.app.query_one(Entry).post_message(events.Paste("one\ntwo"))
        await alice.until(lambda: len(alice.app.screen_stack) == 2)
        await alice.pilot.press("y")
        await alice.shows("alice  one\n")
        # In a terminal that does not say what is pasted:
        for key in ("a", "enter", "b", "enter", "c", "enter", "d"):
            alice.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await alice.until(lambda: len(alice.app.screen_stack) == 2)
        assert "b\nc\nd" in alice.part("question")
        await alice.pilot.press("y")
        await alice.until(lambda: "       b" in alice.log or "b\n" in alice.log)
        await alice.until(lambda: len(alice.talk.outbox) == 0)
    texts = [one.text for one in (await bob.history("kitchen"))[0] if one.sender_id == "alice"]
    assert texts == ["one\ntwo", "a", "b\nc\nd"]


async def test_a_text_is_found_in_the_history(
    daemon: Daemon, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PAGE", 5)
    monkeypatch.setattr(search, "PAGES", 3)
    await bob.create_room("library", profiles=["alice"])
    for number in range(30):
        await bob.send("library", f"book {number}")
    async with screen(daemon) as alice:
        await alice.types("/room library")
        await alice.shows("book 29")
        await alice.types("/search BOOK 2")
        await alice.until(lambda: len(alice.app.screen_stack) == 2)
        await alice.until(
            lambda: "10 with 'BOOK 2' among 15 events; m: further back" in alice.part("heading")
        )
        await alice.pilot.press("m")
        await alice.until(
            lambda: "11 with 'BOOK 2' among 30 events; m: further back" in alice.part("heading")
        )
        await alice.pilot.press("m")
        await alice.until(lambda: "11 with 'BOOK 2' among 31 events, which is all" in alice.part("heading"))
        await alice.shows("book 2\n")
        assert "book 19" not in alice.log
        await alice.pilot.press("escape")
        await alice.until(lambda: len(alice.app.screen_stack) == 1)


async def test_texts_and_names_of_strangers_are_harmless(daemon: Daemon, bob: Client) -> None:
    await bob.create_room("den", profiles=["alice"])
    await bob.update_room("den", name="\x1b]0;title\x07\u202eden")
    await bob.send("den", "\x1b[2J\u202eabc\n12:00    carol  I never said this 👩‍👩‍👧 नमस्ते می‌خواهم")
    async with screen(daemon) as alice:
        await alice.types("/room den")
        await alice.shows("\\x1b[2J\\u202eabc\n")
        await alice.shows("           12:00    carol  I never said this 👩‍👩‍👧 नमस्ते می‌خواهم")
        assert all(
            line.isprintable() or "\u200c" in line or "\u200d" in line for line in alice.all.split("\n")
        )
        await alice.until(lambda: "“" in alice.part("title"))
        assert "\\x1b]0;title" in alice.part("title")


async def test_what_is_refused_says_why(daemon: Daemon, bob: Client) -> None:
    await bob.create_room("loft", profiles=["alice"])
    async with screen(daemon) as alice:
        await alice.types("/room loft")
        await alice.until(lambda: alice.part("title").startswith("loft · "))
        await alice.types("x" * 70_000)
        await alice.shows("(PAYLOAD_TOO_LARGE)")
        await alice.types("short")
        await alice.shows("alice  short")
        await bob.remove_members("loft", ["alice"])
        await alice.shows("alice left")
        await alice.types("anybody?")
        await alice.shows("(NOT_A_MEMBER)")


async def test_a_narrow_terminal_shows_the_room_alone(daemon: Daemon, bob: Client) -> None:
    await bob.create_room("nook", profiles=["alice"])
    await bob.send("nook", "a long line of words that does not fit into forty cells")
    async with screen(daemon, size=(40, 12)) as alice:
        await alice.types("/room nook")
        await alice.shows("bob  a long line of words that")
        assert not alice.app.query_one("#rooms").display
        assert max(map(len, alice.log.split("\n"))) <= 40
        await alice.types("/help")
        await alice.until(lambda: len(alice.app.screen_stack) == 2)
        await alice.shows("/room [ROOM]")
    async with screen(daemon, size=(80, 24)) as alice:
        assert alice.app.query_one("#rooms").display


async def test_texts_wait_for_the_end_of_an_outage_and_are_sent_once(tmp_path: Path) -> None:
    with daemon_with_users(tmp_path, USERS, {}) as running:
        async with Client(running.uri, token_of("bob")) as bob:
            await bob.create_room("lobby", profiles=["alice"])
            async with screen(running, call_timeout=0.5) as alice:
                await alice.shows("alice, bob joined")
                os.kill(running.pid, signal.SIGSTOP)
                try:
                    await alice.types("are you there?")
                    await alice.shows("…  alice  are you there?")
                    await alice.types("hello?")
                    await alice.until(lambda: len(alice.talk.outbox) == 2)
                    await alice.types("/quit")
                    await alice.shows("2 texts not sent yet; /quit or Ctrl-C again ends")
                    await alice.until(lambda: "2 texts waiting; no answer" in alice.part("status"))
                finally:
                    os.kill(running.pid, signal.SIGCONT)
                await alice.until(lambda: len(alice.talk.outbox) == 0)
                await alice.until(lambda: "…  alice" not in alice.log)
                running.kill()
                await alice.types("and after a crash?")
                await alice.until(lambda: alice.part("status").startswith("! 1 text waiting; "))
                running.start()
                await alice.until(lambda: not alice.part("status").startswith("!"))
                await alice.until(lambda: len(alice.talk.outbox) == 0)
            texts = [one.text for one in (await bob.history("lobby"))[0] if one.sender_id == "alice"]
            assert texts == ["are you there?", "hello?", "and after a crash?"]


def _forget_the_log(folder: Path) -> None:
    """The database is lost, and what is known of it beside it."""
    for file in (*folder.glob("chatd.db*"), *folder.glob("log-*.json")):
        file.unlink()


async def test_another_log_is_told_and_shown_from_its_beginning(tmp_path: Path) -> None:
    with daemon_with_users(tmp_path, USERS, {}) as running:
        async with Client(running.uri, token_of("bob")) as bob:
            await bob.create_room("lobby", profiles=["alice"])
            await bob.send("lobby", "of the log that is lost")
            async with screen(running) as alice:
                await alice.shows("of the log that is lost")
                running.kill()
                _forget_the_log(tmp_path)
                running.start()
                await bob.create_room("lobby", profiles=["alice"])
                await alice.until(lambda: not alice.talk.trouble)
                await bob.send("lobby", "of the new one")
                await alice.shows("bob of the new one")
                await alice.shows("! the log is another one than before")
                assert "of the log that is lost" not in alice.log


async def test_another_screen_of_the_same_device_ends_this_one(daemon: Daemon) -> None:
    async with screen(daemon, user="carol") as first, screen(daemon, user="carol"):
        await first.until(lambda: not first.app.is_running)
        assert "SUPERSEDED" in first.app.return_value.name if first.app.return_value else False


def test_the_command_talks_in_a_terminal_of_its_own_and_ends(daemon: Daemon) -> None:
    """Without colours, as an operator for somebody, whose new device is forgotten in the end."""
    environment = {"TERM": "xterm", "NO_COLOR": "1", "CHATD_URI": daemon.uri, "CHATD_TOKEN": OPERATOR}
    with Terminal([sys.executable, "-m", "chatctl", "--as", "dora", "chat"], environment) as terminal:
        terminal.wait_for("/help lists")
        terminal.types("/create studio bob\r")
        terminal.wait_for("bob, dora joined")
        terminal.types("hello\r")
        terminal.wait_for("dora  hello")
        terminal.types("\x03")
        assert terminal.ends() == 0
        assert "\x1b[?1049l" in terminal.shown, "the screen is as it was before"
        assert not re.search(r"\x1b\[(?:\d+;)*(?:[34][1-6]|9[1-6]|10[1-6]|[34]8;)", terminal.shown), "greys"

    async def devices() -> list[str]:
        async with Client(daemon.uri, OPERATOR) as operator:
            request = admin_pb2.ListDevicesRequest(profile_id="dora")
            found = await operator.call("AdminService/ListDevices", request, admin_pb2.ListDevicesResponse)
            return [one.device_id for one in found.devices]

    assert asyncio.run(devices()) == []


async def test_only_what_an_operator_makes_is_forgotten(daemon: Daemon) -> None:
    """A user cannot forget devices, so each run is the same one, also if the profile is named."""
    async with Client(daemon.uri, token_of("eve")) as user:
        for given, profile in (("", ""), ("", "eve"), ("tablet", "eve")):
            async with device_for(user, given, profile) as device:
                assert device == (given or "chatctl-chat")


async def test_what_is_in_view_is_read_once_the_reader_is_there(daemon: Daemon, bob: Client) -> None:
    await bob.create_room("porch-2", profiles=["alice"])
    async with screen(daemon) as alice:
        await alice.types("/room porch-2")
        await alice.until(lambda: alice.part("title").startswith("porch-2"))
        alice.app.post_message(events.AppBlur())
        await alice.until(lambda: not alice.app.app_focus)
        await bob.send("porch-2", "psst")
        await alice.shows("bob psst")
        await bob.send("porch-2", "hello?")
        await alice.until(lambda: "porch-2 2" in alice.rooms)
        assert (await bob.delivery_status("porch-2", 2)).read == 0
        alice.app.post_message(events.AppFocus())
        await alice.until(lambda: "porch-2" in alice.rooms)


def test_a_pipe_is_no_terminal(daemon: Daemon) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "chatctl", "--uri", daemon.uri, "chat"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (found.returncode, "chat needs a terminal" in found.stderr) == (2, True)
