"""Deliveries and acks as conversations with a gateway."""

import asyncio

import pytest

from chatd.client import Client
from chatd.errors import (
    Draining,
    NoStream,
)
from tests.client.fake_gateway import FakeGateway
from tests.client.streams import leave, streaming, take


async def test_what_was_handled_is_acknowledged_and_what_was_not_is_not(
    client: Client, gateway: FakeGateway
) -> None:
    async with streaming(client, gateway) as (stream, peer):
        gateway.deliver(peer, ("a", 1), ("a", 2), ("b", 1))
        assert await take(stream, 3) == [("a", 1), ("a", 2), ("b", 1)]
        await gateway.hear_ack(2)  # the third is being worked on
        await leave(stream, gateway)


async def test_acks_are_gathered(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway, window=16) as (stream, peer):
        gateway.deliver(peer, *(("a", seq) for seq in range(1, 9)))
        await take(stream, 9 - 1)
        _, first = await gateway.hear("ack")
        assert first.up_to == 4, "a quarter of the window"
        await gateway.hear_ack(7)
        await leave(stream, gateway)


async def test_bytes_fill_a_window_too(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway, window=100_000, window_bytes=100) as (stream, peer):
        for seq in range(1, 5):
            gateway.deliver(
                peer, ("a", seq)
            )  # each more than a quarter of 100 bytes: no ack waits for another
        await take(stream, 4)
        assert [(await gateway.hear("ack"))[1].up_to for _ in range(3)] == [1, 2, 3]
        await leave(stream, gateway)


async def test_a_reconnect_goes_on_without_repeats(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway) as (stream, peer):
        gateway.deliver(peer, ("a", 1), ("a", 2))
        assert await take(stream, 2) == [("a", 1), ("a", 2)]
        gateway.close_stream(peer, Draining("elsewhere, please"))
        again = await gateway.welcome(epoch=2)
        assert again != peer, "a new socket for each connection"
        gateway.deliver(again, ("a", 1), ("a", 2), ("a", 3))
        assert await take(stream, 1) == [("a", 3)]
        gateway.deliver(again, ("a", 4))
        assert await take(stream, 1) == [("a", 4)]
        assert (stream.epoch, stream.repeats) == (2, 2)
        await gateway.hear_ack(
            3
        )  # counted from the new Welcome on; nothing of the old connection is acknowledged on the new one
        await leave(stream, gateway)


async def test_repeats_alone_are_acknowledged(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway) as (stream, peer):
        gateway.deliver(peer, ("a", 1))
        assert await take(stream, 1) == [("a", 1)]
        waiting = asyncio.ensure_future(anext(stream))
        gateway.close_stream(peer, Draining("elsewhere, please"))
        again = await gateway.welcome()
        gateway.deliver(again, ("a", 1))
        await gateway.hear_ack(1)
        waiting.cancel()
        await leave(stream, gateway)


async def test_what_waits_unshown_survives_a_reconnect(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway) as (stream, peer):
        gateway.deliver(peer, ("a", 1), ("a", 2), ("a", 3))
        assert await take(stream, 1) == [("a", 1)]
        gateway.close_stream(peer, NoStream("who are you?"))
        again = await gateway.welcome()
        gateway.deliver(again, ("a", 1), ("a", 2), ("a", 3), ("a", 4))
        gateway.deliver(again, ("a", 5))
        assert await take(stream, 4) == [("a", 2), ("a", 3), ("a", 4), ("a", 5)]
        await gateway.hear_ack(4)
        await leave(stream, gateway)


async def test_leaving_a_loop_and_coming_back_loses_nothing(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway) as (stream, peer):
        gateway.deliver(peer, *(("a", seq) for seq in range(1, 7)))
        async for delivery in stream:
            if delivery.seq == 2:
                break
        async for delivery in stream:
            assert delivery.seq == 3
            break
        async for batch in stream.batches():
            assert [delivery.seq for delivery in batch] == [4, 5, 6]
            break
        stream.acknowledge()
        await gateway.hear_ack(6)
        await leave(stream, gateway)


async def test_waiting_can_be_cancelled_and_resumed(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway) as (stream, peer):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.01)
        gateway.deliver(peer, ("a", 1))
        assert await take(stream, 1) == [("a", 1)]
        await leave(stream, gateway)


async def test_an_error_in_the_loops_body_leaves_the_delivery_owed(
    client: Client, gateway: FakeGateway
) -> None:
    async with streaming(client, gateway) as (stream, peer):
        gateway.deliver(peer, ("a", 1), ("a", 2))

        async def crash_on_the_second() -> None:
            async for delivery in stream:
                assert 1 // (delivery.seq - 2)

        with pytest.raises(ZeroDivisionError):
            await crash_on_the_second()
        await leave(stream, gateway, acked=1)


async def test_a_rejection_is_said_at_once_and_again_of_the_repeat(
    client: Client, gateway: FakeGateway
) -> None:
    async with streaming(client, gateway) as (stream, peer):
        gateway.deliver(peer, ("a", 1), ("a", 2))
        await take(stream, 1)
        stream.reject(await anext(stream), "no key")
        _, reject = await gateway.hear("reject")
        assert (reject.delivery, reject.reason) == (2, "no key")
        gateway.close_stream(peer, Draining("elsewhere, please"))
        again = await gateway.welcome(epoch=2)
        gateway.deliver(again, ("a", 2), ("a", 3))
        _, reject = await gateway.hear("reject")
        assert (reject.delivery, reject.reason) == (1, "no key")
        assert await take(stream, 1) == [("a", 3)]
        await leave(stream, gateway)
