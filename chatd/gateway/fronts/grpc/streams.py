"""Device streams over gRPC, GatewayService.Connect: one ClientFrame or ServerFrame a message."""

import asyncio
from collections import deque

from grpc.aio import EOF, ServicerContext

from chatd.core.wire import error_from_pb
from chatd.gateway.fronts.clogging import CLEAR_BYTES, CLOGGED_BYTES
from chatd.gateway.fronts.grpc.hearing import Hearing
from chatd.gateway.fronts.grpc.links import GrpcLinks
from chatd.gateway.fronts.grpc.statuses import refuse
from chatd.gateway.fronts.request_link import RequestLink
from chatd.pb.gateway.v1.gateway_pb2 import Error, ServerFrame

CLOSE_SECONDS = 10.0
"""For a client to read what there is when its stream is closed."""
_CLOSED = b"\x2a"  # ServerFrame.closed: field 5


class _Speaker:
    """Frames between the loop and gRPC, which takes one when the client has room for it. Clogging
    bounds what is kept."""

    def __init__(self, link: RequestLink) -> None:
        self._link = link
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._more = asyncio.Event()
        self._is_clogged = False
        self._is_over = False
        self._closed: Error | None = None

    def send(self, frame: bytes) -> bool:
        if self._is_over or self._closed is not None:
            return False
        if frame.startswith(_CLOSED):
            self._closed = ServerFrame.FromString(frame).closed.error
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._link.hang_up)
        self._frames.append(frame)
        self._size += len(frame)
        self._more.set()
        if self._size > CLOGGED_BYTES and not self._is_clogged:
            self._is_clogged = True
            self._link.clogged(self)
        return True

    def get_write_buffer_size(self) -> int:
        return self._size

    def ended(self) -> None:
        self._is_over = True
        self._more.set()

    async def write_on(self, context: ServicerContext) -> Error | None:
        """Write until the stream is closed, then say why, or until the client has said all."""
        while self._frames or not (self._is_over or self._closed is not None):
            if not self._frames:
                self._more.clear()
                await self._more.wait()
                continue
            frame = self._frames.popleft()
            await context.write(frame)
            self._size -= len(frame)
            if self._is_clogged and self._size <= CLEAR_BYTES:
                self._is_clogged = False
                self._link.cleared()
        return self._closed


class Streams:
    """``connect`` is the behaviour of GatewayService.Connect."""

    def __init__(self, links: GrpcLinks, hearing: Hearing) -> None:
        self._links = links
        self._hearing = hearing

    async def connect(self, context: ServicerContext) -> None:
        """Speak until either side has enough."""
        async with self._links.visit(context) as link:
            speaker = link.speaker = _Speaker(link)
            hearing = asyncio.create_task(self._hear(link, speaker, context))
            try:
                closed = await speaker.write_on(context)
            finally:
                hearing.cancel()
        if closed is not None and closed.code:
            await refuse(context, error_from_pb(closed))

    async def _hear(self, link: RequestLink, speaker: _Speaker, context: ServicerContext) -> None:
        while (frame := await context.read()) is not EOF:
            await link.turn()
            if link.has_ended:
                return
            self._hearing.hear(link, frame)
        speaker.ended()
