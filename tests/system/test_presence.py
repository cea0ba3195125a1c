"""Presence over two gateways, on PostgreSQL over two default nodes: told once, without flicker, to
who may see it."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatd.client import HEAD, Client
from chatd.pb.chat.v1.chat_pb2 import (
    GetPresenceRequest,
    GetPresenceResponse,
    WatchPresenceRequest,
    WatchPresenceResponse,
)
from chatd.pb.events.v1.signals_pb2 import PresenceState, Signal
from chatd.pb.gateway.v1.gateway_pb2 import RpcRequest, SetPresence
from tests.protocol.conversation import Conversation
from tests.protocol.limited import token_of, write_tokens
from tests.system.deployment import Deployment

OFFLINE, AWAY = PresenceState.PRESENCE_STATE_OFFLINE, PresenceState.PRESENCE_STATE_AWAY
BUSY, ONLINE = PresenceState.PRESENCE_STATE_BUSY, PresenceState.PRESENCE_STATE_ONLINE
GRACE = 2.0


@pytest.fixture(scope="module")
def deployment(shared_db_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Each test has rooms and profiles of its own in it. "eve" is a user."""
    folder: Path = tmp_path_factory.mktemp("presence")
    write_tokens(folder, ["eve"])
    defaults = 2 if shared_db_uri.startswith("postgresql") else 1
    settings: Any = {
        "PRESENCE_GRACE_SECONDS": GRACE,
        "PRESENCE_SETTLE_MS": 100,
        "PRESENCE_CHANGES_PER_MINUTE": 6,
        "PRESENCE_BURST": 4,
    }
    with Deployment(folder, shared_db_uri, defaults=defaults, gateways=2, **settings) as running:
        yield running


def watch(watcher: Conversation, *profiles: str) -> dict[str, int]:
    call = RpcRequest(
        call_id=1,
        method="ChatService/WatchPresence",
        payload=WatchPresenceRequest(profile_ids=profiles).SerializeToString(),
    )
    watcher.say(call=call)
    while not (frame := watcher.hear()).HasField("reply"):
        pass
    assert not frame.reply.HasField("error"), frame.reply.error
    return {
        one.profile_id: one.state for one in WatchPresenceResponse.FromString(frame.reply.payload).presences
    }


def hear_state(watcher: Conversation, profile: str, wanted: int, seconds: float = 20) -> list[int]:
    """Every state told of the profile until it is the wanted one."""
    told: list[int] = []
    end = time.monotonic() + seconds
    while not told or told[-1] != wanted:
        watcher.heartbeat(0)
        frame = watcher.hear(end - time.monotonic())
        told += [one.presence.state for one in frame.signals if one.presence.profile_id == profile]
    return told


def test_watchers_are_told_of_each_change_once(deployment: Deployment) -> None:
    with (
        Conversation(deployment.uri(0), deployment.token, "alice") as alice,
        Conversation(deployment.uri(0), deployment.token, "bob") as bob,
        Conversation(deployment.uri(1), deployment.token, "bob") as bob2,
    ):
        alice.create_room("r", "bob")
        alice.open("a")
        assert watch(alice, "bob", "nobody") == {"bob": OFFLINE, "nobody": OFFLINE}, (
            "an operator sees everybody"
        )
        bob.open("phone", presence=AWAY)
        assert [state for state in hear_state(alice, "bob", AWAY) if state != OFFLINE] == [AWAY]
        bob2.open("tablet")
        assert hear_state(alice, "bob", ONLINE) == [ONLINE]
        bob2.say(presence=SetPresence(state=BUSY))
        assert hear_state(alice, "bob", BUSY) == [BUSY]
        bob2.bye()
        assert hear_state(alice, "bob", AWAY) == [AWAY]

        # The same device at the other gateway, and back again: nobody is told.
        with Conversation(deployment.uri(1), deployment.token, "bob") as moved:
            moved.open("phone", presence=AWAY)
            time.sleep(GRACE / 2)
        with Conversation(deployment.uri(0), deployment.token, "bob") as again:
            again.open("phone", presence=AWAY)
            left = time.monotonic()
            again.bye()
            while not again.hear().HasField("closed"):
                pass
        assert hear_state(alice, "bob", OFFLINE) == [OFFLINE]
        assert time.monotonic() - left >= GRACE * 0.9
        assert watch(alice) == {}
        with Conversation(deployment.uri(0), deployment.token, "bob") as once_more:
            once_more.open("phone")
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                alice.heartbeat(0)
                assert not alice.hear().signals, "nobody is watched any longer"
                time.sleep(0.1)


def test_a_device_says_it_within_limits(deployment: Deployment) -> None:
    with Conversation(deployment.uri(0), deployment.token, "dan") as dan:
        dan.open("phone")
        dan.hear_kind("caught_up")
        dan.say(presence=SetPresence(state=OFFLINE))
        assert dan.hear_kind("error").code == 301
        for _ in range(5):
            dan.say(presence=SetPresence(state=AWAY))
        error = dan.hear_kind("error")
        assert error.code == 606
        assert 0 < error.retry_after_ms <= 10_000
        dan.heartbeat(7)
        while not (frame := dan.hear()).HasField("heartbeat"):
            assert frame.error.code == 606, "the stream lives"
        call = WatchPresenceRequest(profile_ids=[f"p{number}" for number in range(1_001)])
        assert dan.refused("ChatService/WatchPresence", call, token="") == 301
    with Conversation(deployment.uri(0), deployment.token, "dan") as nobody:
        assert (
            nobody.refused("ChatService/WatchPresence", WatchPresenceRequest(profile_ids=["dan"])) == 301
        ), "without a stream"
        assert nobody.refused("ChatService/GetPresence", GetPresenceRequest()) == 301


def test_strangers_are_not_seen(deployment: Deployment) -> None:
    with (
        Conversation(deployment.uri(0), deployment.token, "frank") as frank,
        Conversation(deployment.uri(0), token_of("eve")) as eve,
    ):
        frank.create_room("strangers", "carol")
        frank.open("phone")

        def seen() -> list[str]:
            reply = eve.request(
                "ChatService/GetPresence", GetPresenceRequest(profile_ids=["carol", "frank", "eve"])
            )
            return [one.profile_id for one in GetPresenceResponse.FromString(reply.payload).presences]

        assert seen() == ["eve"]
        eve.open("e")
        eve.hear_kind("caught_up")
        assert list(watch(eve, "frank", "eve")) == ["eve"]


async def test_the_sdk_watches_again_after_a_reconnect(deployment: Deployment) -> None:
    heard: list[Signal] = []
    async with (
        Client(deployment.uri(0), deployment.token, profile="hers") as alice,
        Client(deployment.uri(1), deployment.token, profile="his") as bob,
    ):
        await alice.create_room("sdk", profiles=["his"])
        async with alice.stream("a", on_signal=heard.append, start=HEAD) as stream:
            stream.watch_presence(["his"])
            await stream.caught_up()

            async def told(state: int) -> None:
                end = time.monotonic() + 20
                while not heard or heard[-1].presence.state != state:
                    assert time.monotonic() < end, heard
                    await asyncio.sleep(0.02)

            await told(OFFLINE)
            async with bob.stream("b", start=HEAD) as his:
                await his.opened()
                await told(ONLINE)
                his.set_presence(PresenceState.PRESENCE_STATE_BUSY)
                await told(BUSY)
                end = time.monotonic() + 20
                while [(one.profile_id, one.state) for one in await alice.presence(["his"])] != [
                    ("his", BUSY)
                ]:
                    assert time.monotonic() < end, "each node settles by itself"
                await asyncio.to_thread(deployment.gateways[0].kill)
                deployment.gateways[0].start()
                heard.clear()
                await told(BUSY)
            await told(OFFLINE)
