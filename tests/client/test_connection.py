"""A stream's connections as conversations with a gateway: their beginning, their end, and the next
one."""

import asyncio
import time

import pytest

from chatd.client import Client, StreamState
from chatd.client.connection import ANOTHER_LOG
from chatd.errors import (
    WIRE_ERRORS,
    ChatdError,
    Draining,
    InvalidId,
    PermissionDenied,
    RateLimited,
    StreamUnknown,
    Superseded,
    Unauthenticated,
)
from chatd.pb.events.v1.signals_pb2 import PresenceState
from chatd.pb.gateway.v1.gateway_pb2 import Welcome
from tests.client.fake_gateway import DEADLINE, FakeGateway
from tests.client.streams import States, leave, streaming, take


async def test_hello_says_who_and_how_much(client: Client, gateway: FakeGateway) -> None:
    async with client.stream("phone", window_messages=7, window_bytes=5000) as stream:
        peer, hello = await gateway.hear("hello")
        assert (hello.token, hello.profile_id, hello.device_id) == ("secret", "bob", "phone")
        assert (hello.window_messages, hello.window_bytes, hello.version) == (7, 5000, 1)
        gateway.close_stream(peer, None)
        assert [delivery async for delivery in stream] == []


CLOSING = [error for error in WIRE_ERRORS.values() if error.closes]


def name_of(error: type[ChatdError]) -> str:
    return error.name


@pytest.mark.parametrize("error", [error for error in CLOSING if error.retry], ids=name_of)
async def test_these_are_answered_with_a_new_hello(
    client: Client, gateway: FakeGateway, error: type[ChatdError]
) -> None:
    stream = await client.stream("laptop").__aenter__()
    gateway.close_stream(await gateway.welcome(), error("come again"))
    gateway.deliver(await gateway.welcome(epoch=2), ("a", 1))
    assert (await asyncio.wait_for(anext(stream), DEADLINE)).seq == 1
    stream.abandon()


@pytest.mark.parametrize("error", [error for error in CLOSING if not error.retry], ids=name_of)
async def test_these_end_the_stream_after_what_had_come(
    client: Client, gateway: FakeGateway, error: type[ChatdError]
) -> None:
    stream = await client.stream("laptop").__aenter__()
    peer = await gateway.welcome()
    gateway.deliver(peer, ("a", 1))
    gateway.close_stream(peer, error("stay away"))
    assert (await asyncio.wait_for(anext(stream), DEADLINE)).seq == 1
    with pytest.raises(error, match="stay away"):
        await asyncio.wait_for(anext(stream), DEADLINE)
    await asyncio.sleep(0.3)  # longer than the first wait before a reconnect
    assert gateway.heard_nothing()


@pytest.mark.parametrize("retry", [True, False])
async def test_a_code_of_a_later_version_is_treated_as_it_says(
    client: Client, gateway: FakeGateway, retry: bool
) -> None:
    stream = await client.stream("laptop").__aenter__()
    peer = await gateway.welcome()
    gateway.say(peer, closed={"error": {"code": 699, "name": "OF_A_LATER_VERSION", "retry": retry}})
    if retry:
        await gateway.welcome(epoch=2)
    else:
        with pytest.raises(ChatdError, match="OF_A_LATER_VERSION"):
            await asyncio.wait_for(anext(stream), DEADLINE)
    stream.abandon()


async def test_a_restarted_gateway_is_found_again() -> None:
    first = FakeGateway()
    async with first:
        client = Client(first.uri, "secret")
        stream = await client.stream("laptop").__aenter__()
        first.deliver(await first.welcome(heartbeat_ms=100), ("a", 1))
        assert (await asyncio.wait_for(anext(stream), DEADLINE)).seq == 1
    second = FakeGateway(first.uri)
    second.echo = False  # it knows no stream; a real one would say NO_STREAM, here the silence has to do
    async with second:
        second.deliver(await second.welcome(epoch=2), ("a", 1), ("a", 2))
        assert (await asyncio.wait_for(anext(stream), DEADLINE)).seq == 2
        client.close()


async def test_a_limited_stream_comes_back_when_it_was_told_and_not_before(
    client: Client, gateway: FakeGateway
) -> None:
    stream = await client.stream("laptop").__aenter__()
    peer, _ = await gateway.hear("hello")
    gateway.say(
        peer, error={"code": RateLimited.code, "name": RateLimited.name, "retry": True, "retry_after_ms": 800}
    )
    began = time.monotonic()
    gateway.deliver(await gateway.welcome(), ("a", 1))
    assert time.monotonic() - began > 0.75
    assert (await asyncio.wait_for(anext(stream), DEADLINE)).seq == 1
    stream.abandon()


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
        assert gateway.heard_nothing(), (
            "no ack for a stream that has ended: its answer would be mistaken for a reason to come back"
        )


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
async def test_a_malformed_frame_is_a_reason_to_reconnect(
    client: Client, gateway: FakeGateway, reason: str
) -> None:
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
    async with streaming(client, gateway, heartbeat_ms=200) as (stream, _):
        while gateway.heartbeats < 4:
            await asyncio.sleep(0.005)
        assert stream.state is StreamState.CATCHING_UP, "echoes keep it alive"
        gateway.echo = False
        await gateway.welcome(epoch=2)
        while stream.epoch != 2:
            await asyncio.sleep(0.005)
        await leave(stream, gateway)


async def test_closing_while_the_gateway_drains_does_not_come_back(
    client: Client, gateway: FakeGateway
) -> None:
    async with streaming(client, gateway) as (stream, peer):
        closing = asyncio.ensure_future(stream.close())
        await gateway.hear("bye")
        gateway.close_stream(peer, Draining("elsewhere, please"))
        await closing
        await asyncio.sleep(0.3)  # longer than the first wait before a reconnect
        assert gateway.heard_nothing()


async def test_a_gateway_that_does_not_answer_a_bye_is_not_waited_for(
    client: Client, gateway: FakeGateway
) -> None:
    async with streaming(client, gateway) as (stream, _):
        began = asyncio.get_running_loop().time()
        await stream.close()
        assert asyncio.get_running_loop().time() - began < 2


async def test_leaving_before_the_welcome_says_bye_too(client: Client, gateway: FakeGateway) -> None:
    async with client.stream("laptop"):
        await gateway.hear("hello")
    await gateway.hear("bye")


async def test_a_hello_without_an_answer_is_said_again_on_another_connection(
    client: Client, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatd.client.connection.HELLO_SECONDS", 0.1)
    async with client.stream("laptop") as stream:
        silent, _ = await gateway.hear("hello")
        again = await gateway.welcome()
        assert again != silent
        await leave(stream, gateway)


async def test_a_frame_that_was_refused_for_coming_too_soon_does_not_end_the_stream(
    client: Client, gateway: FakeGateway
) -> None:
    async with streaming(client, gateway) as (stream, peer):
        gateway.say(peer, error={"code": RateLimited.code, "name": RateLimited.name, "retry": True})
        gateway.deliver(peer, ("a", 1))
        assert await take(stream, 1) == [("a", 1)]
        await leave(stream, gateway)


async def test_a_hello_says_what_was_shown_last_and_a_welcome_to_another_log_is_told(
    client: Client, gateway: FakeGateway
) -> None:
    states: States = []
    stream = await client.stream("laptop", on_state=lambda *state: states.append(state)).__aenter__()
    peer, hello = await gateway.hear("hello")
    assert not hello.HasField("shown")
    gateway.say(peer, welcome=Welcome(epoch=1, window_messages=64, log="x"))
    gateway.deliver(peer, ("a", 9))
    assert await take(stream, 1) == [("a", 9)]
    gateway.close_stream(peer, StreamUnknown("say Hello again"))
    peer, hello = await gateway.hear_hello()
    shown = hello.shown
    assert (shown.log, shown.room_id, shown.seq, shown.event_id) == ("x", "a", 9, "a-9")
    gateway.say(peer, welcome=Welcome(epoch=1, window_messages=64, log="y"))
    gateway.deliver(peer, ("a", 5))
    assert await take(stream, 1) == [("a", 5)]
    assert stream.log == "y"
    assert (StreamState.CATCHING_UP, ANOTHER_LOG) in states
    stream.abandon()


async def test_each_hello_has_its_own_number_and_a_welcome_for_another_is_ignored(
    client: Client, gateway: FakeGateway
) -> None:
    async with client.stream("laptop") as stream:
        peer, first = await gateway.hear("hello")
        gateway.close_stream(peer, Draining("elsewhere"))
        peer, second = await gateway.hear("hello")
        assert second.hello_id != first.hello_id
        for hello_id, epoch in ((first.hello_id, 1), (second.hello_id, 2)):
            gateway.say(peer, welcome={"epoch": epoch, "hello_id": hello_id, "heartbeat_interval_ms": 10_000})
        await stream.opened()
        assert stream.epoch == 2
        gateway.say(peer, welcome={"epoch": 3, "hello_id": first.hello_id})
        gateway.deliver(peer, ("a", 1))
        assert await take(stream, 1) == [("a", 1)]
        assert stream.epoch == 2
        await leave(stream, gateway)


async def test_a_closed_for_an_earlier_hello_ends_nothing(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway) as (stream, peer):
        gateway.say(peer, closed={"error": {"code": 600, "name": "SUPERSEDED"}, "hello_id": 77})
        gateway.deliver(peer, ("a", 1))
        assert await take(stream, 1) == [("a", 1)]
        assert stream.state is not StreamState.ENDED
        await leave(stream, gateway)


async def test_a_gateway_that_names_no_hello_is_understood(client: Client, gateway: FakeGateway) -> None:
    async with client.stream("laptop") as stream:
        peer, _ = await gateway.hear("hello")
        gateway.say(peer, welcome={"epoch": 1, "heartbeat_interval_ms": 10_000})
        await stream.opened()
        gateway.say(peer, closed={"error": {"code": 601, "name": "HEARTBEAT_LOST", "retry": True}})
        await gateway.welcome(epoch=2)
        while stream.epoch != 2:
            await asyncio.sleep(0.005)
        await leave(stream, gateway)


async def test_what_a_stream_says_names_its_epoch(client: Client, gateway: FakeGateway) -> None:
    async with streaming(client, gateway, epoch=12, window=4) as (stream, peer):
        stream.set_presence(PresenceState.PRESENCE_STATE_AWAY)
        assert (await gateway.hear("presence"))[1].epoch == 12
        gateway.deliver(peer, ("a", 1), ("a", 2))
        first = await anext(stream)
        stream.reject(first, "no")
        assert (await gateway.hear("reject"))[1].epoch == 12
        await anext(stream)
        assert (await gateway.hear("ack"))[1].epoch == 12
        closing = asyncio.ensure_future(stream.close())
        while not (heard := await gateway.hear_any()).frame.HasField("bye"):
            assert heard.frame.ack.epoch == 12
        assert heard.frame.bye.epoch == 12
        gateway.close_stream(peer, None)
        await closing


async def test_nothing_is_rejected_between_two_connections(client: Client, gateway: FakeGateway) -> None:
    """The repeat is, on the next one."""
    async with streaming(client, gateway) as (stream, peer):
        gateway.deliver(peer, ("a", 1))
        first = await anext(stream)
        gateway.close_stream(peer, Draining("elsewhere"))
        again, hello = await gateway.hear("hello")
        stream.reject(first, "cannot decrypt")
        await asyncio.sleep(0.05)
        assert gateway.heard_nothing()
        gateway.say(again, welcome={"epoch": 2, "hello_id": hello.hello_id, "heartbeat_interval_ms": 10_000})
        gateway.deliver(again, ("a", 1))
        _, reject = await gateway.hear("reject")
        assert (reject.delivery, reject.epoch) == (1, 2)
        await leave(stream, gateway)
