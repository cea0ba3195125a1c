"""The proof of refusals, of sockets that refuse and of some that do not."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from chatd.core.curve import new_key_pair
from chatd.errors import StartFailed
from chatd.transport import sockets
from chatd.transport.self_test import prove_refusals
from chatd.transport.sockets import Context, bind_router, bind_xpub, endpoint, new_context
from chatd.transport.zap import Guard

ANYWHERE = "tcp://127.0.0.1:*#curve"
Let = Callable[[bytes, str], bool]


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context(keys=new_key_pair())
    yield made
    made.destroy(linger=0)


async def prove(context: Context, lets_in: Let) -> None:
    guard = Guard(asyncio.get_running_loop(), context, lets_in)
    with closing(guard), bind_router(context, ANYWHERE), bind_xpub(context, ANYWHERE):
        await prove_refusals(context, new_key_pair())


async def test_sockets_that_refuse_pass(context: Context) -> None:
    asked: list[bytes] = []

    def nobody(key: bytes, address: str) -> bool:
        asked.append(key)
        return False

    await prove(context, nobody)
    assert len(asked) == 2, "the stranger knocks at each"


async def test_an_address_of_all_the_machine_is_tried_too(context: Context) -> None:
    guard = Guard(asyncio.get_running_loop(), context, lambda key, address: False)
    with closing(guard), bind_router(context, "tcp://0.0.0.0:*"), bind_xpub(context, "tcp://[::]:*"):
        await prove_refusals(context, new_key_pair())


async def test_a_guard_that_lets_strangers_in_does_not_pass(context: Context) -> None:
    with pytest.raises(StartFailed, match="a stranger's key was let in"):
        await prove(context, lambda key, address: True)


async def test_a_socket_that_is_not_encrypted_does_not_pass(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "_encrypt", lambda context, socket: None)
    with pytest.raises(StartFailed, match="without encryption was let in"):
        await prove(context, lambda key, address: False)


async def test_an_address_where_nobody_answers_does_not_pass(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatd.transport.self_test.PATIENCE_MS", 300)
    guard = Guard(asyncio.get_running_loop(), context, lambda key, address: False)
    with closing(guard), bind_router(context, ANYWHERE) as socket:
        socket.unbind(endpoint(socket))
        with pytest.raises(StartFailed, match="was not answered"):
            await prove_refusals(context, new_key_pair())
