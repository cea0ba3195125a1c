"""One device at two gateways: the newest Hello wins, wherever it was said."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.client import HEAD, Client, StreamState
from tests.protocol.conversation import Conversation, texts
from tests.system.deployment import Deployment
from tests.system.sockets import many_sockets

LOGINS = 100


@pytest.fixture(scope="module")
def deployment(shared_db_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Each test has a room and profiles of its own in it."""
    folder: Path = tmp_path_factory.mktemp("takeover")
    with Deployment(folder, shared_db_uri, defaults=1, gateways=2, REPAIR_PULL_SECONDS=3600) as running:
        yield running


def test_the_older_stream_is_told_on_another_gateway(deployment: Deployment) -> None:
    token = deployment.token
    with (
        Conversation(deployment.uri(0), token, "alice") as alice,
        Conversation(deployment.uri(0), token, "bob") as old,
        Conversation(deployment.uri(1), token, "bob") as new,
    ):
        alice.create_room("r", "bob")
        first = old.open("d")
        old.hear_kind("caught_up")
        assert new.open("d").epoch == first.epoch + 1
        assert old.hear_kind("closed").error.code == 600
        new.hear_kind("caught_up")
        alice.send_texts("r", "hello")
        assert texts(new.deliveries(1)) == ["hello"]
        old.hear_nothing(0.2)


@pytest.mark.parametrize("ordinals", [(1, 2), (0, 0)], ids=["with ordinals", "without"])
def test_a_hello_that_was_given_up_takes_no_stream_back(
    deployment: Deployment, ordinals: tuple[int, int]
) -> None:
    """Its gateway hangs, the client opens its stream at another one, and the gateway goes on."""
    token, profile = deployment.token, f"late-{ordinals[0]}"
    with (
        Conversation(deployment.uri(0), token, profile) as given_up,
        Conversation(deployment.uri(1), token, profile) as client,
    ):
        given_up.open("other")
        given_up.hear_kind("caught_up")
        os.kill(deployment.gateways[0].pid, signal.SIGSTOP)
        try:
            given_up.hello("d", ordinal=ordinals[0])
            epoch = client.open("d", ordinal=ordinals[1]).epoch
            client.hear_kind("caught_up")
        finally:
            os.kill(deployment.gateways[0].pid, signal.SIGCONT)
        if not ordinals[0]:
            assert given_up.hear_kind("welcome").epoch > epoch, "without ordinals it cannot be told"
            assert client.hear_kind("closed").error.code == 600
            return
        closed = given_up.hear_kind("closed")
        assert (closed.error.code, closed.error.retry) == (609, True)
        client.heartbeat(7)
        assert client.hear_kind("heartbeat").mark == 7, "its stream goes on"


async def test_a_hundred_quick_logins_leave_one_stream_and_lose_nothing(deployment: Deployment) -> None:
    """Over two gateways, while somebody talks. A stream that is told 600 is told once and for good;
    the newest stream has everything."""
    with many_sockets(4_096) as context:
        async with (
            Client(
                deployment.uri(0), deployment.token, profile="alice", context=context, call_timeout=30
            ) as alice,
            Client(deployment.uri(0), deployment.token, profile="ben", context=context) as ben0,
            Client(deployment.uri(1), deployment.token, profile="ben", context=context) as ben1,
        ):
            await alice.create_room("logins")
            async with ben0.stream("d", start=HEAD) as first:
                await first.opened()
            await alice.add_members("logins", ["ben"])
            sent: list[int] = []
            stop = asyncio.Event()

            async def talk() -> None:
                while not stop.is_set():
                    sent.append((await alice.send("logins", f"{len(sent)}")).seq)

            talking = asyncio.create_task(talk())
            streams = [(ben0, ben1)[number % 2].stream("d") for number in range(LOGINS)]
            for stream in streams:
                await stream.__aenter__()
            end = time.monotonic() + 30
            while sum(stream.state is StreamState.ENDED for stream in streams) < LOGINS - 1:
                assert time.monotonic() < end, [stream.state for stream in streams]
                await asyncio.sleep(0.05)
            stop.set()
            await talking
            (winner,) = (stream for stream in streams if stream.state is not StreamState.ENDED)
            assert winner.epoch == max(stream.epoch for stream in streams)
            shown: list[int] = []
            async with asyncio.timeout(30):
                async for delivery in winner:
                    shown.append(delivery.seq)
                    if delivery.seq == sent[-1]:
                        break
            assert shown == list(range(shown[0], sent[-1] + 1)), "in order, without a gap"
            assert shown[0] <= 2, "nobody acknowledged anything before it"
            for stream in streams:
                stream.abandon()


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A gateway that carries one connection of a device."""
    folder: Path = tmp_path_factory.mktemp("narrow")
    uri = f"sqlite:///{folder}/chatd.db"
    with Deployment(folder, uri, defaults=1, gateways=1, MAX_CONNECTIONS_PER_DEVICE=1) as running:
        yield running


def test_a_late_hello_crowds_no_later_one_out(narrow: Deployment) -> None:
    with (
        Conversation(narrow.uri(), narrow.token, "alice") as client,
        Conversation(narrow.uri(), narrow.token, "alice") as given_up,
    ):
        client.open("d", ordinal=2)
        client.hear_kind("caught_up")
        given_up.hello("d", ordinal=1)
        closed = given_up.hear_kind("closed")
        assert (closed.error.code, closed.error.retry) == (609, True)
        client.heartbeat(7)
        assert client.hear_kind("heartbeat").mark == 7, "its stream goes on"


def test_a_storm_costs_the_database_only_so_many_registrations(narrow: Deployment) -> None:
    """A gateway carries MAX_CONNECTIONS_PER_DEVICE of a device: of a hundred Hellos at once, most
    are let go before they are registered."""
    hellos = [Conversation(narrow.uri(), narrow.token, "bob") for _ in range(LOGINS)]
    try:
        os.kill(narrow.gateways[0].pid, signal.SIGSTOP)  # so that it finds them all at once
        for one in hellos:
            one.hello("d")
        time.sleep(0.5)
        os.kill(narrow.gateways[0].pid, signal.SIGCONT)
        welcomed = []
        told = 0
        for one in hellos:
            frame = one.hear(20)
            if frame.HasField("welcome"):
                welcomed.append(frame.welcome.epoch)
            else:
                assert frame.closed.error.code == 600
                told += 1
        assert told > LOGINS / 2
        assert max(welcomed) < LOGINS / 2, "registered, though somebody newer was there"
    finally:
        for one in hellos:
            one.__exit__()
