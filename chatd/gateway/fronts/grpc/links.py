"""Links of clients that speak gRPC. A connection brings calls of many, and is not seen itself: a
link is a stream, or a caller."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import unquote

from grpc.aio import ServicerContext

from chatd.errors import Unavailable
from chatd.gateway.connection import ClientConnection
from chatd.gateway.fronts.clogging import Unsent
from chatd.gateway.fronts.door import Door, FrontLimits
from chatd.gateway.fronts.grpc.statuses import refuse
from chatd.gateway.fronts.proxies import Proxies
from chatd.gateway.fronts.request_link import RequestLink


class GrpcLinks:
    """``on_lost`` is told of links that ended with a stream, or on the way to one."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: FrontLimits,
        door: Door,
        *,
        on_lost: Callable[[ClientConnection], None],
        on_room: Callable[[ClientConnection], None],
        proxies: Proxies,
    ) -> None:
        self._loop = loop
        self._proxies = proxies
        self.limits = limits
        self.door = door
        self.on_room = on_room
        self._on_lost = on_lost
        self.unsent = Unsent()
        self._links: dict[RequestLink, None] = {}

    def __len__(self) -> int:
        return len(self._links)

    def address(self, context: ServicerContext) -> str:
        """The IP address of the client who calls, by its proxy's word if that is trusted."""
        address = _address(context.peer())
        if not self._proxies.trusts(address):
            return address
        metadata = context.invocation_metadata() or ()
        return self._proxies.client(
            address, [str(value) for name, value in metadata if name == "x-forwarded-for"]
        )

    def accept(self, address: str, *, hang_up: Callable[[], object], come: Callable[[], None]) -> RequestLink:
        """A link of a client at this address. ``come`` is called when the client may be heard."""
        link = RequestLink(self, address, hang_up=hang_up)
        self._links[link] = None
        self.door.accepted(link, self._loop.time())
        self.door.come(link, come)
        return link

    def lost(self, link: RequestLink) -> None:
        """Its client has gone, or has nothing more to say."""
        if link not in self._links:
            return
        del self._links[link]
        link.ended()
        self.unsent.note(link, 0)
        self.door.ended(link)
        if link.connection is not None and link.connection.is_open:
            self._on_lost(link.connection)

    @asynccontextmanager
    async def visit(self, context: ServicerContext) -> AsyncIterator[RequestLink]:
        """A link for as long as one call lasts, from when its client may be heard."""
        task, come = asyncio.current_task(), asyncio.Event()
        assert task is not None
        link = self.accept(self.address(context), hang_up=task.cancel, come=come.set)
        try:
            await come.wait()
            yield link
        except asyncio.CancelledError:
            if not link.has_ended or context.cancelled():
                raise
            await refuse(context, Unavailable("the connection was ended"))
        finally:
            self.lost(link)

    def look(self) -> None:
        """To be called about once a second."""
        now = self._loop.time()
        for link in self.unsent:
            link.look(now)

    def hang_up(self) -> None:
        """End all that there are."""
        for link in list(self._links):
            link.hang_up()


def _address(peer: str) -> str:
    """The IP address in ipv4:HOST:PORT or ipv6:%5BHOST%5D:PORT."""
    kind, _, rest = unquote(peer).partition(":")
    return rest.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else ""
