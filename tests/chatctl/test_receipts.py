"""chatctl read, unread, receipts, tail --receipts --typing, against a real daemon."""

import asyncio
import json
import signal
from collections.abc import Iterator

import pytest

from chatd.client import Client
from tests.chatctl.test_chatctl import Chatctl
from tests.daemons import Daemon, operator_token


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon("all", tmp_path_factory.mktemp("chatd")) as running:
        yield running


@pytest.fixture
def chatctl(daemon: Daemon) -> Chatctl:
    return Chatctl(daemon)


def test_reading(chatctl: Chatctl) -> None:
    chatctl("--as", "bob", "tail", "--device", "phone", "--count", "0")
    chatctl("--as", "alice", "room", "create", "r", "bob", "carol")
    chatctl("--as", "alice", "send", "r", "-", stdin="1\n2\n3\n")
    assert chatctl.json("--as", "bob", "unread")[0] | {"read_at_us": 0} == {
        "room_id": "r",
        "read_seq": 0,
        "read_at_us": 0,
        "head_seq": 4,
        "unread": 3,
    }
    assert chatctl.json("--as", "bob", "read", "r", "3") == {"room_id": "r", "read_seq": 3, "unread": 1}
    assert chatctl.json("--as", "bob", "read", "r", "2")["read_seq"] == 3
    assert chatctl("--as", "bob", "unread").stdout.startswith("r\t1\t3 of 4\t2")
    assert chatctl("--as", "carol", "unread").stdout == "r\t3\t0 of 4\tnever\n"
    chatctl("--as", "bob", "tail", "--device", "phone", "--until-caught-up")

    shown = chatctl("--as", "alice", "receipts", "r", "3")
    assert "2 recipients: 1 have received it, 1 have read it" in shown.stderr
    bob, carol = (line.split("\t") for line in shown.stdout.splitlines())
    assert (bob[:3], carol) == (["bob", "phone", "-"], ["carol", "-", "-", "no"])
    rows = chatctl.json("--as", "alice", "receipts", "r", "4")
    assert [(row["profile_id"], row["read"], row["devices"]) for row in rows] == [("bob", False, {"phone": True}), ("carol", False, {})]
    assert chatctl.json("--as", "bob", "read", "r") == {"room_id": "r", "read_seq": 4, "unread": 0}
    assert "NOT_A_MEMBER" in chatctl("--as", "dave", "read", "r", code=1).stderr
    assert "EVENT_NOT_FOUND" in chatctl("--as", "alice", "receipts", "r", "99", code=1).stderr
    assert "ROOM_NOT_FOUND" in chatctl("--as", "alice", "read", "nowhere", code=1).stderr


def test_tail_shows_who_writes_receives_and_reads(chatctl: Chatctl, daemon: Daemon) -> None:
    chatctl("--as", "alice", "room", "create", "talk", "bob")

    async def bobs_side(tail: object) -> None:
        async with Client(daemon.uri, operator_token(daemon.folder), profile="bob") as bob, bob.stream("b") as stream:
            await stream.caught_up()
            for _ in range(100):
                await bob.set_typing("talk")
                await bob.set_typing("talk", False)
                ack = await bob.send("talk", "x")
                await bob.set_read_marker("talk", ack.seq)
                async for delivery in stream:
                    if delivery.seq == ack.seq:
                        break
                stream.acknowledge()
                if done.is_set():
                    return
                await asyncio.sleep(0.05)

    async def both() -> list[dict[str, object]]:
        tail = chatctl.start("--as", "alice", "tail", "talk", "--device", "a", "--receipts", "--typing", "--json")
        assert tail.stdout is not None
        talking = asyncio.create_task(bobs_side(tail))
        shown: list[dict[str, object]] = []
        try:
            async with asyncio.timeout(40):
                while not {"typing", "delivered", "read"} <= {str(one.get("kind")) for one in shown}:
                    shown.append(json.loads(await asyncio.to_thread(tail.stdout.readline)))
        finally:
            done.set()
            tail.send_signal(signal.SIGINT)
            tail.communicate(timeout=20)
            await talking
        return shown

    done = asyncio.Event()
    shown = asyncio.run(both())
    for one in shown:
        if "kind" in one:
            assert (one["room_id"], one["profile_id"]) == ("talk", "bob") or one["kind"] == "delivered"
        else:
            assert one["text"] in ("x", "alice, bob joined")


def test_presence(chatctl: Chatctl) -> None:
    chatctl("--as", "alice", "room", "create", "seen", "erin")
    assert chatctl("--as", "alice", "presence", "erin", "alice").stdout == "erin\toffline\nalice\toffline\n"
    tail = chatctl.start("--as", "erin", "tail", "--device", "d")
    watching = chatctl.start("--as", "alice", "presence", "erin", "--watch", "--json")
    try:
        assert watching.stdout is not None
        states = []
        for line in watching.stdout:
            row = json.loads(line)
            states.append(row["state"])
            if row["state"] == "online":
                break
        assert states[-1] == "online"
        assert chatctl.json("--as", "alice", "presence", "erin") == [{"profile_id": "erin", "state": "online"}]
    finally:
        for process in (tail, watching):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
