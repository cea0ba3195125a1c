"""Who is connected, where from, and how they are hung up on, over each transport; and nothing else
is ever shut down."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import zmq

from chatd.transport.accepted import AcceptedConnection, AcceptedConnections
from chatd.transport.pump import Message, Pump
from chatd.transport.sockets import Context, bind_watched_router, endpoint, new_context

DEADLINE = 10.0


class Server:
    """A ROUTER that notes what it hears and who comes and goes."""

    def __init__(self, context: Context, uri: str) -> None:
        loop = asyncio.get_running_loop()
        self.context = context
        self.dealers: list[zmq.Socket[bytes]] = []
        router, monitor = bind_watched_router(context, uri)
        self.uri = endpoint(router)
        self.heard: list[Message] = []
        self.came: list[AcceptedConnection] = []
        self.went: list[AcceptedConnection] = []
        self.gone: list[AcceptedConnection] = []
        self.connections = AcceptedConnections(
            loop,
            router,
            monitor,
            make=AcceptedConnection,
            on_accepted=self.came.append,
            on_ended=self.went.append,
            on_gone=self.gone.append,
        )
        self.pump = Pump(loop, router, self.heard.extend, strangers=self.connections)

    def close(self) -> None:
        for dealer in self.dealers:
            dealer.close(0)
        self.connections.close()
        self.pump.close()

    def connect(self, routing_id: bytes = b"") -> "zmq.Socket[bytes]":
        dealer = self.context.socket(zmq.DEALER)
        if routing_id:
            dealer.routing_id = routing_id
        dealer.linger = 0
        dealer.reconnect_ivl, dealer.sndtimeo = -1, 1_000
        dealer.connect(self.uri)
        self.dealers.append(dealer)
        return dealer

    def has_forgotten_all(self) -> bool:
        """It forgets when it has read everything, and reads when something happens."""
        self.pump.read_now()
        return not self.connections.known and not self.connections._hung_up

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not condition():
                await asyncio.sleep(0.005)


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.destroy(linger=0)


@pytest.fixture(params=["tcp", "ipc"])
async def server(request: pytest.FixtureRequest, context: Context, tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(context, "tcp://127.0.0.1:*" if request.param == "tcp" else f"ipc://{tmp_path}/socket")
    yield made
    made.close()


async def test_a_connection_comes_is_heard_and_is_hung_up_on(server: Server) -> None:
    dealer, other = server.connect(), server.connect()
    await server.until(lambda: len(server.came) == 2)
    for number in range(3):
        dealer.send(b"%d" % number)
        other.send(b"other")
    await server.until(lambda: len(server.heard) == 6)
    ((routing_id, _),) = [message for message in server.heard if message[1] == b"0"]
    one = server.connections.known[routing_id]
    assert one in server.came
    assert one.address == ("127.0.0.1" if server.uri.startswith("tcp") else "")
    assert len(server.connections) == len(server.connections.known) == 2
    server.connections.hang_up(one)
    await server.until(lambda: server.went == [one])
    other.send(b"go on")
    await server.until(lambda: server.heard[-1][1] == b"go on")
    assert len(server.connections) == 1


async def test_what_a_connection_said_before_it_ended_is_heard_once_and_nothing_is_remembered(
    server: Server,
) -> None:
    for number in range(50):
        dealer = server.connect()
        await server.until(lambda: len(server.came) == number + 1)  # noqa: B023
        dealer.send(b"first")
        await server.until(lambda: len(server.heard) == 3 * number + 1)  # noqa: B023
        dealer.send(b"second")
        dealer.send(b"third")
        dealer.close(1_000)  # its descriptor is likely the next one's
    await server.until(lambda: len(server.heard) == 150 and len(server.went) == 50)
    assert [message[1] for message in server.heard] == [b"first", b"second", b"third"] * 50
    await server.until(server.has_forgotten_all)


async def test_what_is_left_of_a_connection_is_not_its_successors(server: Server) -> None:
    """The descriptor is the same, the routing id is not: who hung up on the one has not hung up on
    the other."""
    first = server.connect()
    first.send(b"hello")
    await server.until(lambda: server.heard)
    routing_id = server.heard[0][0]
    one = server.connections.known[routing_id]
    fd = one.fd
    first.close(0)
    server.pump.pause()  # what it may have said waits to be read
    await server.until(lambda: server.went == [one])
    successor = server.connect()
    await server.until(lambda: len(server.came) == 2)
    assert server.came[1].fd == fd
    assert server.connections.known[routing_id] is one
    server.connections.hang_up(one)
    successor.send(b"still here")
    server.pump._paused = False
    server.pump.read_now()
    await server.until(lambda: server.heard[-1][1] == b"still here")
    assert server.connections.known[server.heard[-1][0]] is server.came[1]
    assert server.went == [one]


async def test_what_is_left_of_a_connection_is_its_own_though_its_descriptor_is_anothers(
    server: Server,
) -> None:
    first = server.connect()
    first.send(b"hello")
    await server.until(lambda: server.heard)
    one = server.connections.known[server.heard[0][0]]
    server.pump.pause()
    first.send(b"the last word")
    first.close(1_000)
    await server.until(lambda: server.went == [one])
    successor = server.connect()
    await server.until(lambda: len(server.came) == 2)
    assert server.came[1].fd == one.fd
    server.pump._paused = False
    server.pump.read_now()
    assert [frames[1] for frames in server.heard] == [b"hello", b"the last word"]
    assert server.heard[1][0] == server.heard[0][0]
    assert not server.came[1].routing_id, "nothing has been heard of it"
    successor.send(b"me too")
    await server.until(lambda: len(server.heard) == 3)
    assert server.connections.known[server.heard[2][0]] is server.came[1]
    await server.until(lambda: server.gone == [one])


async def test_an_id_that_a_client_chose_is_the_next_connections_when_it_comes(server: Server) -> None:
    first = server.connect(b"chosen")
    first.send(b"hello")
    await server.until(lambda: server.heard)
    one = server.connections.known[b"chosen"]
    first.close(0)
    await server.until(lambda: server.went == [one])
    successor = server.connect(b"chosen")
    successor.send(b"me")
    await server.until(lambda: len(server.heard) == 2)
    assert server.connections.known[b"chosen"] is server.came[1]
    assert (server.gone, one.has_ended, server.came[1].has_ended) == ([one], True, False)
    server.connections.hang_up(server.came[1])
    await server.until(server.has_forgotten_all)


async def test_a_connection_that_ended_before_it_was_heard_is_known_to_have_ended(server: Server) -> None:
    """And so nothing is sent to its id, which is another's by then."""
    server.pump.pause()
    first = server.connect(b"chosen")
    first.send(b"hello")
    await server.until(lambda: server.came)
    first.close(1_000)
    await server.until(lambda: server.went)
    server.pump._paused = False
    server.pump.read_now()
    await server.until(lambda: server.heard)
    await server.until(lambda: server.gone)
    assert all(one.has_ended for one in server.gone)
    await server.until(server.has_forgotten_all)


async def test_of_who_is_hung_up_on_nothing_more_is_heard(server: Server) -> None:
    dealer = server.connect()
    dealer.send(b"hello")
    await server.until(lambda: server.heard)
    server.pump.pause()
    for _ in range(50):
        dealer.send_multipart([b"", b"and", b"another"])
    (one,) = server.connections.known.values()
    server.connections.hang_up(one)
    await server.until(lambda: server.went == [one])
    server.pump._paused = False
    server.pump.read_now()
    assert len(server.heard) == 1
    await server.until(server.has_forgotten_all)


async def test_inproc_has_no_connections(context: Context) -> None:
    server = Server(context, "inproc://here")
    dealer = server.connect()
    for _ in range(3):
        dealer.send_multipart([b"", b"hello"])
    await server.until(lambda: len(server.heard) == 3)
    assert (len(server.connections), server.came) == (0, [])
    await server.until(server.has_forgotten_all)
    server.close()


async def test_a_descriptor_that_is_another_sockets_is_left_alone(server: Server) -> None:
    dealer = server.connect()
    await server.until(lambda: server.came)
    (one,) = server.came
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryFile() as file:
        for fd in (ours.fileno(), file.fileno(), 10_000):
            server.connections.hang_up(AcceptedConnection(fd, one.inode, ""))
        theirs.setblocking(False)
        ours.send(b"still open")
        assert theirs.recv(100) == b"still open"
        descriptors = len(os.listdir("/proc/self/fd"))
        for _ in range(100):
            server.connections.hang_up(AcceptedConnection(file.fileno(), one.inode, ""))
        assert len(os.listdir("/proc/self/fd")) <= descriptors + 5
    dealer.send(b"hello")
    await server.until(lambda: server.heard)


async def test_hundreds_come_and_are_hung_up_on_at_once(server: Server) -> None:
    dealers = [server.connect() for _ in range(100)]
    for number, dealer in enumerate(dealers):
        if number % 2:
            dealer.send(b"hello")
    await server.until(lambda: len(server.came) == 100)
    for one in server.came:
        server.connections.hang_up(one)
    await server.until(lambda: len(server.went) == 100)
    assert len(server.connections) == 0
    await server.until(server.has_forgotten_all)


async def test_a_message_of_nobody_who_is_there_is_nobody_elses(server: Server) -> None:
    """It was left by a connection of which nothing had been read before it ended; its descriptor is
    another's by now."""
    server.connect().send(b"hello")
    await server.until(lambda: server.heard)
    routing_id = server.heard[0][0]
    one = server.connections.known[routing_id]
    assert server.connections.identify(b"long gone", one.fd, "192.0.2.1")
    assert (server.connections.known[b"long gone"].address, one.routing_id) == ("192.0.2.1", routing_id)
    server.connections.hang_up(server.connections.known[b"long gone"])
    assert not server.connections.identify(b"long gone", one.fd, "192.0.2.1")
    server.pump.read_now()
    assert not server.connections._hung_up
    assert server.connections.known == {routing_id: one}
    assert server.went == []


async def test_nobody_waits_for_the_loop_to_learn_of_connections(context: Context) -> None:
    """With a bound on what waits in the monitor, libzmq's I/O thread stands still with the loop,
    and every connection with it."""
    server = Server(context, "tcp://127.0.0.1:*")
    port = int(server.uri.rpartition(":")[2])
    for _ in range(1_200):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            assert peer.recv(1)
    await server.until(lambda: len(server.went) == 1_200)
    server.close()
