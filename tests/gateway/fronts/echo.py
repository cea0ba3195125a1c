"""The real front and doorkeeper; above them, every frame goes back where it came from."""

import asyncio
from collections.abc import Callable, Sized

import zmq

from chatd.core.curve import CurveServer
from chatd.errors import ChatdError
from chatd.gateway.connection import ClientConnection
from chatd.gateway.doorkeeper import Doorkeeper, DoorSettings
from chatd.gateway.fronts.door import Door, FrontLimits
from chatd.gateway.fronts.zmtp import ZmtpFront
from chatd.gateway.link import Link
from chatd.transport.sockets import Context

MAX_FRAME = 1 << 20
SECONDS = 20.0

Socket = zmq.Socket[bytes]


class EchoFront:
    """``heard``: frames in the order in which they came; ``links``: connections, likewise."""

    def __init__(
        self, context: Context, uri: str = "tcp://127.0.0.1:*", curve: CurveServer | None = None
    ) -> None:
        self.context = context
        self.heard: list[bytes] = []
        self.refused: list[str] = []
        self.links: list[Link] = []
        self.ended: list[Link] = []
        self.commands = 0
        self.door = Doorkeeper(DoorSettings(0.0, 1_000, 0))
        self._clients: list[Socket] = []
        loop = asyncio.get_running_loop()
        self.front = ZmtpFront(
            loop,
            FrontLimits(MAX_FRAME, 64 * MAX_FRAME),
            Door(
                self._accepted,
                self._ended,
                self.door.broke,
                self._commanded,
                self.door.is_stranger,
                self.door.newcomers,
                come=lambda link, serve: serve(),
                cost=lambda link, seconds: None,
                refused=lambda link, size, now: True,
            ),
            on_lost=lambda connection: None,
            on_room=lambda connection: None,
            curve=curve,
        )
        self.uri = self.front.open(
            context, uri, on_frame=self._on_frame, refuse=self._refuse, after_batch=lambda: None
        )

    def _accepted(self, link: Link, now: float) -> None:
        self.links.append(link)
        self.door.accepted(link, now)

    def _ended(self, link: Link) -> None:
        self.ended.append(link)
        self.door.ended(link)

    def _commanded(self, link: Link, count: int, now: float) -> None:
        self.commands += count
        self.door.commanded(link, count, now)

    def _on_frame(self, connection: ClientConnection, frame: bytes) -> None:
        self.heard.append(frame)
        connection.link.send(frame)

    def _refuse(self, connection: ClientConnection, error: ChatdError, size: int) -> None:
        self.refused.append(error.name)
        connection.link.send(error.name.encode())

    def client(self, kind: int = zmq.DEALER, **options: object) -> Socket:
        """A socket of pyzmq's, options set, on its way here."""
        made = self.context.socket(kind)
        made.linger = 0
        made.rcvhwm = made.sndhwm = 0
        for name, value in options.items():
            setattr(made, name, value)
        made.connect(self.uri)
        self._clients.append(made)
        return made

    async def close(self) -> None:
        """Ends all that it made."""
        for client in self._clients:
            client.close(0)
        await self.front.drain()


async def until(condition: Callable[[], object]) -> None:
    """Raises TimeoutError if it does not come true."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def until_there_are(count: int, things: Sized) -> None:
    """Raises TimeoutError if there are not so many."""
    await until(lambda: len(things) >= count)


async def receive(client: Socket) -> list[bytes]:
    """The next message."""
    await until(lambda: client.poll(0))
    return client.recv_multipart()


async def echoed(client: Socket, *bodies: bytes) -> None:
    """Each comes back, alone and in its order."""
    for body in bodies:
        client.send(body)
        assert await receive(client) == [body]
