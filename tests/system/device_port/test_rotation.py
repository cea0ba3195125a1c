"""A gateway's key is changed while devices stream and senders send: no restart, no lost event, and
devices that come again meanwhile learn the next key by themselves."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from chatd.client import HEAD, Client, Stream
from chatd.errors import Unavailable
from tests.chaos.proxy import FaultProxy
from tests.daemon.test_process import chatd
from tests.daemon.test_reload import records, until
from tests.daemons import Daemon
from tests.protocol.limited import token_of
from tests.raw_peer import target_of
from tests.system.device_port.test_encryption import encrypted

STEP = 100
"""Events between two steps, at least."""


class Sender:
    """Sends texts to the room one after the other."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.sent: list[str] = []
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await self._client.send("lobby", f"{len(self.sent)}")
            self.sent.append(f"{len(self.sent)}")

    async def some(self) -> None:
        """Wait until more have been sent; raises what ended it."""
        before = len(self.sent)
        while len(self.sent) < before + STEP:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


async def read(stream: Stream, heard: list[str]) -> None:
    async for delivery in stream:
        if delivery.text:
            heard.append(delivery.text)


async def rotate(daemon: Daemon, *options: str) -> None:
    """One step, on the files, and a reload."""
    done = await asyncio.to_thread(chatd, "keys", "rotate", *options, **daemon.settings)
    assert done.returncode == 0, done.stderr
    before = len(records(daemon, "were reloaded"))
    os.kill(daemon.pid, signal.SIGHUP)
    await until(lambda: len(records(daemon, "were reloaded")) > before)


async def test_a_key_is_changed_under_load(tmp_path: Path) -> None:
    daemon = encrypted(tmp_path, ["ann", "ben"])
    with FaultProxy(target=target_of(daemon.uri)) as proxy:
        daemon.settings["GATEWAY_PUBLIC_URI"] = proxy.uri
        with daemon:
            old_line = daemon.public_uri
            heard: dict[str, list[str]] = {"old": [], "new": []}
            async with Client(old_line, token_of("ann")) as ann, Client(old_line, token_of("ben")) as ben:
                await ann.create_room("lobby", profiles=["ben"])
                async with ben.stream("old", start=HEAD) as old, ben.stream("new", start=HEAD) as new:
                    await until(lambda: old.epoch > 0 and new.epoch > 0)
                sender = Sender(ann)
                async with (
                    ann.stream("desk", start=HEAD),
                    ben.stream("old", start=HEAD) as old,
                ):  # a Welcome tells ann, too
                    reading = [asyncio.create_task(read(old, heard["old"]))]
                    await sender.some()

                    await rotate(daemon)
                    assert len(records(daemon, "told of a new key")) == 1
                    new_line = str(records(daemon, "told of a new key")[0]["gateway"])
                    assert new_line.partition("#")[0] == old_line.partition("#")[0] == proxy.uri
                    assert new_line != old_line
                    await sender.some()
                    async with Client(old_line, token_of("ann")) as late:
                        await late.unread()  # the old key is good
                    proxy.cut()
                    proxy.heal()
                    await sender.some()

                    await rotate(daemon, "--finish")
                    async with Client(old_line, token_of("ann"), call_timeout=0.5) as late:
                        with pytest.raises(Unavailable):
                            await late.unread()
                    await sender.some()
                    proxy.cut()
                    proxy.heal()
                    await sender.some()  # ann and ben know the old line, and were told of the new one

                    async with (
                        Client(new_line, token_of("ben")) as fresh,
                        fresh.stream("new", start=HEAD) as new,
                    ):
                        reading.append(asyncio.create_task(read(new, heard["new"])))
                        await sender.some()
                        await sender.stop()
                        await until(lambda: min(map(len, heard.values())) >= len(sender.sent))
                        for texts in heard.values():
                            assert texts[: len(sender.sent)] == sender.sent
                    for task in reading:
                        task.cancel()
        assert len(records(daemon, "chatd is ready")) == 1
