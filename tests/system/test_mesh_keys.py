"""Nodes and gateways that know each other by their keys: one line joins a gateway, keys are changed
and taken back under load."""

import asyncio
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from chatd.errors import ChatdError
from chatd.files.trusted_keys import read_trusted, write_trusted
from tests.daemons import free_port, operator_token
from tests.system.mesh import Machine, address_of, gateway_of, node_at
from tests.system.test_faults import show

LEAST = 100
"""Lines of a load, however slow the machine is."""


async def send_all_along(gateway: Machine, sending: asyncio.Event, shown: list[tuple[str, int, str]]) -> int:
    """Send one after the other until ``sending`` is cleared, and LEAST at least; a device shows
    them. The number."""
    token = operator_token(gateway.folder)
    async with (
        Client(gateway.uri, token, profile="alice", call_timeout=30) as alice,
        Client(gateway.uri, token, profile="bob") as bob,
    ):
        await alice.create_room("r", profiles=["bob"])
        async with bob.stream("laptop", start=HEAD) as laptop:
            await laptop.caught_up()
            sent = 0
            while sending.is_set() or sent < LEAST:
                assert (await alice.send("r", f"line {sent}")).seq == sent + 2
                sent += 1
            await show(laptop, shown, sent)
    return sent


async def test_one_line_joins_a_gateway_and_a_key_is_changed_under_load(tmp_path: Path) -> None:
    node = node_at(tmp_path / "n", "0.0.0.0", PUBLIC_HOST="127.0.0.1")
    gateway = gateway_of(tmp_path / "g", node)
    node.trust(gateway)
    sending, shown = asyncio.Event(), list[tuple[str, int, str]]()
    sending.set()
    old = address_of(node)
    with node, gateway:
        assert f'"default": "{old}"' in node.log.read_text(), "the line that others need"
        load = asyncio.create_task(send_all_along(gateway, sending, shown))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(node.rotate)
        await asyncio.to_thread(gateway.until, f"#{node.keys.newest.public.hex()}")
        await asyncio.to_thread(node.finish)
        assert address_of(node) != old
        await asyncio.sleep(2)
        sending.clear()
        sent = await load
        assert shown == [("r", number + 2, f"line {number}") for number in range(sent)]
        # The settings still have the old key, and the gateway remembers the new one.
        gateway.stop()
        gateway.start()
    assert "chatd is stopping" not in node.log.read_text().rpartition("chatd is ready")[0]


async def test_a_gateways_key_is_changed_under_load(tmp_path: Path) -> None:
    node = node_at(tmp_path / "n", "127.0.0.1")
    gateway = gateway_of(tmp_path / "g", node)
    node.trust(gateway)
    sending, shown = asyncio.Event(), list[tuple[str, int, str]]()
    sending.set()
    with node, gateway:
        load = asyncio.create_task(send_all_along(gateway, sending, shown))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(gateway.rotate)
        node.trust(gateway)
        old = gateway.keys.current.public
        await asyncio.to_thread(gateway.finish)
        trusted = read_trusted(node.trusted)
        assert len(trusted) == 2
        write_trusted(node.trusted, {key: name for key, name in trusted.items() if key != old})
        await asyncio.to_thread(node.hang_up, "were reloaded")
        await asyncio.sleep(2)
        sending.clear()
        sent = await load
    assert shown == [("r", number + 2, f"line {number}") for number in range(sent)]
    assert "was refused" not in node.log.read_text()


async def test_an_entry_at_one_node_counts_at_all_and_so_does_its_end(
    postgres_uri: str, tmp_path: Path
) -> None:
    first = node_at(tmp_path / "first", "127.0.0.1", postgres_uri)
    second = node_at(tmp_path / "second", "127.0.0.1", postgres_uri)
    gateway = gateway_of(tmp_path / "g", second, DRAIN_SECONDS=0)
    key = gateway.keys.current.public.hex()
    with first, second:
        gateway.start(wait=False)
        try:
            await asyncio.to_thread(second.until, f"type: chatd keys trust {key}")
            first.trust(gateway)
            await asyncio.to_thread(gateway.until, "chatd is ready")
            await asyncio.to_thread(gateway.until, f'{address_of(first)}", "node_id": "first"')
            token = operator_token(gateway.folder)
            async with Client(gateway.uri, token, profile="alice", call_timeout=3) as alice:
                await alice.create_room("r")
                first.untrust(gateway)
                for node in (first, second):
                    # Within a lease of a second, by itself; the rest is for a busy machine.
                    await asyncio.to_thread(node.until, f'"key": "{key}"', seconds=6)
                with pytest.raises((ChatdError, TimeoutError)):
                    await alice.create_room("r2")
        finally:
            gateway.stop()


async def test_a_process_that_is_both_reaches_itself_and_others(tmp_path: Path, postgres_uri: str) -> None:
    node = node_at(tmp_path / "n", "127.0.0.1", postgres_uri)
    both = Machine(
        "all",
        tmp_path / "both",
        DB_URI=postgres_uri,
        DEFAULT_URI=f"tcp://127.0.0.1:{free_port()}#curve",
        QUEUE_USER_EVENT_DELIVERY_URI=f"tcp://127.0.0.1:{free_port()}#curve",
        NODE_LEASE_SECONDS=1,
    )
    sending, shown = asyncio.Event(), list[tuple[str, int, str]]()
    sending.set()
    with node, both:
        # Nobody trusts anybody: the lease in their database is enough.
        await asyncio.to_thread(both.until, f'"{address_of(node)}", "node_id": "n"')
        load = asyncio.create_task(send_all_along(both, sending, shown))
        await asyncio.to_thread(both.rotate)
        await asyncio.to_thread(both.finish)
        await asyncio.sleep(1)
        sending.clear()
        sent = await load
    assert shown == [("r", number + 2, f"line {number}") for number in range(sent)]
    assert both.log.read_text().count("A default node was found") == 1
