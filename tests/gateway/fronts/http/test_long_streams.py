"""Streams that last longer than a frame may take to come. The front and its doorkeeper are in this
process, so that time need not pass."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse

from chatd.gateway.connection import ClientConnection
from chatd.gateway.doorkeeper import Doorkeeper, DoorSettings
from chatd.gateway.fronts import bounds
from chatd.gateway.fronts.door import Door, FrontLimits
from chatd.gateway.fronts.http.front import HttpFront
from chatd.gateway.fronts.http.origins import Origins
from chatd.gateway.fronts.proxies import Proxies, parse_networks
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Heartbeat, ServerFrame
from chatd.transport.sockets import Context, new_context

FRAME = ClientFrame(heartbeat=Heartbeat(mark=7)).SerializeToString()
ANSWER = ServerFrame(heartbeat=Heartbeat(mark=7)).SerializeToString()


class Echo:
    """A front whose every client is known by its first frame, which is answered."""

    def __init__(self, context: Context, proxies: str) -> None:
        keeper = Doorkeeper(DoorSettings(0.0, 1_000, 0))

        def heard(connection: ClientConnection, frame: bytes) -> None:
            keeper.authenticated(connection.link, "ann", operator=False)
            connection.link.send(ANSWER)

        door = Door(
            keeper.accepted,
            keeper.ended,
            keeper.broke,
            keeper.commanded,
            keeper.is_stranger,
            keeper.newcomers,
            come=lambda link, serve: serve(),
            cost=lambda link, seconds: None,
            refused=keeper.refused,
        )
        self.front = HttpFront(
            asyncio.get_running_loop(),
            FrontLimits(100_000, 1_000_000),
            door,
            on_lost=lambda one: None,
            on_room=lambda one: None,
            tls=None,
            origins=Origins(()),
            proxies=Proxies(parse_networks([proxies] if proxies else [])),
            has_page=False,
        )
        bound = self.front.open(
            context,
            "tcp://127.0.0.1:*",
            on_frame=heard,
            refuse=lambda one, error, size: None,
            after_batch=lambda: None,
        )
        self.url = f"http://{bound.removeprefix('tcp://')}"


@asynccontextmanager
async def socket_of(proxies: str) -> AsyncIterator[tuple[HttpFront, ClientWebSocketResponse]]:
    context = new_context()
    echo = Echo(context, proxies)
    try:
        async with (
            ClientSession(echo.url) as session,
            session.ws_connect("/v1/stream", protocols=["chatd.v1.proto"]) as socket,
        ):
            yield echo.front, socket
    finally:
        echo.front.close()
        context.destroy(linger=0)


@pytest.mark.parametrize("proxies", ["", "127.0.0.1"])
async def test_a_frame_that_has_come_is_not_unfinished(proxies: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "FRAME_SECONDS", 0.0)
    async with socket_of(proxies) as (front, socket):
        await socket.send_bytes(FRAME)
        assert await socket.receive_bytes(timeout=20) == ANSWER
        front.look()
        assert front.connections == 1
        await socket.send_bytes(FRAME)
        assert await socket.receive_bytes(timeout=20) == ANSWER


async def test_what_strangers_say_is_bounded_by_the_message() -> None:
    async with socket_of("") as (front, socket):
        await socket.send_bytes(FRAME)
        await socket.receive_bytes(timeout=20)
        (connection,) = front._server.connections
        assert connection.unheard == 0  # type: ignore[attr-defined]
