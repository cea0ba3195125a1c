"""Every socket of ZeroMQ that chatd opens, with its options, in one place. Addresses are those of
``core/address.py``; one beyond this machine is encrypted, or refused before any socket exists.
"""

import ctypes
import os
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import zmq

from chatd.core.address import Address, Listening
from chatd.core.key_pair import KeyPair, encode_key, new_key_pair
from chatd.errors import ChatdError, ConfigError, StartFailed, os_error
from chatd.files.claim import Claim
from chatd.transport.passed_sockets import PassedSockets

MAX_FRAME_BYTES = 1_048_576
HARD_FRAME_FACTOR = 4  # libzmq cuts a connection off at this many times MAX_FRAME_BYTES

Socket = zmq.Socket[bytes]

CALLS_HERE, QUEUE_HERE = "inproc://calls", "inproc://queue"
"""Where a default node's encrypted sockets are reached in its own process."""
DOMAIN = b"chatd"
"""ZeroMQ's authentication domain of all encrypted sockets."""
REBIND_SECONDS = 0.005
REBIND_LOGGED = 1_000
"""Tries between two log lines."""


class Context(zmq.Context["zmq.Socket[bytes]"]):
    """A process's ZeroMQ context. It holds the claims of the ipc paths that are bound until it
    ends: libzmq removes a path some time after its socket was closed, and would remove a
    successor's."""

    claims: dict[str, Claim]
    holder: str
    keys: KeyPair
    is_guarded: bool
    encrypted: list[tuple["zmq.Socket[bytes]", str]]
    left: set[str]
    # pyzmq lets only attributes be set that the class has.
    claims, holder, keys, is_guarded, encrypted, left = {}, "", new_key_pair(), False, [], set()
    passed = PassedSockets()

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

    def is_encrypted(self, endpoint: str) -> bool:
        """True if connections at an address that is bound are encrypted."""
        return any(endpoint == one for _, one in self.encrypted)

    def listen_again(self, later: Callable[[float, Callable[[], None]], object]) -> None:
        """Leave the encrypted addresses and listen there again with the present key: libzmq ends
        all connections there, and those who are still known come back. An address is free some time
        after it was left; then ``later`` tries again, with the key that is the present one by
        then."""
        for socket, endpoint in self.encrypted:
            if not socket.closed and endpoint not in self.left:
                socket.unbind(endpoint)
                self.left.add(endpoint)
                _bind_again(self, socket, endpoint, later)


def _bind_again(
    context: Context,
    socket: "zmq.Socket[bytes]",
    endpoint: str,
    later: Callable[[float, Callable[[], None]], object],
    tries: int = 1,
) -> None:
    if socket.closed:
        return
    try:
        _encrypt(context, socket)
        socket.bind(endpoint)
    except zmq.ZMQError as exc:
        if tries % REBIND_LOGGED == 0:
            import structlog  # here: clients load this module too, and log nothing

            structlog.get_logger().error(
                "An address cannot be listened at again", address=endpoint, error=str(exc)
            )
        later(REBIND_SECONDS, partial(_bind_again, context, socket, endpoint, later, tries + 1))
    else:
        context.left.discard(endpoint)


def _encrypt(context: Context, socket: "zmq.Socket[bytes]") -> None:
    """Before an address is bound: every connection there is encrypted, and asked for at the
    context's guard (``zap.py``)."""
    socket.curve_server = 1
    socket.curve_secretkey = encode_key(context.keys.secret).encode()
    socket.zap_domain = DOMAIN
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


_srand = ctypes.CDLL(None).srand


def new_context(
    *,
    io_threads: int = 1,
    max_sockets: int = 1023,
    holder: str = "",
    keys: KeyPair | None = None,
    passed: PassedSockets | None = None,
) -> Context:
    """A context. Load tools with thousands of sockets raise ``max_sockets``. ``holder`` describes
    this process to others that want the same ipc paths. With ``keys`` it connects to servers; by
    default with a pair of its own, which nobody knows. ``passed``: sockets of the process before,
    and for the next one."""
    # A ROUTER takes the ids that it gives to connections from here. A stranger that knew the next
    # one could take it first, and libzmq 4.3.5 would end the process at the next connection
    # ("Assertion failed: ok").
    _srand(int.from_bytes(os.urandom(4), "little"))
    context = Context(io_threads)
    context.set(zmq.MAX_SOCKETS, max_sockets)
    context.claims, context.holder, context.keys = {}, holder, keys or new_key_pair()
    context.encrypted, context.left = [], set()
    context.passed = passed or PassedSockets()
    return context


def is_encrypted(uri: str) -> bool:
    """True if an address to listen at takes encrypted connections only. Raises ConfigError."""
    return Listening.parse(uri).is_encrypted


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


def _bind(context: Context, socket: "zmq.Socket[bytes]", uri: str, here: str) -> "zmq.Socket[bytes]":
    """At ``here`` too, if the connections at ``uri`` are encrypted. Raises ConfigError if ``uri``
    can never be bound, StartFailed if it cannot be now. Closes the socket then."""
    path = uri[6:] if re.match("ipc://[^@*]", uri) else ""
    try:
        listening = Listening.parse(uri)
        _prepare(socket, uri)
        if listening.is_encrypted:
            if not context.is_guarded:
                raise StartFailed(f"{uri!r}: nobody decides which keys may connect")
            socket.bind(here)
            _encrypt(context, socket)
        if path:
            context.claim(path)
        socket.bind(listening.endpoint)
        if path:
            os.chmod(path, 0o600)
        if listening.is_encrypted:
            context.encrypted.append((socket, endpoint(socket)))
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
    return _bind(context, socket, uri, CALLS_HERE)


def connect_dealer(context: Context, uri: str, *, hwm: int = 10_000) -> "zmq.Socket[bytes]":
    """A DEALER that queues nothing for a peer that is not there."""
    socket = _socket(context, zmq.DEALER, max_frame=4 * MAX_FRAME_BYTES)
    socket.setsockopt(zmq.IMMEDIATE, 1)
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
    high-water mark. If its connections are encrypted, each subscription is to be granted."""
    shown = zmq.XPUB_MANUAL if is_encrypted(uri) else zmq.XPUB_VERBOSER
    socket = _socket(context, zmq.XPUB)
    socket.setsockopt(shown, 1)
    socket.sndhwm, socket.rcvhwm = send_hwm, 0
    return _bind(context, socket, uri, QUEUE_HERE)


def connect_sub(context: Context, uris: Iterable[str], *, receive_hwm: int = 50_000) -> "zmq.Socket[bytes]":
    """A SUB on every given queue. SNDHWM 0: the default would silently drop subscriptions beyond
    the 1,000th."""
    socket = _socket(context, zmq.SUB, max_frame=16 * MAX_FRAME_BYTES)
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
        # A server that refuses is connected to for a moment, so the pauses do not grow.
        socket.setsockopt(zmq.RECONNECT_IVL, 250)
        socket.curve_publickey = encode_key(context.keys.public).encode()
        socket.curve_secretkey = encode_key(context.keys.secret).encode()
        socket.curve_serverkey = encode_key(address.key).encode()
    else:
        socket.setsockopt(zmq.RECONNECT_IVL, 50)
        socket.curve_server = 0  # plain, whatever was connected before
    socket.connect(address.endpoint)


def endpoint(socket: "zmq.Socket[bytes]") -> str:
    """The address a socket really has, wildcards resolved."""
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)
