"""A daemon that speaks gRPC, and grpcio's blocking client: its asynchronous one wants one loop in
the process, and each test has its own."""

import queue
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chatd.core.start import HEAD
from chatd.pb.chat.v1.chat_pb2 import DESCRIPTOR
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Error, Hello, ServerFrame
from tests.daemons import Daemon, free_port
from tests.gateway.fronts.http.serving import USERS
from tests.protocol.limited import OPERATOR, token_of, write_tokens

SECONDS = 20.0
_METHODS = DESCRIPTOR.services_by_name["ChatService"].methods_by_name


class GrpcDaemon(Daemon):
    """``address`` is where it speaks gRPC."""

    def __init__(
        self, folder: Path, settings: Mapping[str, object] | None = None, *, scheme: str = "http"
    ) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        write_tokens(folder, USERS)
        super().__init__("all", folder, {"GRPC_URI": f"{scheme}://{self.address}", **(settings or {})})

    def channel(self, **options: int) -> grpc.Channel:
        """A connection of its own."""
        given = [("grpc.use_local_subchannel_pool", 1), *(options.items())]
        return grpc.insecure_channel(self.address, options=given)


class Caller:
    """Calls as ``user``; as nobody if it is empty."""

    def __init__(self, channel: grpc.Channel, user: str = "", **metadata: str | bytes) -> None:
        self._channel = channel
        token = OPERATOR if user == "operator" else token_of(user)
        self._metadata: dict[str, str | bytes] = {"authorization": f"Bearer {token}"} if user else {}
        self._metadata |= {name.replace("_", "-"): value for name, value in metadata.items()}

    def call(self, name: str, /, **fields: Any) -> Any:
        """The answer. Raises grpc.RpcError."""
        method = _METHODS[name]
        request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        return self.raw(f"/chat.v1.ChatService/{name}", request(**fields), response)

    def future(self, name: str, request: Message | None = None) -> Any:
        """The call under way."""
        ask = self._channel.unary_unary(f"/chat.v1.ChatService/{name}")
        encoded = b"" if request is None else request.SerializeToString()
        return ask.future(encoded, metadata=list(self._metadata.items()), timeout=SECONDS)

    def raw(self, path: str, request: Message | bytes, response: type[Message]) -> Any:
        """Any method that has one answer. Raises grpc.RpcError."""
        encoded = request if isinstance(request, bytes) else request.SerializeToString()
        ask = self._channel.unary_unary(path)
        answer = ask(encoded, metadata=list(self._metadata.items()), timeout=SECONDS)
        return response.FromString(answer)


def error_of(error: grpc.RpcError) -> Error:
    """The chatd Error that came with the status."""
    return Error.FromString(dict(error.trailing_metadata())["chatd-error-bin"])


class Stream:
    """GatewayService.Connect."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        connect = channel.stream_stream("/gateway.v1.GatewayService/Connect")
        self.rpc = connect(iter(self._said.get, None), timeout=10 * SECONDS)

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self._said.put(None)
        self.rpc.cancel()

    def say(self, **kind: Any) -> None:
        """Send a ClientFrame."""
        self._said.put(ClientFrame(**kind).SerializeToString())

    def say_raw(self, data: bytes) -> None:
        """Send a message that may be none."""
        self._said.put(data)

    def finish(self) -> None:
        """Say nothing more."""
        self._said.put(None)

    def hear(self) -> ServerFrame:
        """The next frame. Raises grpc.RpcError, StopIteration."""
        return ServerFrame.FromString(next(self.rpc))

    def rest(self) -> grpc.RpcError | None:
        """The error that the stream ends with, after all that it still says."""
        try:
            for _ in self.rpc:
                pass
        except grpc.RpcError as exc:
            return exc
        return None

    def hello(self, user: str, device: str, **more: Any) -> ServerFrame:
        """The Welcome, when it has caught up. A new device begins at the head, unless ``start``
        says otherwise."""
        given = {"start": HEAD.to_pb(), **more}
        self.say(hello=Hello(token=token_of(user), device_id=device, version=1, **given))
        welcome = self.hear()
        while not self.hear().HasField("caught_up"):
            pass
        return welcome

    def deliveries(self) -> Iterator[tuple[str, int]]:
        """The room and seq of each delivery."""
        while True:
            for one in self.hear().deliveries:
                yield one.event.room_id, one.event.seq
