"""A gateway's end of the calls to a default node: a DEALER, each call with a number of its own."""

import asyncio
from itertools import count

from google.protobuf.message import Message

from chatd.core import node_protocol
from chatd.core.scopes import ALL_SCOPES, scopes_to_pb
from chatd.pb.gateway.v1.gateway_pb2 import RpcResponse
from chatd.pb.node.v1.node_pb2 import Caller, CallLimits, NodeRequest, Role
from chatd.transport.pump import PeerFull, PeerGone, Pump
from chatd.transport.sockets import Context, connect_dealer

USER = Caller(profile_id="alice", role=Role.ROLE_USER)
OPERATOR = Caller(profile_id="ops", role=Role.ROLE_OPERATOR, scopes=scopes_to_pb(ALL_SCOPES))


class Gateway:
    """Calls for itself unless ``caller`` is given. ``protocol`` is what it says that it speaks."""

    def __init__(self, context: Context, uri: str, *, protocol: int = node_protocol.NUMBER) -> None:
        self._protocol = protocol
        self._pump = Pump(
            asyncio.get_running_loop(), connect_dealer(context, uri), self._on_replies, frames=1
        )
        self._replies: dict[int, asyncio.Future[RpcResponse]] = {}
        self._numbers = count(1)

    def _on_replies(self, batch: list[list[bytes]]) -> None:
        for (frame,) in batch:
            reply = RpcResponse.FromString(frame)
            self._replies.pop(reply.call_id).set_result(reply)

    async def send_frame(self, frame: bytes, call_id: int = 0) -> "asyncio.Future[RpcResponse]":
        """Any frame; its reply is awaited as that of ``call_id``."""
        reply = self._replies[call_id] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(10):
            while True:
                try:
                    self._pump.send((frame,))
                except (PeerGone, PeerFull):
                    await asyncio.sleep(0.002)  # not connected yet
                else:
                    return reply

    async def begin(
        self,
        method: str,
        payload: Message | bytes = b"",
        caller: Caller | None = None,
        *,
        limits: CallLimits | None = None,
        request_id: str = "",
    ) -> "asyncio.Future[RpcResponse]":
        """Make a call; its reply comes later."""
        encoded = payload if isinstance(payload, bytes) else payload.SerializeToString()
        request = NodeRequest(
            call_id=next(self._numbers),
            method=method,
            payload=encoded,
            caller=caller,
            limits=limits,
            request_id=request_id,
            protocol=self._protocol,
        )
        return await self.send_frame(request.SerializeToString(), request.call_id)

    async def call(
        self,
        method: str,
        payload: Message | bytes = b"",
        caller: Caller | None = None,
        *,
        limits: CallLimits | None = None,
        request_id: str = "",
    ) -> RpcResponse:
        """Make a call and wait for its reply."""
        async with asyncio.timeout(20):
            return await (await self.begin(method, payload, caller, limits=limits, request_id=request_id))

    def close(self) -> None:
        self._pump.close()
