"""ClientCalls: calls of clients, each with its authenticated identity, forwarded unread to default
nodes."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from chatd.core.counter import Counter
from chatd.core.stream import DeviceStream
from chatd.errors import ChatdError, InvalidArgument, NoStream, Overloaded, UnknownMethod
from chatd.gateway.admission import Admission
from chatd.gateway.authentication.identity import Identity
from chatd.gateway.calls_under_way import WEIGHT_OF_A_SEND, WEIGHT_OF_OTHERS, CallsUnderWay
from chatd.gateway.connection import ClientConnection
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.link import Link
from chatd.gateway.refusals import Refusals
from chatd.gateway.waiting_calls import OnReply
from chatd.pb.chat.v1.chat_pb2 import WatchPresenceResponse
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, RpcRequest
from chatd.pb.node.v1.node_pb2 import Caller
from chatd.text import nfc

_SEND = "ChatService/SendEvents"


class Forward(Protocol):
    """Calls a default node for a client (``Backend.forward``)."""

    def __call__(
        self,
        method: str,
        payload: bytes,
        caller: Caller | None,
        on_reply: OnReply,
        *,
        affinity: str = "",
        request_id: str = "",
    ) -> None: ...


class ClientCalls:
    """Nodes are told that a call came over the gateway ``gateway_id``. ``watch`` is told which
    profiles' presence a node allowed a stream to watch."""

    def __init__(
        self,
        gateway_id: str,
        admission: Admission,
        sender: DeviceSender,
        refusals: Refusals,
        *,
        forward: Forward,
        watch: Callable[[ClientConnection, set[str]], None],
    ) -> None:
        self._gateway_id = gateway_id
        self._admission = admission
        self._sender = sender
        self._refusals = refusals
        self._forward = forward
        self._watch = watch
        self._under_way = CallsUnderWay()
        self.forwarded = Counter("calls_forwarded", "calls of clients forwarded to default nodes")

    def on_call(self, peer: ClientConnection, frame: ClientFrame) -> None:
        """Forward, or answer with the reason why not."""
        call, size = frame.call, frame.ByteSize()
        try:
            identity = self._caller(peer, call)
            self._admission.limit_call(peer, identity, call, size)
            if peer.link.refuses_calls:
                raise Overloaded("answers wait that were not read")
        except ChatdError as exc:
            self._refusals.call(peer, call.call_id, exc, size)
            return
        weight = WEIGHT_OF_A_SEND if call.method == _SEND else WEIGHT_OF_OTHERS
        on_reply: OnReply = partial(self._reply, peer.link, call.call_id, identity.profile_id, weight)
        if call.method == "ChatService/WatchPresence":
            if peer.stream is None:
                error = InvalidArgument("only a connection with an open stream can watch")
                self._sender.reply(peer.link, call.call_id, b"", error)
                return
            on_reply = partial(self._watched, peer, peer.stream, on_reply)
        self.forwarded.add()
        caller = identity.to_caller(peer.link.origin, self._gateway_id)
        self._under_way.begin(identity.profile_id, weight, peer.link)
        self._forward(
            call.method,
            call.payload,
            caller,
            on_reply,
            affinity=nfc(call.affinity) or identity.profile_id,
            request_id=call.request_id,
        )

    def _reply(
        self,
        link: Link,
        call_id: int,
        caller: str,
        weight: int,
        payload: bytes,
        error: ChatdError | None,
    ) -> None:
        self._under_way.end(caller, weight)
        self._sender.reply(link, call_id, payload, error)

    def _watched(
        self,
        peer: ClientConnection,
        stream: DeviceStream,
        on_reply: OnReply,
        payload: bytes,
        error: ChatdError | None,
    ) -> None:
        """A node has said whom the stream may watch."""
        if error is None and peer.stream is stream:
            self._watch(peer, {one.profile_id for one in WatchPresenceResponse.FromString(payload).presences})
        on_reply(payload, error)

    def _caller(self, peer: ClientConnection, call: RpcRequest) -> Identity:
        if call.method.startswith("NodeService/"):
            raise UnknownMethod("NodeService is not for clients")
        if (
            not call.token
            and peer.identity is not None
            and nfc(call.profile_id) in ("", peer.identity.profile_id)
        ):
            self._admission.check(peer.identity)
            return peer.identity
        if not call.token and peer.identity is None:
            raise NoStream("a call without a token on a connection that has no stream: say Hello again")
        return self._admission.authenticate(peer, call.token, call.profile_id)
