"""ZMTP over a blocking socket, as little as CURVE needs: greeting, frames, PING and PONG; and
handshakes for tests that need no socket."""

import socket
from typing import NamedTuple, Self

from chatd.core.curve import (
    COMMAND,
    MORE,
    CurveClientHandshake,
    CurveServer,
    CurveServerHandshake,
    CurveSession,
    KeyPair,
    encode_metadata,
    new_key_pair,
)

LONG_FRAME, COMMAND_FRAME = 0x02, 0x04
PATIENCE_SECONDS = 20.0
NOW = 1000.0
DEALER = encode_metadata({"Socket-Type": b"DEALER", "Identity": b""})
ROUTER = encode_metadata({"Socket-Type": b"ROUTER", "Identity": b""})
PING, PONG = b"\x04PING", b"\x04PONG"


class Handshake(NamedTuple):
    """Both sides of one connection and all its commands so far, each from the genuine sender."""

    client: CurveClientHandshake
    server: CurveServerHandshake
    hello: bytes
    welcome: bytes
    initiate: bytes


def handshake(
    server: CurveServer,
    keys: KeyPair | None = None,
    now: float = NOW,
    *,
    server_key: bytes = b"",
) -> Handshake:
    """A handshake whose INITIATE has not reached the server yet. The client knows ``server_key``,
    by default the newest."""
    client = CurveClientHandshake(server_key or server.public, keys or new_key_pair(), DEALER)
    at_server = server.handshake()
    hello = client.hello()
    welcome = at_server.command(hello, now)
    assert welcome is not None
    initiate = client.command(welcome)
    assert initiate is not None
    return Handshake(client, at_server, hello, welcome, initiate)


def sessions() -> tuple[CurveSession, CurveSession]:
    """The client's and the server's side of an open connection."""
    one = handshake(CurveServer(new_key_pair()))
    assert one.server.command(one.initiate, NOW) is None
    ready, at_server = one.server.accept(ROUTER)
    assert one.client.command(ready) is None
    assert one.client.session is not None
    return one.client.session, at_server


class Peer:
    """One connection to a libzmq. It answers PING, and counts what it got of both."""

    def __init__(self, sock: socket.socket, *, minor: int, as_server: bool) -> None:
        sock.settimeout(PATIENCE_SECONDS)
        self._socket = sock
        self._stream = sock.makefile("rb")
        self.pings = self.pongs = 0
        self.client_key = b""
        self.metadata: dict[str, bytes] = {}
        mechanism = b"CURVE".ljust(20, b"\0")
        sock.sendall(
            b"\xff" + bytes(8) + b"\x7f\x03" + bytes((minor,)) + mechanism + bytes((as_server,)) + bytes(31)
        )
        greeting = self._read(64)
        assert (greeting[0], greeting[10], greeting[12:32]) == (0xFF, 3, mechanism)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()
        self._socket.close()

    def serve(self, server: CurveServer) -> CurveServerHandshake:
        """Take HELLO and INITIATE; the verdict is the caller's."""
        handshake = server.handshake()
        welcome = handshake.command(self.read_command(), NOW)
        assert welcome is not None
        self.write_frame(welcome, COMMAND_FRAME)
        assert handshake.command(self.read_command(), NOW) is None
        self.client_key, self.metadata = handshake.client_key, handshake.metadata
        return handshake

    def accept(self, server: CurveServer) -> Self:
        ready, self.session = self.serve(server).accept(ROUTER)
        self.write_frame(ready, COMMAND_FRAME)
        return self

    def connect(self, server_key: bytes, keys: KeyPair, metadata: bytes = DEALER) -> Self:
        """Raises CurveError if the server refuses."""
        handshake = CurveClientHandshake(server_key, keys, metadata)
        self.write_frame(handshake.hello(), COMMAND_FRAME)
        initiate = handshake.command(self.read_command())
        assert initiate is not None
        self.write_frame(initiate, COMMAND_FRAME)
        assert handshake.command(self.read_command()) is None
        assert handshake.session is not None
        self.session, self.metadata = handshake.session, handshake.metadata
        return self

    def send(self, *parts: bytes) -> None:
        for part in parts[:-1]:
            self.write_frame(self.session.seal(part, MORE))
        self.write_frame(self.session.seal(parts[-1]))

    def ping(self, context: bytes) -> None:
        self.write_frame(self.session.seal(PING + bytes(2) + context, COMMAND))

    def receive(self) -> list[bytes]:
        """The next message. Raises EOFError if the peer hung up."""
        parts = []
        while True:
            flags, frame = self.read()
            if flags & COMMAND:
                continue
            parts.append(frame)
            if not flags & MORE:
                return parts

    def receive_pong(self) -> bytes:
        """The context of the next PONG; no message may come before it."""
        before = self.pongs
        while self.pongs == before:
            flags, frame = self.read()
            assert flags == COMMAND
        return frame.removeprefix(PONG)

    def read(self) -> tuple[int, bytes]:
        """The flags and text of the next frame. A command has been obeyed."""
        flags, body = self._read_frame()
        assert not flags & COMMAND_FRAME  # libzmq's MESSAGE comes so
        flags, frame = self.session.open(body)
        if flags & COMMAND:
            self._obey(frame)
        return flags, frame

    def _obey(self, command: bytes) -> None:
        if command.startswith(PING):
            self.pings += 1
            self.write_frame(self.session.seal(PONG + command[len(PING) + 2 :], COMMAND))
        else:
            assert command.startswith(PONG)
            self.pongs += 1

    def read_command(self) -> bytes:
        flags, body = self._read_frame()
        assert flags & COMMAND_FRAME
        return body

    def write_frame(self, body: bytes, flags: int = 0) -> None:
        if len(body) < 256:
            self._socket.sendall(bytes((flags, len(body))) + body)
        else:
            self._socket.sendall(bytes((flags | LONG_FRAME,)) + len(body).to_bytes(8, "big") + body)

    def _read_frame(self) -> tuple[int, bytes]:
        flags = self._read(1)[0]
        return flags, self._read(int.from_bytes(self._read(8 if flags & LONG_FRAME else 1), "big"))

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise EOFError("the peer hung up")
        return data


def listen() -> socket.socket:
    """A listener on a free port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE_SECONDS)
    return listener


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port
