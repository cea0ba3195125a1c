"""A full disk: every send is refused by name, the daemon lives on, nothing acknowledged is lost,
and with space it goes on as if nothing had been."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.client import HEAD, Client, message
from chatd.errors import ChatdError, StoreFailed, TimedOut, Unavailable
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1.chat_pb2 import RoomEvent
from chatd.store.database import Database
from tests.daemons import Daemon, operator_token

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("mount") is None, reason="mounting needs root"
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def outcome(alice: Client, batch: list[RoomEvent]) -> ChatdError | None:
    """None: it is stored. A client's last try may have had no time left for its answer: then it is
    asked again."""
    async with asyncio.timeout(60):
        while True:
            try:
                await alice.send_events(batch)
            except TimedOut:
                continue
            except ChatdError as exc:
                return exc
            return None


async def test_a_full_disk_refuses_loses_nothing_and_recovers(small_disk: Path, tmp_path: Path) -> None:
    daemon = Daemon(
        "all", small_disk, {"TOKENS_FILE": tmp_path / "tokens.toml", "RUNTIME_DIR": tmp_path / "run"}
    )
    daemon.log = tmp_path / "all.log"
    with daemon:
        token = operator_token(tmp_path)
        async with (
            Client(daemon.uri, token, profile="alice", call_timeout=2) as alice,
            Client(daemon.uri, token, profile="bob") as bob,
        ):
            await alice.create_room("r", profiles=["bob"])
            async with bob.stream("d", start=HEAD) as stream:
                await stream.opened()
            acked: list[str] = []
            refused: ChatdError | None = None
            number = 0
            while refused is None:
                assert number < 20_000, "the disk is never full"
                batch = [f"e{number + one}" for one in range(20)]
                refused = await outcome(
                    alice, [message("r", "x" * 2_000, event_id=event_id) for event_id in batch]
                )
                if refused is None:
                    acked += batch
                    number += 20
            assert (refused.name, refused.retry) == ("STORE_FAILED", True), refused
            assert "full" in str(refused)

            # A call that needs no space is still answered, and each further send is refused as
            # clearly.
            status = await bob.call(
                "AdminService/GetStatus", admin_pb2.GetStatusRequest(), admin_pb2.GetStatusResponse
            )
            assert status.events_committed == len(acked) + 1
            more = await outcome(
                alice, [message("r", "x" * 2_000, event_id=f"more{one}") for one in range(200)]
            )
            assert isinstance(more, StoreFailed)
            assert "full" in str(more)

            await asyncio.to_thread(
                subprocess.run, ["mount", "-o", "remount,size=64m", str(small_disk)], check=True
            )
            async with asyncio.timeout(60):
                acks = await alice.send_events(
                    [message("r", "x" * 2_000, event_id=event_id) for event_id in batch]
                )
            assert [ack.seq for ack in acks] == list(range(len(acked) + 2, len(acked) + 22)), (
                "stored now, and not before"
            )
            acked += batch
            daemon.stop()
            daemon.start()
            shown = []
            async with asyncio.timeout(30), bob.stream("d", start=HEAD) as stream:
                async for delivery in stream:
                    if delivery.type == 1:
                        shown.append(delivery.event_id)
                    if len(shown) == len(acked):
                        stream.acknowledge()
                        break
            assert shown == acked
    database = Database(f"sqlite:///{small_disk}/chatd.db")
    with database.connection(readonly=True):
        assert database.rows("PRAGMA integrity_check") == [("ok",)]


async def send_until_refused(alice: Client, sender: int, acked: dict[str, int], refused: list[str]) -> None:
    """Ends at the second refusal; each must be one of the errors that say so and are worth a
    retry."""
    number = 0
    while len([event_id for event_id in refused if event_id.startswith(f"{sender}-")]) < 2:
        number += 1
        event_id = f"{sender}-{number}"
        try:
            (ack,) = await alice.send_events([message("r", "x" * 1_500, event_id=event_id)])
        except (
            StoreFailed,
            Unavailable,
            TimedOut,
        ):  # a client's last try may have had no time left for its answer
            refused.append(event_id)
        else:
            acked[event_id] = ack.seq


@pytest.mark.parametrize("restarted", [False, True], ids=["running on", "restarted while full"])
async def test_a_connected_device_sees_it_through(small_disk: Path, tmp_path: Path, restarted: bool) -> None:
    """Its acks cannot be written either while the disk is full; with space it shows every event
    once, in order, without a new connection."""
    daemon = Daemon(
        "all", small_disk, {"TOKENS_FILE": tmp_path / "tokens.toml", "RUNTIME_DIR": tmp_path / "run"}
    )
    daemon.log = tmp_path / "all.log"
    acked: dict[str, int] = {}
    refused: list[str] = []
    shown: dict[str, int] = {}
    with daemon:
        pid = daemon.pid
        token = operator_token(tmp_path)
        async with (
            Client(daemon.uri, token, profile="alice", call_timeout=1) as alice,
            Client(daemon.uri, token, profile="bob") as bob,
        ):
            await alice.create_room("r", profiles=["bob"])
            async with bob.stream("laptop", start=HEAD) as laptop:
                await laptop.caught_up()

                async def show() -> None:
                    async for delivery in laptop:
                        if delivery.type == 1:
                            assert delivery.seq == len(shown) + 2, "a hole, a repeat, or another order"
                            shown[delivery.event_id] = delivery.seq
                        laptop.acknowledge()

                showing = asyncio.create_task(show())
                await asyncio.gather(
                    *(send_until_refused(alice, sender, acked, refused) for sender in range(8))
                )
                assert (await bob.history("r", limit=1))[0][0].seq == len(acked) + 1, "reading needs no space"
                if restarted:
                    assert await asyncio.to_thread(daemon.stop) == 0
                    daemon.start()
                await asyncio.to_thread(
                    subprocess.run, ["mount", "-o", "remount,size=64m", str(small_disk)], check=True
                )
                async with asyncio.timeout(10):
                    for event_id in refused:
                        (ack,) = await alice.send_events([message("r", "x" * 1_500, event_id=event_id)])
                        acked[event_id] = ack.seq
                async with asyncio.timeout(20):
                    while len(shown) < len(acked) and not showing.done():
                        await asyncio.sleep(0.02)
                if showing.done():
                    await showing  # what it saw was wrong
                showing.cancel()
        assert restarted or daemon.pid == pid
    assert shown == acked
    database = Database(f"sqlite:///{small_disk}/chatd.db")
    with database.connection(readonly=True):
        assert database.rows("PRAGMA integrity_check") == [("ok",)]
        assert dict(database.rows("SELECT event_id, seq FROM room_event WHERE seq > 1")) == acked
