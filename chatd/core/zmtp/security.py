"""The security mechanisms of a ZMTP connection, on the side that is connected to: NULL, which is
none, and CURVE."""

from collections.abc import Callable
from typing import Protocol

from chatd.core.curve import CurveError, CurveServer, CurveSession, decode_metadata, encode_metadata

READY = encode_metadata({"Socket-Type": b"ROUTER", "Identity": b""})
"""Metadata of this side."""
_SOCKET_TYPES = (b"DEALER", b"REQ")


class SecurityError(Exception):
    """The handshake has failed, or a sealed frame is not the peer's. ``answer`` is an ERROR
    command's reason; empty: the connection is to be ended without a word."""

    def __init__(self, reason: str, answer: str = "") -> None:
        super().__init__(reason)
        self.answer = answer


class Handshake(Protocol):
    """One connection's."""

    @property
    def name(self) -> bytes: ...

    @property
    def as_server(self) -> bool: ...

    @property
    def opening(self) -> tuple[bytes, bytes] | None:
        """A command, name and body, that this side says by itself."""

    @property
    def session(self) -> CurveSession | None:
        """Seals and opens frames, once the handshake is over."""

    @property
    def is_over(self) -> bool: ...

    @property
    def client_key(self) -> bytes:
        """The client's public key, proved to be its own; empty without encryption."""

    def command(self, name: bytes, rest: bytes) -> tuple[bytes, ...]:
        """Take the peer's next command; the bodies of commands to answer with. Raises
        SecurityError."""


def _check(metadata: dict[str, bytes]) -> None:
    if metadata.get("socket-type") not in _SOCKET_TYPES:
        raise SecurityError("the peer is no DEALER or REQ", "connect a DEALER or a REQ")


class NullHandshake:
    """No security: each side says what it is."""

    __slots__ = ("is_over",)

    name = b"NULL"
    as_server = False
    opening = (b"READY", READY)
    session = None
    client_key = b""

    def __init__(self) -> None:
        self.is_over = False

    def command(self, name: bytes, rest: bytes) -> tuple[bytes, ...]:
        if name != b"READY":
            raise SecurityError("the peer does not shake hands", "a READY is missing")
        try:
            metadata = decode_metadata(rest)
        except ValueError as exc:
            raise SecurityError(str(exc), "invalid metadata") from exc
        _check(metadata)
        self.is_over = True
        return ()


class CurveHandshake:
    """Encryption, with any client's key. ``now`` gives seconds of a steady clock."""

    __slots__ = ("_handshake", "_now", "is_over", "session")

    name = b"CURVE"
    as_server = True
    opening = None

    def __init__(self, server: CurveServer, now: Callable[[], float]) -> None:
        self._handshake = server.handshake()
        self._now = now
        self.is_over = False
        self.session: CurveSession | None = None

    @property
    def client_key(self) -> bytes:
        return self._handshake.client_key

    def command(self, name: bytes, rest: bytes) -> tuple[bytes, ...]:
        handshake = self._handshake
        try:
            answer = handshake.command(bytes((len(name),)) + name + rest, self._now())
            if answer is not None:
                return (answer,)
            _check(handshake.metadata)
        except CurveError as exc:
            raise SecurityError(str(exc)) from exc
        ready, self.session = handshake.accept(READY)
        self.is_over = True
        return (ready,)
