"""The front that speaks ZMTP: connections and frames come up, frames go down a link, and nothing
above sees a delimiter."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import zmq

from chatd.core.curve import CurveServer, KeyPair, encode_key, new_key_pair
from chatd.core.model import StreamKey
from chatd.core.stream import DeviceStream
from chatd.core.zmtp import frame
from chatd.errors import ChatdError, FrameTooLarge, MalformedFrame
from chatd.gateway.connection import ClientConnection
from chatd.gateway.fronts import zmtp_link
from chatd.gateway.fronts.door import Door, FrontLimits
from chatd.gateway.fronts.zmtp import ZmtpFront
from chatd.gateway.link import Link
from chatd.transport.sockets import Context, new_context
from tests.raw_peer import RawPeer

MAX_FRAME = 1_000
MAX_UNSENT = 4_000_000


class Server:
    """A front and what it hands up."""

    def __init__(self, context: Context, uri: str, keys: KeyPair | None = None) -> None:
        self.context = context
        self.keys = keys
        self.clients: list[zmq.Socket[bytes]] = []
        self.accepted: list[Link] = []
        self.ended: list[Link] = []
        self.heard: list[tuple[ClientConnection, bytes]] = []
        self.refused: list[tuple[ClientConnection, ChatdError, int]] = []
        self.lost: list[ClientConnection] = []
        self.roomy: list[ClientConnection] = []
        self.known: set[Link] = set()
        self.batches = 0
        self.broken: list[tuple[Link, str]] = []
        self.front = ZmtpFront(
            asyncio.get_running_loop(),
            FrontLimits(MAX_FRAME, MAX_UNSENT),
            Door(
                accepted=lambda link, now: self.accepted.append(link),
                ended=self.ended.append,
                broke=self._break,
                commanded=lambda link, count, now: None,
                is_stranger=lambda link: link not in self.known,
                newcomers=lambda most: most,
                come=lambda link, serve: serve(),
                cost=lambda link, seconds: None,
                refused=lambda link, size, now: True,
            ),
            on_lost=self._lose,
            on_room=lambda connection: self.roomy.append(connection),
            curve=CurveServer(keys) if keys is not None else None,
        )
        self.uri = self.front.open(
            context,
            uri,
            on_frame=self._on_frame,
            refuse=lambda connection, error, size: self.refused.append((connection, error, size)),
            after_batch=self._after_batch,
        )

    def _on_frame(self, connection: ClientConnection, frame: bytes) -> None:
        self.heard.append((connection, frame))
        if frame == b"hello":
            connection.stream = DeviceStream(StreamKey("p", "d", 1), window_messages=8, window_bytes=1000)

    def _lose(self, connection: ClientConnection) -> None:
        self.lost.append(connection)
        connection.stream = None

    def _break(self, link: Link, why: str) -> None:
        self.broken.append((link, why))
        link.hang_up()

    def _after_batch(self) -> None:
        self.batches += 1

    def client(self, kind: int = zmq.DEALER) -> "zmq.Socket[bytes]":
        made = self.context.socket(kind)
        if self.keys is not None:
            made.curve_publickey, made.curve_secretkey = zmq.curve_keypair()
            made.curve_serverkey = encode_key(self.keys.public).encode()
        made.linger = 0
        made.connect(self.uri)
        self.clients.append(made)
        return made

    async def close(self) -> None:
        for client in self.clients:
            client.close(0)
        await self.front.drain()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def receive(client: "zmq.Socket[bytes]") -> list[bytes]:
    await until(lambda: client.poll(0))
    return client.recv_multipart()


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.destroy(linger=0)


@pytest.fixture(params=["tcp", "ipc", "curve"])
async def server(request: pytest.FixtureRequest, context: Context, tmp_path: Path) -> AsyncIterator[Server]:
    uri = f"ipc://{tmp_path}/front" if request.param == "ipc" else "tcp://127.0.0.1:*"
    made = Server(context, uri, new_key_pair() if request.param == "curve" else None)
    yield made
    await made.close()


async def test_a_frame_comes_up_and_another_goes_down_its_link(server: Server) -> None:
    dealer, req = server.client(), server.client(zmq.REQ)
    dealer.send(b"from a DEALER")
    req.send(b"from a REQ")
    await until(lambda: len(server.heard) == 2)
    assert server.batches
    by_frame = {frame: connection for connection, frame in server.heard}
    assert by_frame[b"from a DEALER"].link.send(b"to the DEALER")
    assert by_frame[b"from a REQ"].link.send(b"to the REQ")
    assert await receive(dealer) == [b"to the DEALER"]
    assert await receive(req) == [b"to the REQ"]


async def test_frames_that_are_none_or_too_large_are_refused(server: Server) -> None:
    dealer = server.client()
    dealer.send_multipart([b"one", b"two"])
    dealer.send_multipart([b"", b"one", b"two"])
    dealer.send(b"x" * MAX_FRAME)
    await until(lambda: server.heard)
    assert [(type(error), size) for _, error, size in server.refused] == [(MalformedFrame, 3)] * 2
    dealer.send(b"x" * (MAX_FRAME + 1))
    if server.keys is not None:
        # A sealed frame that is passed over could be another's.
        await until(lambda: server.broken)
        return
    dealer.send(b"x")
    await until(lambda: len(server.heard) == 2)
    assert [(type(error), size) for _, error, size in server.refused[2:]] == [(FrameTooLarge, MAX_FRAME + 1)]


async def test_a_connection_is_the_same_while_it_has_a_stream_and_a_new_one_afterwards(
    server: Server,
) -> None:
    dealer = server.client()

    async def say(frame: bytes) -> ClientConnection:
        dealer.send(frame)
        await until(lambda: server.heard and server.heard[-1][1] == frame)
        return server.heard[-1][0]

    first = await say(b"hello")
    await asyncio.sleep(0.05)
    assert await say(b"2") is first
    assert await say(b"3") is first
    first.stream = None
    second = await say(b"4")
    assert second is not first, "nothing of an ended stream is left"
    assert second.identity is None


async def test_of_a_link_that_is_hung_up_on_nothing_more_is_heard(server: Server) -> None:
    dealer = server.client()
    dealer.send(b"hello")
    await until(lambda: server.heard)
    link = server.heard[0][0].link
    link.hang_up()
    await until(lambda: server.ended == [link])
    assert not link.send(b"too late")


async def test_a_client_that_has_gone_cannot_be_sent_to(server: Server) -> None:
    dealer = server.client()
    dealer.send(b"hello")
    await until(lambda: server.heard)
    connection = server.heard[0][0]
    dealer.close(0)
    await until(lambda: not connection.link.send(b"anybody?"))
    connection.stream = None
    server.client().send(b"another")
    await until(lambda: len(server.heard) == 2)
    await until(lambda: len(server.ended) == 1)


async def test_others_are_heard_before_a_client_has_said_all(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zmtp_link, "TURN_SECONDS", 0.0)
    server = Server(context, "tcp://127.0.0.1:*")
    said = [b"%05d" % number for number in range(10_000)]
    with RawPeer(server.uri) as talker, RawPeer(server.uri) as other:
        for peer in (talker, other):
            peer.send(b"here")
        await until(lambda: len(server.heard) == 2)
        talker.socket.sendall(b"".join(map(frame, said)))
        other.send(b"other")
        await until(lambda: len(server.heard) == 2 + len(said) + 1)
    heard = [body for _, body in server.heard[2:]]
    assert heard.index(b"other") < len(said) / 2
    heard.remove(b"other")
    assert heard == said
    await server.close()
