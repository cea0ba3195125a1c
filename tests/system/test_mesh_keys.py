"""Nodes and gateways that know each other by their keys: one line joins a gateway, keys are changed
and taken back under load."""

import asyncio
from pathlib import Path

from chatd.client import Client
from tests.daemons import operator_token
from tests.system.mesh import Machine, address_of, gateway_of, node_at
from tests.system.test_faults import show


async def send_all_along(gateway: Machine, sending: asyncio.Event, shown: list[tuple[str, int, str]]) -> int:
    """Send one after the other until ``sending`` is cleared; a device shows them. The number."""
    token = operator_token(gateway.folder)
    async with (
        Client(gateway.uri, token, profile="alice", call_timeout=30) as alice,
        Client(gateway.uri, token, profile="bob") as bob,
    ):
        await alice.create_room("r", profiles=["bob"])
        async with bob.stream("laptop") as laptop:
            await laptop.caught_up()
            sent = 0
            while sending.is_set():
                assert (await alice.send("r", f"line {sent}")).seq == sent + 2
                sent += 1
            await show(laptop, shown, sent)
    return sent


async def test_one_line_joins_a_gateway_and_a_key_is_changed_under_load(tmp_path: Path) -> None:
    node = node_at(tmp_path / "n", "127.0.0.1")
    gateway = gateway_of(tmp_path / "g", node)
    node.trust(gateway)
    sending, shown = asyncio.Event(), list[tuple[str, int, str]]()
    sending.set()
    old = address_of(node)
    with node, gateway:
        load = asyncio.create_task(send_all_along(gateway, sending, shown))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(node.rotate)
        await asyncio.to_thread(gateway.until, f"#{node.keys.newest.public.hex()}")
        await asyncio.to_thread(node.finish)
        assert address_of(node) != old
        await asyncio.sleep(2)
        sending.clear()
        sent = await load
        assert sent > 100
        assert shown == [("r", number + 2, f"line {number}") for number in range(sent)]
        # The settings still have the old key, and the gateway remembers the new one.
        gateway.stop()
        gateway.start()
    assert "chatd is stopping" not in node.log.read_text().rpartition("chatd is ready")[0]
