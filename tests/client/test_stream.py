"""Streams as conversations with a gateway. A stream's own tests end it with ``leave``: the gateway hears the Bye and answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chatd.client import Client, Stream, StreamState
from chatd.errors import ChatdError, Draining, InvalidId, NoStream, PermissionDenied, Superseded, Unauthenticated
from tests.client.fake_gateway import DEADLINE, FakeGateway

States = list[tuple[StreamState, str]]


@asynccontextmanager
async def streaming(client: Client, gateway: FakeGateway, **welcome: int) -> AsyncIterator[tuple[Stream, bytes]]:
    """An open stream and the peer it is; at the end C: Bye, S: Closed."""
    async with asyncio.timeout(2 * DEADLINE):
        stream = await client.stream("laptop").__aenter__()
        peer = await gateway.welcome(**welcome)
        await stream.opened()
        yield stream, peer
        if stream.state is not StreamState.ENDED:
            await leave(stream, gateway)


async def leave(stream: Stream, gateway: FakeGateway, *, acked: int = 0) -> None:
    closing = asyncio.ensure_future(stream.close())
    if acked:
        await gateway.hear_ack(acked)
    peer, _ = await gateway.hear("bye")
    gateway.close_stream(peer, None)
    await closing


async def take(stream: Stream, count: int) -> list[tuple[str, int]]:
    taken = [await anext(stream) for _ in range(count)]
    return [(one.room_id, one.seq) for one in taken]


async def test_hello_says_who_and_how_much(client: Client, gateway: FakeGateway) -> None:
    async with client.stream("phone", window_messages=7, window_bytes=5000) as stream:
        peer, hello = await gateway.hear("hello")
        assert (hello.token, hello.profile_id, hello.device_id) == ("secret", "bob", "phone")
        assert (hello.window_messages, hello.window_bytes, hello.version) == (7, 5000, 1)
        gateway.close_stream(peer, None)
        assert [delivery async for delivery in stream] == []


async def test_what_was_handled_is_acknowledged_and_what_was_not_is_not(client: Client, gateway: FakeGateway) -> None:
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
            gateway.deliver(peer, ("a", seq))  # each more than a quarter of 100 bytes: no ack waits for another
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
        await gateway.hear_ack(3)  # counted from the new Welcome on; nothing of the old connection is acknowledged on the new one
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


async def test_an_error_in_the_loops_body_leaves_the_delivery_owed(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway) as (stream, peer):
        gateway.deliver(peer, ("a", 1), ("a", 2))

        async def crash_on_the_second() -> None:
            async for delivery in stream:
                assert 1 // (delivery.seq - 2)

        with pytest.raises(ZeroDivisionError):
            await crash_on_the_second()
        await leave(stream, gateway, acked=1)


@pytest.mark.parametrize("error", [Superseded("elsewhere"), Unauthenticated("no such token")])
async def test_some_errors_end_a_stream(client: Client, gateway: FakeGateway, error: ChatdError) -> None:
    async with streaming(client, gateway) as (stream, peer):
        gateway.deliver(peer, *(("a", seq) for seq in range(1, 400)))
        gateway.close_stream(peer, error)
        gateway.say(peer, caught_up={})  # nothing may follow; what does changes nothing
        while stream.state is not StreamState.ENDED:
            await asyncio.sleep(0.005)
        with pytest.raises(type(error)):
            await take(stream, 400)
        await asyncio.sleep(0.1)
        assert gateway.heard_nothing(), "no ack for a stream that has ended: its answer would be mistaken for a reason to come back"


@pytest.mark.parametrize("error", [PermissionDenied("not you"), InvalidId("device_id is empty")])
async def test_a_refused_hello_ends_a_stream(client: Client, gateway: FakeGateway, error: ChatdError) -> None:
    async with client.stream("") as stream:
        peer, _ = await gateway.hear("hello")
        gateway.say(peer, error={"code": error.code, "name": error.name, "message": str(error)})
        with pytest.raises(type(error), match=str(error)):
            await stream.opened()
        with pytest.raises(type(error)):
            await stream.caught_up()
        with pytest.raises(type(error)):
            await anext(stream)


MALFORMED = {
    "does not parse": b"\xff\xff",
    "without a seq": b"\x0a\x04\x0a\x02\x12\x00",
}


@pytest.mark.parametrize("reason", MALFORMED)
async def test_a_malformed_frame_is_a_reason_to_reconnect(client: Client, gateway: FakeGateway, reason: str) -> None:
    states: States = []
    async with client.stream("laptop", on_state=lambda *state: states.append(state)) as stream:
        peer = await gateway.welcome()
        gateway.deliver(peer, ("a", 1))
        gateway.say_raw(peer, MALFORMED[reason])
        gateway.deliver(peer, ("a", 2))
        again = await gateway.welcome()
        gateway.deliver(again, ("a", 1), ("a", 2))
        gateway.caught_up(again)
        assert await take(stream, 2) == [("a", 1), ("a", 2)]
        assert any(state is StreamState.CONNECTING and reason in why for state, why in states), states
        await leave(stream, gateway)


async def test_deliveries_before_the_welcome_are_malformed(client: Client, gateway: FakeGateway) -> None:
    async with client.stream("laptop") as stream:
        peer, _ = await gateway.hear("hello")
        gateway.deliver(peer, ("a", 1))
        again = await gateway.welcome()
        gateway.deliver(again, ("a", 1))
        assert await take(stream, 1) == [("a", 1)]
        await leave(stream, gateway)


async def test_a_silent_gateway_is_given_up(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway, heartbeat_ms=60) as (stream, _):
        while gateway.heartbeats < 4:
            await asyncio.sleep(0.005)
        assert stream.state is StreamState.CATCHING_UP, "echoes keep it alive"
        gateway.echo = False
        await gateway.welcome(epoch=2)
        while stream.epoch != 2:
            await asyncio.sleep(0.005)
        await leave(stream, gateway)


async def test_states_are_told(client: Client, gateway: FakeGateway) -> None:
    states: States = []
    async with client.stream("laptop", on_state=lambda *state: states.append(state)) as stream:
        peer = await gateway.welcome()
        await stream.opened()
        gateway.caught_up(peer)
        await stream.caught_up()
        await leave(stream, gateway)
    assert [state for state, _ in states] == [StreamState.CONNECTING, StreamState.CATCHING_UP, StreamState.LIVE, StreamState.ENDED]


async def test_an_error_of_on_state_is_the_applications(client: Client, gateway: FakeGateway) -> None:
    def on_state(state: StreamState, _: str) -> None:
        if state is StreamState.LIVE:
            raise ZeroDivisionError

    async with client.stream("laptop", on_state=on_state) as stream:
        peer = await gateway.welcome()
        gateway.caught_up(peer)
        with pytest.raises(ZeroDivisionError):
            await anext(stream)


async def test_closing_while_the_gateway_drains_does_not_come_back(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway) as (stream, peer):
        closing = asyncio.ensure_future(stream.close())
        await gateway.hear("bye")
        gateway.close_stream(peer, Draining("elsewhere, please"))
        await closing
        await asyncio.sleep(0.3)  # longer than the first wait before a reconnect
        assert gateway.heard_nothing()


async def test_a_gateway_that_does_not_answer_a_bye_is_not_waited_for(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway) as (stream, _):
        began = asyncio.get_running_loop().time()
        await stream.close()
        assert asyncio.get_running_loop().time() - began < 2


async def test_leaving_before_the_welcome_says_bye_too(client: Client, gateway: FakeGateway) -> None:
    async with client.stream("laptop"):
        await gateway.hear("hello")
    await gateway.hear("bye")


async def test_a_closed_client_ends_its_streams(gateway: FakeGateway) -> None:
    async with asyncio.timeout(DEADLINE):
        async with Client(gateway.uri, "secret") as client:
            stream = await client.stream("laptop").__aenter__()
            await gateway.welcome()
        with pytest.raises(ChatdError, match="client was closed"):
            await anext(stream)
