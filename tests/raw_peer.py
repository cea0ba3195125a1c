"""A peer at the device port that speaks ZMTP by hand, as well or as badly as a test wants."""

import resource
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from chatd.core.curve import encode_metadata
from chatd.core.start import HEAD
from chatd.core.zmtp import COMMAND, LONG, MORE, command, frame, greeting
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello, RpcRequest, ServerFrame

GREETING = greeting(b"NULL", as_server=False)
SECONDS = 15.0
SYN_SENT = 2  # of struct tcp_info


def ready(kind: bytes = b"DEALER", identity: bytes = b"") -> bytes:
    """The READY of a peer of this kind."""
    return command(b"READY", encode_metadata({"Socket-Type": kind, "Identity": identity}))


def raise_descriptors() -> int:
    """Let this process have as many descriptors as it may; how many those are."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def target_of(uri: str) -> tuple[str, int]:
    """Host and port of a tcp:// address."""
    host, _, port = uri.removeprefix("tcp://").rpartition(":")
    return host.strip("[]"), int(port)


class RawPeer:
    """One connection. ``opening`` is what it says at once; ``buffer``: the bytes that its kernel
    keeps unread, about. ``waits`` False: return before it is connected, and say ``begin`` later."""

    def __init__(
        self,
        uri: str,
        token: str = "",
        *,
        opening: bytes = GREETING + ready(),
        address: str = "127.0.0.1",
        buffer: int = 0,
        waits: bool = True,
    ) -> None:
        self.token = token
        self._heard = bytearray()
        self._greeted = False
        self._calls = 0
        if uri.startswith("ipc://"):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(SECONDS)
            self.socket.connect(uri.removeprefix("ipc://").replace("@", "\0", 1))
        else:
            host, port = target_of(uri)
            self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self.socket.settimeout(SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as libzmq does
            if buffer:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            if address != "127.0.0.1":
                self.socket.bind((address, 0))
            if not waits:
                self.socket.setblocking(False)
                self.socket.connect_ex((host, port))
                self._opening = opening
                return
            self.socket.connect((host, port))
        if opening:
            self.socket.sendall(opening)

    def begin(self) -> None:
        """Wait until it is connected, and say the opening."""
        self.socket.settimeout(SECONDS)
        while self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == SYN_SENT:
            time.sleep(0.001)
        self.socket.sendall(self._opening)

    def __enter__(self) -> "RawPeer":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def reset(self) -> None:
        """End without a goodbye."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, body: bytes, flags: int = 0) -> None:
        """C: one frame."""
        self.socket.sendall(frame(body, flags))

    def say(self, **kind: Any) -> None:
        """C: one ClientFrame."""
        self.send(ClientFrame(**kind).SerializeToString())

    def hello(self, device: str, **fields: Any) -> None:
        """C: Hello; a new device begins at the head, unless ``start`` says otherwise."""
        given = {"start": HEAD.to_pb(), **fields}
        self.say(hello=Hello(token=self.token, device_id=device, version=1, **given))

    def encoded_call(self, method: str, request: Message | bytes = b"", **fields: Any) -> bytes:
        """A call's frame, as it is sent."""
        self._calls += 1
        payload = request if isinstance(request, bytes) else request.SerializeToString()
        call = RpcRequest(
            call_id=self._calls, method=method, payload=payload, **{"token": self.token, **fields}
        )
        return frame(ClientFrame(call=call).SerializeToString())

    def call(self, method: str, request: Message | bytes = b"", **fields: Any) -> Any:
        """C: a call; S: its reply."""
        self.socket.sendall(self.encoded_call(method, request, **fields))
        return self.hear().reply

    def hear(self, seconds: float = SECONDS) -> ServerFrame:
        """S: the next ServerFrame; TimeoutError, or ConnectionError when the connection has
        ended."""
        return ServerFrame.FromString(self.hear_message(seconds))

    def hear_message(self, seconds: float = SECONDS) -> bytes:
        """S: the next frame that is no command."""
        deadline = time.monotonic() + seconds
        while True:
            taken = self._take()
            if taken is not None:
                flags, body = taken
                if not flags & (COMMAND | MORE):
                    return body
                continue
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"nothing heard in {seconds} s")
            self.socket.settimeout(left)
            self._read()

    def hear_until(self, kind: str, seconds: float = SECONDS) -> tuple[Any, Sequence[ServerFrame]]:
        """S: frames up to one of this kind, and those before it."""
        before: list[ServerFrame] = []
        deadline = time.monotonic() + seconds
        while not (heard := self.hear(deadline - time.monotonic())).HasField(kind):
            before.append(heard)
        return getattr(heard, kind), before

    def heard(self) -> list[ServerFrame]:
        """S: the frames that are here already."""
        frames: list[ServerFrame] = []
        try:
            while True:
                frames.append(self.hear(0.001))
        except TimeoutError:
            return frames

    def _read(self) -> None:
        data = self.socket.recv(262_144)
        if not data:
            raise ConnectionResetError("the other end hung up")
        self._heard += data

    def _take(self) -> tuple[int, bytes] | None:
        if not self._greeted:
            if len(self._heard) < len(GREETING):
                return None
            self._greeted = True
            del self._heard[: len(GREETING)]
        start = 9 if self._heard[:1] and self._heard[0] & LONG else 2
        if len(self._heard) < start:
            return None
        end = start + int.from_bytes(self._heard[1:start], "big")
        if len(self._heard) < end:
            return None
        taken = self._heard[0], bytes(self._heard[start:end])
        del self._heard[:end]
        return taken

    def ends(self, seconds: float = SECONDS) -> bool:
        """True if the other end hangs up within so many seconds; what it says is read and kept."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                self._read()
            except TimeoutError:
                return False
            except ConnectionError:
                return True
        return False
