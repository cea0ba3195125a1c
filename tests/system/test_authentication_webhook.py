"""A deployment whose users live elsewhere: a webhook knows their tokens."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from chatd.errors import Overloaded, PermissionDenied, Unauthenticated, Unavailable
from chatd.pb.gateway.v1.gateway_pb2 import RpcRequest
from tests.daemons import Daemon, operator_token
from tests.gateway.authentication.service import Service
from tests.protocol.conversation import Conversation
from tests.raw_peer import RawPeer

UNREAD = "ChatService/ListUnread"


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service() as running:
        yield running


@pytest.fixture
def daemon(service: Service, tmp_path: Path) -> Iterator[Daemon]:
    settings = {"AUTH_WEBHOOK_URL": service.url, "AUTH_WEBHOOK_TIMEOUT_MS": 2_000}
    with Daemon("all", tmp_path, settings) as running:
        yield running


async def test_streams_and_calls_of_its_users(daemon: Daemon, service: Service) -> None:
    service.answers |= {"no": 401, "phones": {"profile": "carol", "devices": ["phone"]}}
    async with Client(daemon.uri, "alice") as alice, Client(daemon.uri, "bob") as bob:
        await alice.create_room("r", profiles=["bob"])
        async with bob.stream("d", start=HEAD) as stream:
            await stream.caught_up()
            await alice.send("r", "hello")
            assert (await asyncio.wait_for(anext(stream), 20)).text == "hello"
    assert sorted(set(service.asked)) == ["alice", "bob"]
    assert len(service.asked) == 2, "answers are kept"
    async with Client(daemon.uri, "no") as nobody, Client(daemon.uri, "phones") as carol:
        with pytest.raises(Unauthenticated):
            await nobody.unread()
        with pytest.raises(PermissionDenied):
            async with carol.stream("laptop", start=HEAD) as stream:
                await stream.opened()
    async with Client(daemon.uri, operator_token(daemon.folder)) as operator:
        await operator.unread()
    assert operator_token(daemon.folder) not in service.asked, "the file comes first"


async def test_frames_wait_in_their_order_and_others_do_not(daemon: Daemon, service: Service) -> None:
    service.gate.clear()
    async with Client(daemon.uri, operator_token(daemon.folder)) as operator:
        with Conversation(daemon.uri, "alice") as waiting:

            def say() -> None:
                waiting.hello("d", hello_id=1)
                waiting.heartbeat(1)
                waiting.say(call=RpcRequest(call_id=7, method=UNREAD, token="alice"))

            await asyncio.to_thread(say)
            async with asyncio.timeout(20):
                while not service.under_way:
                    await asyncio.sleep(0.01)
            await operator.create_room("meanwhile")
            assert not waiting.socket.poll(0)
            service.gate.set()
            heard = [await asyncio.to_thread(waiting.hear) for _ in range(4)]
        kinds = [frame.ListFields()[0][0].name for frame in heard]
        assert sorted(kinds) == ["caught_up", "heartbeat", "reply", "welcome"]
        (reply,) = [frame.reply for frame in heard if frame.HasField("reply")]
        assert not reply.HasField("error")


async def test_a_service_that_is_down_refuses_nobody_for_good(daemon: Daemon, service: Service) -> None:
    await service.__aexit__(None, None, None)
    async with Client(daemon.uri, "alice", call_timeout=1.5) as alice:
        with pytest.raises(Unavailable):
            await alice.unread()
        stream = alice.stream("d", start=HEAD)
        async with stream, service:
            await asyncio.wait_for(stream.caught_up(), 30)


async def test_who_leaves_while_the_service_is_asked_leaves_nothing(daemon: Daemon, service: Service) -> None:
    service.gate.clear()
    with Conversation(daemon.uri, "alice") as leaving:
        await asyncio.to_thread(leaving.hello, "d")
        async with asyncio.timeout(20):
            while not service.under_way:
                await asyncio.sleep(0.01)
    service.gate.set()
    async with Client(daemon.uri, "alice") as alice:
        await alice.unread()
        await alice.create_room("r")
        async with alice.stream("d", start=HEAD) as stream:
            await asyncio.wait_for(stream.caught_up(), 20)


async def test_made_up_tokens_of_one_address_keep_nobody_else_out(daemon: Daemon, service: Service) -> None:
    """Large frames with tokens that the service takes its time about."""
    service.gate.clear()
    strangers = [RawPeer(daemon.uri, f"x{number}", address="127.0.0.2") for number in range(20)]
    service.answers |= {peer.token: 401 for peer in strangers}
    try:
        for peer in strangers:
            await asyncio.to_thread(peer.socket.sendall, peer.encoded_call(UNREAD, bytes(1_048_000)))
        async with asyncio.timeout(20):  # whichever come last: they are read side by side
            while Overloaded.code not in await asyncio.to_thread(refusals, strangers):
                pass
        with Conversation(daemon.uri, "alice") as alice:
            unknown = b"\xc2\x3e\xa0\x9c\x01" + b"x" * 20_000  # a field of later versions
            asking = asyncio.create_task(asyncio.to_thread(alice.request, UNREAD, unknown))
            async with asyncio.timeout(20):
                while "alice" not in service.asked and not asking.done():
                    await asyncio.sleep(0.01)
            service.gate.set()
            assert not (await asking).HasField("error")
    finally:
        for peer in strangers:
            peer.socket.close()


def refusals(peers: Sequence[RawPeer]) -> set[int]:
    """The codes that they have been told by now."""
    return {frame.reply.error.code for peer in peers for frame in peer.heard()}
