"""The guard of encrypted sockets, with libzmq's own clients."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import zmq

from chatd.core.address import Address
from chatd.core.curve import new_key_pair
from chatd.errors import StartFailed
from chatd.transport.pump import PeerFull, Pump
from chatd.transport.sockets import (
    CALLS_HERE,
    Context,
    Socket,
    bind_router,
    bind_xpub,
    connect_dealer,
    connect_sub,
    endpoint,
    new_context,
)
from chatd.transport.zap import Guard

ANYWHERE = "tcp://127.0.0.1:*#curve"


class Server:
    """A ROUTER behind a guard; ``known`` are the keys that it lets in, ``asked`` those that
    came."""

    def __init__(self) -> None:
        self.context = new_context(keys=new_key_pair())
        self.known: set[bytes] = set()
        self.asked: list[bytes] = []
        self.got: list[bytes] = []
        self.guard = Guard(asyncio.get_running_loop(), self.context, self._is_known)
        socket = bind_router(self.context, ANYWHERE)
        self.endpoint = endpoint(socket)
        self.pump = Pump(asyncio.get_running_loop(), socket, self._on_batch)

    def _is_known(self, key: bytes, address: str) -> bool:
        assert address == "127.0.0.1"
        self.asked.append(key)
        return key in self.known

    def _on_batch(self, batch: list[list[bytes]]) -> None:
        self.got += [message[-1] for message in batch]

    @property
    def uri(self) -> str:
        return str(Address(self.endpoint, self.context.keys.public))

    async def hears(self, dealer: Socket, text: bytes, seconds: float = 5) -> bool:
        """Send until it arrives."""
        pump = Pump(asyncio.get_running_loop(), dealer, lambda batch: None)
        try:
            async with asyncio.timeout(seconds):
                while text not in self.got:
                    try:
                        pump.send((text,))
                    except PeerFull:
                        await asyncio.sleep(0.01)
                    await asyncio.sleep(0.001)
        except TimeoutError:
            return False
        finally:
            pump.close()
        return True

    def close(self) -> None:
        self.pump.close()
        self.guard.close()
        self.context.destroy(linger=0)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def client() -> Iterator[Context]:
    made = new_context(keys=new_key_pair())
    yield made
    made.destroy(linger=0)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


async def test_a_known_key_is_let_in_and_no_other(server: Server, client: Context) -> None:
    server.known.add(client.keys.public)
    assert await server.hears(connect_dealer(client, server.uri), b"known")
    stranger = new_context(keys=new_key_pair())
    dealer = connect_dealer(stranger, server.uri)
    await until(lambda: stranger.keys.public in server.asked)
    assert not await server.hears(dealer, b"stranger", 0.5)
    stranger.destroy(linger=0)


async def test_nobody_is_let_in_without_a_key_or_to_another_servers(server: Server, client: Context) -> None:
    server.known.add(client.keys.public)
    assert not await server.hears(connect_dealer(client, server.endpoint), b"plain", 0.5)
    other = str(Address(server.endpoint, new_key_pair().public))
    assert not await server.hears(connect_dealer(client, other), b"other", 0.5)
    assert server.asked == []


async def test_whoever_is_known_later_gets_in_by_itself(server: Server, client: Context) -> None:
    """libzmq's clients give up for good after most refusals."""
    queue = bind_xpub(server.context, ANYWHERE)
    sub = connect_sub(client, [str(Address(endpoint(queue), server.context.keys.public))])
    await until(lambda: len(server.asked) > 1)
    monitor = sub.get_monitor_socket(zmq.Event.HANDSHAKE_SUCCEEDED)
    server.known.add(client.keys.public)
    await until(lambda: bool(monitor.poll(0)))
    sub.disable_monitor()
    for socket in (monitor, sub, queue):
        socket.close(0)


async def test_the_own_process_needs_no_key(server: Server) -> None:
    assert await server.hears(connect_dealer(server.context, CALLS_HERE), b"inside")
    assert server.asked == []


async def test_listening_again_ends_connections_and_takes_the_new_key(
    server: Server, client: Context
) -> None:
    server.known.add(client.keys.public)
    old = server.uri
    assert await server.hears(connect_dealer(client, old), b"before")
    server.context.keys = new_key_pair()
    server.context.listen_again(asyncio.get_running_loop().call_later)
    assert await server.hears(connect_dealer(client, server.uri), b"after")
    assert not await server.hears(connect_dealer(client, old), b"late", 0.5)
    inside = connect_dealer(server.context, CALLS_HERE)
    assert await server.hears(inside, b"inside")


async def test_keys_that_change_quickly_take_effect_in_the_end(server: Server, client: Context) -> None:
    """An address that was left is not left again, and is listened to once."""
    server.known.add(client.keys.public)
    delayed: list[Callable[[], None]] = []

    def later(seconds: float, action: Callable[[], None]) -> None:
        delayed.append(action)

    for _ in range(3):
        server.context.keys = new_key_pair()
        server.context.listen_again(later)
    async with asyncio.timeout(10):
        while delayed:
            await asyncio.sleep(0.01)
            delayed.pop()()
    assert await server.hears(connect_dealer(client, server.uri), b"newest")


async def test_nothing_is_bound_without_a_guard(client: Context) -> None:
    with pytest.raises(StartFailed, match="nobody decides"):
        bind_router(client, ANYWHERE)


async def test_two_guards_are_none(server: Server) -> None:
    with pytest.raises(StartFailed, match="nobody can decide"):
        Guard(asyncio.get_running_loop(), server.context, lambda key, address: True)
