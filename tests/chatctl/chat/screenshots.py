"""Makes the picture of ``chatctl chat`` in the documents: ``make screenshots``."""

import asyncio
import re
import tempfile
from pathlib import Path

from chatctl.chat.entry import Entry
from chatctl.chat.screen import Chat
from chatctl.chat.talk import Talk
from chatd.client import HEAD, Client
from tests.daemons import Daemon, operator_token

PICTURE = Path(__file__).parents[3] / "chatctl" / "chat" / "chat.svg"
SIZE = (100, 26)
SETTLED_SECONDS = 1.0
_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)  # the picture is to load nothing from elsewhere
LINES = (
    ("bob", "good morning! the beans are up"),
    ("carol", "already? mine need another week"),
    ("bob", "/me waters everything"),
    ("dave", "I can bring compost on Saturday, about two barrows. Somebody would have to help me carry it"),
    ("carol", "alice: have you seen who took the long hose?"),
)


async def _picture(daemon: Daemon) -> None:
    token = operator_token(daemon.folder)
    clients = {name: Client(daemon.uri, token, profile=name) for name in ("alice", "bob", "carol", "dave")}
    alice, bob, carol = clients["alice"], clients["bob"], clients["carol"]
    await alice.create_room("garden", profiles=["bob", "carol", "dave"])
    await alice.update_room("garden", name="The garden")
    for room in ("kitchen", "lobby", "workshop"):
        await bob.create_room(room, profiles=["alice", "carol"])
    for name, text in LINES:
        await clients[name].send("garden", text, mentions=["alice"] if text.startswith("alice:") else [])
    for number in range(3):
        await bob.send("kitchen", f"recipe {number}")
    await carol.send("workshop", "@alice, the key is in the shed", mentions=["alice"])
    talk = Talk(alice, "screen")
    async with (
        talk.stream as stream,
        bob.stream("phone", start=HEAD) as phone,
        carol.stream("laptop", start=HEAD),
    ):
        await stream.opened()
        screen = Chat(talk)
        async with screen.run_test(size=SIZE) as pilot:
            await pilot.pause(SETTLED_SECONDS)
            talk.say("it stands behind the shed\nI needed it for the pond")
            async for delivery in phone:
                if delivery.sender_id == "alice":
                    await bob.set_read_marker("garden", delivery.seq)
                    break
            screen.query_one(Entry).value = "/search compost"
            await carol.set_typing("garden")
            await pilot.pause(SETTLED_SECONDS)
            PICTURE.write_text(_FONTS.sub("", screen.export_screenshot(title="chatctl chat")))
    for client in clients.values():
        client.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, Daemon("all", Path(folder)) as running:
        asyncio.run(_picture(running))
