"""chatctl device list, show, forget, against a real daemon."""

import asyncio
import time

import pytest

from chatd.client import Client
from chatd.errors import Superseded
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon, operator_token


def test_devices_are_listed_shown_and_forgotten(chatctl: Chatctl) -> None:
    for device in ("phone", "tablet"):
        chatctl.make_device("bob", device)
    chatctl.create_room("r", "bob")
    chatctl.send_texts("r", "hello")
    rows = chatctl.json("device", "list", "--profile", "bob")
    assert [(row["device_id"], row["owed"], row["rooms_owed"], row["online"]) for row in rows] == [
        ("phone", 2, 1, False),
        ("tablet", 2, 1, False),
    ]
    listed = chatctl.json("device", "list", "--profile", "bob", "--limit", "1")
    assert [row["device_id"] for row in listed] == ["phone"]
    advised = chatctl("device", "list", "--limit", "1").stderr
    assert "for the next ones: --after bob:phone\n" in advised
    rest = chatctl("device", "list", "--no-headers", "--limit", "1", *advised.split()[-2:])
    assert (rest.stdout.startswith("bob\ttablet\t"), rest.stderr) == (True, "")
    assert "bob\tphone\tno\t2\t1\t" in chatctl("device", "list").stdout
    shown = chatctl("device", "show", "bob", "tablet").stdout
    assert "owed\t2\n" in shown
    created = shown.partition("created_at\t")[2].partition("\n")[0]
    assert time.strptime(created, "%Y-%m-%d %H:%M:%S")

    assert "give --yes" in chatctl("device", "forget", "bob", "tablet", stdin="y\n", code=2).stderr
    assert "Aborted" in chatctl.on_terminal("device", "forget", "bob", "tablet", typed="n\n", code=1)
    assert chatctl.json("device", "forget", "bob", "tablet", "--yes")["forgotten"] is True
    assert [row["device_id"] for row in chatctl.json("device", "list", "--profile", "bob")] == ["phone"]
    assert "no device 'tablet' of 'bob'" in chatctl("device", "show", "bob", "tablet", code=1).stderr
    assert "no device" in chatctl("device", "forget", "bob", "tablet", "-y", code=1).stderr
    assert chatctl.json("outbox", "list", "--profile", "bob")[0]["device_id"] == "phone"
    again = chatctl("--as", "bob", "tail", "--device", "tablet", "--until-caught-up").stdout
    assert again == "", "it comes back as a new one"


def test_a_forgotten_devices_stream_is_closed(chatctl: Chatctl, daemon: Daemon) -> None:
    async def device() -> None:
        token = operator_token(daemon.folder)
        async with Client(daemon.uri, token, profile="carol") as client, client.stream("d") as stream:
            await stream.opened()
            assert chatctl.json("device", "show", "carol", "d")["online"] is True
            assert "carol\td\tyes\t0\t0\tnow\t-\n" in chatctl("device", "list").stdout
            await asyncio.to_thread(chatctl, "device", "forget", "carol", "d", "--yes")
            async with asyncio.timeout(20):
                with pytest.raises(Superseded):
                    async for _ in stream:
                        pass

    asyncio.run(device())
