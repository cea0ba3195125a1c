"""Signals and presence as conversations with a gateway, also across a reconnect."""

import asyncio
from collections.abc import Callable

import pytest

from chatd.client import Client, Stream
from chatd.errors import Draining, NoStream, NotAMember, Unavailable
from chatd.pb.chat.v1.chat_pb2 import WatchPresenceRequest, WatchPresenceResponse
from chatd.pb.events.v1.signals_pb2 import Presence, PresenceState, Signal, Typing
from tests.client.fake_gateway import DEADLINE, FakeGateway
from tests.client.streams import leave

AWAY, BUSY = PresenceState.PRESENCE_STATE_AWAY, PresenceState.PRESENCE_STATE_BUSY
TYPING = Signal(typing=Typing(room_id="lobby", profile_id="alice"))
OF_ALICE = Presence(profile_id="alice", state=BUSY)


async def opened(
    client: Client, gateway: FakeGateway, on_signal: Callable[[Signal], None]
) -> tuple[Stream, bytes]:
    stream = await client.stream("laptop", on_signal=on_signal).__aenter__()
    peer = await gateway.welcome()
    await stream.opened()
    return stream, peer


async def hear_watched(gateway: FakeGateway) -> tuple[bytes, list[str]]:
    """C: WatchPresence; the profiles."""
    peer, call = await gateway.hear("call")
    assert call.method == "ChatService/WatchPresence"
    return peer, list(WatchPresenceRequest.FromString(call.payload).profile_ids)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.005)


async def test_signals_are_told_in_their_order(client: Client, gateway: FakeGateway) -> None:
    told: list[Signal] = []
    stream, peer = await opened(client, gateway, told.append)
    gateway.say(peer, signals=[TYPING, Signal(presence=OF_ALICE)])
    await until(lambda: len(told) == 2)
    assert told == [TYPING, Signal(presence=OF_ALICE)]
    await leave(stream, gateway)


async def test_an_error_of_on_signal_ends_the_stream(client: Client, gateway: FakeGateway) -> None:
    def on_signal(_: Signal) -> None:
        raise ZeroDivisionError

    stream, peer = await opened(client, gateway, on_signal)
    gateway.say(peer, signals=[TYPING])
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(anext(stream), DEADLINE)


async def test_presence_that_was_set_before_the_welcome_is_said_with_it(
    client: Client, gateway: FakeGateway
) -> None:
    async with client.stream("laptop") as stream:
        stream.set_presence(AWAY)
        await gateway.welcome()
        assert (await gateway.hear("presence"))[1].state == AWAY
        await leave(stream, gateway)


async def test_presence_and_what_is_watched_are_said_again_after_a_reconnect(
    client: Client, gateway: FakeGateway
) -> None:
    stream, peer = await opened(client, gateway, lambda _: None)
    stream.set_presence(AWAY)
    assert (await gateway.hear("presence"))[1].state == AWAY
    stream.watch_presence(["alice"])
    assert (await hear_watched(gateway))[1] == ["alice"]
    stream.set_presence(BUSY)
    assert (await gateway.hear("presence"))[1].state == BUSY
    gateway.close_stream(peer, Draining("elsewhere, please"))
    await gateway.welcome(epoch=2)
    assert (await gateway.hear("presence"))[1].state == BUSY
    assert (await hear_watched(gateway))[1] == ["alice"]
    await leave(stream, gateway)


async def test_the_answer_to_watching_is_told_as_signals(client: Client, gateway: FakeGateway) -> None:
    told: list[Signal] = []
    stream, _ = await opened(client, gateway, told.append)
    stream.watch_presence(["alice"])
    await gateway.answer(lambda _: WatchPresenceResponse(presences=[OF_ALICE]))
    await until(lambda: told)
    assert told == [Signal(presence=OF_ALICE)]
    await leave(stream, gateway)


async def test_watching_is_asked_for_again_if_the_error_says_so(
    client: Client, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatd.client.signals.WATCH_AGAIN_SECONDS", 0.05)
    stream, _ = await opened(client, gateway, lambda _: None)
    stream.watch_presence(["alice"])
    await gateway.answer(lambda _: Unavailable("no default node answers"))
    await gateway.answer(lambda _: NotAMember("no room with her"))
    await asyncio.sleep(0.2)
    assert gateway.heard_nothing(), "this error does not"
    await leave(stream, gateway)


async def test_a_gateway_that_knows_no_stream_any_more_is_said_hello_and_asked_again(
    client: Client, gateway: FakeGateway
) -> None:
    """It has been restarted, and the connection made again before the client could notice."""
    stream, _ = await opened(client, gateway, lambda _: None)
    stream.watch_presence(["alice"])
    await gateway.answer(lambda _: NoStream("say Hello again"))
    await gateway.welcome(epoch=2)
    assert (await hear_watched(gateway))[1] == ["alice"]
    await leave(stream, gateway)
