"""Every socket of ZeroMQ that chatd opens, with its options, in one place. Addresses are those of
``core/address.py``; one beyond this machine is encrypted, or refused before any socket exists.
"""

import ctypes
import os
import re
from collections.abc import Iterable
from pathlib import Path

import zmq

from chatd.core.address import Address, Listening
from chatd.core.curve import KeyPair, encode_key, new_key_pair
from chatd.errors import ChatdError, ConfigError, os_error
from chatd.files.claim import Claim

MAX_FRAME_BYTES = 1_048_576
HARD_FRAME_FACTOR = 4  # libzmq cuts a connection off at this many times MAX_FRAME_BYTES

Socket = zmq.Socket[bytes]


class Context(zmq.Context["zmq.Socket[bytes]"]):
    """A process's ZeroMQ context. It holds the claims of the ipc paths that are bound until it
    ends: libzmq removes a path some time after its socket was closed, and would remove a
    successor's."""

    claims: dict[str, Claim]
    holder: str
    keys: KeyPair
    claims, holder, keys = {}, "", new_key_pair()  # pyzmq lets only attributes be set that the class has

    def term(self) -> None:
        super().term()
        claims, self.claims = self.claims, {}
        for claim in claims.values():
            claim.release()

    def claim(self, path: str) -> None:
        """Raises StartFailed if another process listens at this path."""
        real = os.path.realpath(path)
        if real not in self.claims:
            self.claims[real] = Claim(Path(f"{real}.lock"), f"ipc://{path}", self.holder)


_srand = ctypes.CDLL(None).srand


def new_context(
    *, io_threads: int = 1, max_sockets: int = 1023, holder: str = "", keys: KeyPair | None = None
) -> Context:
    """A context. Load tools with thousands of sockets raise ``max_sockets``. ``holder`` describes
    this process to others that want the same ipc paths. With ``keys`` it connects to servers; by
    default with a pair of its own, which nobody knows."""
    # A ROUTER takes the ids that it gives to connections from here. A stranger that knew the next
    # one could take it first, and libzmq 4.3.5 would end the process at the next connection
    # ("Assertion failed: ok").
    _srand(int.from_bytes(os.urandom(4), "little"))
    context = Context(io_threads)
    context.set(zmq.MAX_SOCKETS, max_sockets)
    context.claims, context.holder, context.keys = {}, holder, keys or new_key_pair()
    return context


def usable(uris: Iterable[str]) -> list[str]:
    """Those of the addresses that may be connected to from here."""
    found = []
    for uri in uris:
        try:
            Address.parse(uri)
        except ConfigError:
            continue
        found.append(uri)
    return found


def _socket(context: Context, kind: int, *, max_frame: int = MAX_FRAME_BYTES) -> "zmq.Socket[bytes]":
    socket = context.socket(kind)
    socket.linger = 0
    socket.setsockopt(zmq.MAXMSGSIZE, HARD_FRAME_FACTOR * max_frame)
    socket.setsockopt(zmq.HANDSHAKE_IVL, 2_000)
    # A peer whose host vanished is noticed in about a minute; streams have their own, quicker
    # heartbeat.
    socket.setsockopt(zmq.HEARTBEAT_IVL, 15_000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 45_000)
    return socket


def _prepare(socket: "zmq.Socket[bytes]", endpoint: str) -> None:
    """Before ``endpoint`` is bound or connected: IPv6 only where the address is, for with it libzmq
    takes names such as localhost for IPv6 alone."""
    socket.setsockopt(zmq.IPV6, endpoint.startswith("tcp://["))


def _bind(context: Context, socket: "zmq.Socket[bytes]", uri: str) -> "zmq.Socket[bytes]":
    """Raises ConfigError if ``uri`` can never be bound, StartFailed if it cannot be now. Closes the
    socket then."""
    path = uri[6:] if re.match("ipc://[^@*]", uri) else ""
    try:
        listening = Listening.parse(uri)
        if listening.is_encrypted:
            raise ConfigError(f"{uri!r}: encryption between nodes and gateways is not built yet")
        _prepare(socket, uri)
        if path:
            context.claim(path)
        socket.bind(uri)
        if path:
            os.chmod(path, 0o600)
    except (OSError, zmq.ZMQError) as exc:
        socket.close(0)
        raise os_error(f"cannot bind {uri}", OSError(exc.errno, zmq.strerror(exc.errno or 0))) from exc
    except ChatdError:
        socket.close(0)
        raise
    return socket


def bind_router(
    context: Context, uri: str, *, max_frame: int = MAX_FRAME_BYTES, send_hwm: int = 1000
) -> "zmq.Socket[bytes]":
    """A ROUTER that says when a peer is gone (EHOSTUNREACH) or full (EAGAIN) instead of dropping
    silently."""
    socket = _socket(context, zmq.ROUTER, max_frame=max_frame)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.sndhwm, socket.rcvhwm = send_hwm, 10_000
    return _bind(context, socket, uri)


def connect_dealer(context: Context, uri: str, *, hwm: int = 10_000) -> "zmq.Socket[bytes]":
    """A DEALER that queues nothing for a peer that is not there."""
    socket = _socket(context, zmq.DEALER, max_frame=4 * MAX_FRAME_BYTES)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.setsockopt(zmq.RECONNECT_IVL, 50)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1_000)
    socket.sndhwm = socket.rcvhwm = hwm
    try:
        connect_also(context, socket, uri)
    except ConfigError:
        socket.close(0)
        raise
    return socket


def bind_xpub(context: Context, uri: str, *, send_hwm: int = 50_000) -> "zmq.Socket[bytes]":
    """An XPUB that shows every subscription of every connection, repeated ones too. Drops at its
    high-water mark."""
    socket = _socket(context, zmq.XPUB)
    socket.setsockopt(zmq.XPUB_VERBOSER, 1)
    socket.sndhwm, socket.rcvhwm = send_hwm, 0
    return _bind(context, socket, uri)


def connect_sub(context: Context, uris: Iterable[str], *, receive_hwm: int = 50_000) -> "zmq.Socket[bytes]":
    """A SUB on every given queue. SNDHWM 0: the default would silently drop subscriptions beyond
    the 1,000th."""
    socket = _socket(context, zmq.SUB, max_frame=16 * MAX_FRAME_BYTES)
    socket.setsockopt(zmq.RECONNECT_IVL, 50)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1_000)
    socket.sndhwm, socket.rcvhwm = 0, receive_hwm
    for uri in uris:
        try:
            connect_also(context, socket, uri)
        except ConfigError:
            socket.close(0)
            raise
    return socket


def connect_also(context: Context, socket: "zmq.Socket[bytes]", uri: str) -> None:
    """Connect to one more address. Raises ConfigError."""
    address = Address.parse(uri)
    _prepare(socket, address.endpoint)
    if address.key:
        socket.curve_publickey = encode_key(context.keys.public).encode()
        socket.curve_secretkey = encode_key(context.keys.secret).encode()
        socket.curve_serverkey = encode_key(address.key).encode()
    else:
        socket.curve_server = 0  # plain, whatever was connected before
    socket.connect(address.endpoint)


def endpoint(socket: "zmq.Socket[bytes]") -> str:
    """The address a socket really has, wildcards resolved."""
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)
