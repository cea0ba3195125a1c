"""chatctl device list, show, rewind, forget, against a real daemon."""

import asyncio
import time

import pytest
from typer.testing import CliRunner

from chatctl.devices import app
from chatd.client import HEAD, Client
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


def test_rewind_asks_and_says_how_many(chatctl: Chatctl, filled: str) -> None:
    tail = ("--as", filled, "tail", "--take-over", "--device", "d", "--until-caught-up")
    chatctl.json_lines(*tail)
    where = ("device", "rewind", filled, "d", "--last", "3")
    shown = {
        "profile_id": filled,
        "device_id": "d",
        "dry_run": True,
        "replayed": 3,
        "rooms": 1,
        "no_longer_kept": 0,
    }
    assert chatctl.json(*where, "--dry-run") == shown
    asked = " ".join(chatctl.on_terminal(*where, typed="n\n", code=1).split())
    assert f"Owe {filled}/d 3 events of 1 room again?" in asked
    assert chatctl.json_lines(*tail) == []
    assert chatctl.json(*where, "--yes") == {**shown, "dry_run": False}
    assert [(one["seq"], one["replay"]) for one in chatctl.json_lines(*tail)] == [
        (9, True),
        (10, True),
        (11, True),
    ]
    for point, count in (("--room", filled, "--to", "10"), 2), (("--since", "1h"), 11):
        assert chatctl.json("device", "rewind", filled, "d", *point, "--yes")["replayed"] == count
        assert len(chatctl.json_lines(*tail)) == count
    lines = [one for one in chatctl.json("audit") if one["what"] == "AdminService/ReplayOutbox"]
    assert f"profile_id={filled} device_id=d room_id={filled} from_seq=10" in {
        one["objects"] for one in lines
    }


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("", "give one of --to, --last and --since"),
        ("--last 3 --since 1h", "give one of --to, --last and --since"),
        ("--to 17", "a seq needs --room"),
        ("--since yesterday", "is not a time"),
    ],
)
def test_a_rewind_that_makes_no_sense(options: str, why: str) -> None:
    done = CliRunner().invoke(app, ["rewind", "bob", "phone", *options.split()], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert why in done.output


def test_a_forgotten_devices_stream_is_closed(chatctl: Chatctl, daemon: Daemon) -> None:
    async def device() -> None:
        token = operator_token(daemon.folder)
        async with (
            Client(daemon.uri, token, profile="carol") as client,
            client.stream("d", start=HEAD) as stream,
        ):
            await stream.opened()
            assert chatctl.json("device", "show", "carol", "d")["online"] is True
            assert "carol\td\tyes\t0\t0\tnow\t-\n" in chatctl("device", "list").stdout
            await asyncio.to_thread(chatctl, "device", "forget", "carol", "d", "--yes")
            async with asyncio.timeout(20):
                with pytest.raises(Superseded):
                    async for _ in stream:
                        pass

    asyncio.run(device())
