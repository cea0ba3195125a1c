"""chatctl device list, show, forget, against a real daemon."""

import asyncio
from collections.abc import Iterator

import pytest

from chatd.client import Client
from chatd.errors import Superseded
from tests.chatctl.test_chatctl import Chatctl
from tests.daemons import Daemon, operator_token


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        yield running


@pytest.fixture
def chatctl(daemon: Daemon) -> Chatctl:
    return Chatctl(daemon)


def test_devices_are_listed_shown_and_forgotten(chatctl: Chatctl, daemon: Daemon) -> None:
    for device in ("phone", "tablet"):
        chatctl("--as", "bob", "tail", "--device", device, "--count", "0")
    chatctl("--as", "alice", "room", "create", "r", "bob")
    chatctl("--as", "alice", "send", "r", "hello")
    rows = chatctl.json("device", "list", "--profile", "bob")
    assert [(row["device_id"], row["owed"], row["rooms_owed"], row["online"]) for row in rows] == [
        ("phone", 2, 1, False),
        ("tablet", 2, 1, False),
    ]
    assert [row["device_id"] for row in chatctl.json("device", "list", "--profile", "bob", "--limit", "1")] == ["phone"]
    assert "there are more" in chatctl("device", "list", "--limit", "1").stderr
    assert "bob\tphone\tno\t2\t1\t" in chatctl("device", "list").stdout
    assert "owed\t2\n" in chatctl("device", "show", "bob", "tablet").stdout

    assert "Aborted" in chatctl("device", "forget", "bob", "tablet", stdin="n\n", code=1).stderr
    assert chatctl.json("device", "forget", "bob", "tablet", "--yes")["forgotten"] is True
    assert [row["device_id"] for row in chatctl.json("device", "list", "--profile", "bob")] == ["phone"]
    assert "no device 'tablet' of 'bob'" in chatctl("device", "show", "bob", "tablet", code=1).stderr
    assert "no device" in chatctl("device", "forget", "bob", "tablet", "-y", code=1).stderr
    assert chatctl.json("outbox", "list", "--profile", "bob")[0]["device_id"] == "phone"
    assert chatctl("--as", "bob", "tail", "--device", "tablet", "--until-caught-up").stdout == "", "it comes back as a new one"


def test_a_forgotten_devices_stream_is_closed(chatctl: Chatctl, daemon: Daemon) -> None:
    async def device() -> None:
        async with Client(daemon.uri, operator_token(daemon.folder), profile="carol") as client, client.stream("d") as stream:
            await stream.opened()
            assert chatctl.json("device", "show", "carol", "d")["online"] is True
            await asyncio.to_thread(chatctl, "device", "forget", "carol", "d", "--yes")
            async with asyncio.timeout(20):
                with pytest.raises(Superseded):
                    async for _ in stream:
                        pass

    asyncio.run(device())


def test_users_may_not(chatctl: Chatctl, daemon: Daemon) -> None:
    tokens = daemon.folder / "tokens.toml"
    tokens.write_text(tokens.read_text() + '[tokens.of-a-user]\nprofile = "eve"\nrole = "user"\n')
    daemon.stop()
    daemon.start()
    for arguments in (("list",), ("show", "bob", "phone"), ("forget", "bob", "phone", "-y")):
        assert "PERMISSION_DENIED" in chatctl("--token", "of-a-user", "device", *arguments, code=1).stderr
