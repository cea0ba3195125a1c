"""Calls over one connection: pipelined, each with a deadline of its own."""

import asyncio
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from chatd.client.route import unreachable
from chatd.core.wire import error_from_pb
from chatd.errors import ChatdError, FrameTooLarge, MalformedFrame, TimedOut, Unavailable
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, RpcRequest, ServerFrame
from chatd.transport.pump import PeerFull, Pump
from chatd.transport.sockets import HARD_FRAME_FACTOR, MAX_FRAME_BYTES, Context, connect_dealer

R = TypeVar("R", bound=Message)

CONNECT_LOOK = 0.01
"""Seconds between attempts to send while no gateway is connected."""
LARGEST_FRAME = HARD_FRAME_FACTOR * MAX_FRAME_BYTES
"""Bytes of a call at most. ZeroMQ would close the connection, so larger calls are refused here."""


class NotConnected(Unavailable):
    """No gateway was connected: the call was not made."""


class Calls:
    """A connection for calls, each as ``profile``."""

    def __init__(self, context: Context, uri: str, *, profile: str) -> None:
        self._context = context
        self._uri = uri
        self._profile = profile
        self._loop = asyncio.get_running_loop()
        self._pump: Pump | None = None
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._next_id = 1
        self._retired = False
        self._closed = False

    async def call(
        self,
        method: str,
        request: Message,
        response_type: type[R],
        *,
        token: str,
        affinity: str,
        request_id: str,
        timeout: float,
        connect_timeout: float,
    ) -> R:
        """Make a call once, authenticated by ``token``. ``request_id`` is the same for each attempt
        at the same thing.

        Raises NotConnected if no gateway is connected for ``connect_timeout`` seconds, TimedOut if
        no answer comes in ``timeout`` seconds, Unavailable if the connection is lost,
        FrameTooLarge, MalformedFrame if the answer does not parse, and the errors of the service.
        """
        deadline = self._loop.time() + timeout
        call_id = self._next_id
        self._next_id += 1
        call = RpcRequest(
            call_id=call_id,
            method=method,
            payload=request.SerializeToString(),
            token=token,
            profile_id=self._profile,
            affinity=affinity,
            request_id=request_id,
        )
        frame = ClientFrame(call=call).SerializeToString()
        if len(frame) > LARGEST_FRAME:
            raise FrameTooLarge(f"the call is {len(frame):,} bytes, more than {LARGEST_FRAME:,}")
        answer: asyncio.Future[bytes] = self._loop.create_future()
        try:
            await self._send(frame, self._loop.time() + connect_timeout)
            self._waiting[call_id] = answer
            async with asyncio.timeout_at(deadline):
                return response_type.FromString(await answer)
        except TimeoutError as exc:
            raise TimedOut(f"no answer to {method} in time; its outcome is unknown") from exc
        except DecodeError as exc:
            raise MalformedFrame(f"the gateway's answer to {method} does not parse") from exc
        finally:
            self._waiting.pop(call_id, None)
            if self._retired and not self._waiting:
                self.close()

    async def _send(self, frame: bytes, deadline: float) -> None:
        while True:
            if self._closed:
                raise Unavailable("the client was closed")
            if self._pump is None:
                socket = connect_dealer(self._context, self._uri)
                self._pump = Pump(self._loop, socket, self._on_batch, on_lost=self._on_lost)
            try:
                self._pump.send((frame,))
            except PeerFull as exc:
                if self._loop.time() >= deadline:
                    if not self._waiting:  # libzmq's socket may have given up for good
                        self._disconnect(linger_ms=0)
                    raise NotConnected(unreachable(self._uri)) from exc
                await asyncio.sleep(CONNECT_LOOK)
            else:
                return

    def _on_batch(self, batch: list[list[bytes]]) -> None:
        for frames in batch:
            try:
                frame = ServerFrame.FromString(frames[-1])
            except DecodeError:
                self._fail_all(MalformedFrame("the gateway sent a frame that does not parse"))
                continue
            if frame.HasField("error"):
                # A refused frame names no call: it may be any of those that wait.
                self._fail_all(error_from_pb(frame.error))
                continue
            answer = self._waiting.get(frame.reply.call_id)
            if answer is None or answer.done():
                continue
            if frame.reply.HasField("error"):
                answer.set_exception(error_from_pb(frame.reply.error))
            elif frame.reply.HasField("payload"):
                answer.set_result(frame.reply.payload)
            else:
                answer.set_exception(MalformedFrame("the gateway sent a reply without an outcome"))

    def _on_lost(self) -> None:
        self._disconnect(linger_ms=0)
        self._fail_all(Unavailable("the gateway was lost; the outcome is unknown"))

    def _fail_all(self, error: ChatdError) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                failure = type(error)(str(error))
                failure.retry_after_ms = error.retry_after_ms
                answer.set_exception(failure)

    @property
    def closed(self) -> bool:
        return self._closed

    def retire(self) -> None:
        """Take no more calls; close when those under way have ended."""
        self._retired = True
        if not self._waiting:
            self.close()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._fail_all(Unavailable("the client was closed"))
        self._disconnect(linger_ms=200)

    def _disconnect(self, *, linger_ms: int) -> None:
        """Close the socket until the next call: gateways close connections on which nobody
        authenticates."""
        if self._pump is not None:
            self._pump.close(linger_ms)
            self._pump = None
