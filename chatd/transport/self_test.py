"""Proof, before a node serves, that its encrypted sockets refuse those whom they must refuse."""

import asyncio
from collections.abc import Callable
from functools import partial

import zmq
from zmq.utils.monitor import recv_monitor_message

from chatd.core.address import reached_at
from chatd.core.key_pair import KeyPair, encode_key, new_key_pair
from chatd.errors import StartFailed
from chatd.transport.sockets import Context

PATIENCE_MS = 10_000
_REFUSED = frozenset(
    (
        zmq.Event.DISCONNECTED,
        zmq.Event.HANDSHAKE_FAILED_AUTH,
        zmq.Event.HANDSHAKE_FAILED_NO_DETAIL,
        zmq.Event.HANDSHAKE_FAILED_PROTOCOL,
    )
)


async def prove_refusals(context: Context, stranger: KeyPair) -> None:
    """Knock at each encrypted address without a key, with another key for the server, and as a
    ``stranger``, whose key nobody knows. Raises StartFailed if one is let in, or if nobody answers
    the door."""
    for socket, endpoint in context.encrypted:
        kind = zmq.SUB if socket.type == zmq.XPUB else zmq.DEALER
        server, other = context.keys.public, new_key_pair().public
        knocks: tuple[tuple[str, Callable[[zmq.Socket[bytes]], None]], ...] = (
            ("a connection without encryption", lambda knocker: None),
            ("a connection to another server's key", partial(dress, keys=stranger, server=other)),
            ("a stranger's key", partial(dress, keys=stranger, server=server)),
        )
        for name, prepare in knocks:
            outcome = await asyncio.to_thread(knock, context, kind, endpoint, prepare)
            if outcome != "refused":
                raise StartFailed(f"{endpoint}: {name} was {outcome}, so chatd does not listen there")


def dress(knocker: "zmq.Socket[bytes]", keys: KeyPair, server: bytes) -> None:
    """Give a socket its keys before it connects."""
    knocker.curve_publickey = encode_key(keys.public).encode()
    knocker.curve_secretkey = encode_key(keys.secret).encode()
    knocker.curve_serverkey = encode_key(server).encode()


def knock(context: Context, kind: int, endpoint: str, prepare: Callable[["zmq.Socket[bytes]"], None]) -> str:
    """The outcome of one connection: refused, let in, or not answered."""
    knocker = context.socket(kind)
    knocker.linger = 0
    knocker.setsockopt(zmq.RECONNECT_IVL, -1)
    knocker.setsockopt(zmq.IPV6, endpoint.startswith("tcp://["))
    prepare(knocker)
    monitor = knocker.get_monitor_socket()
    try:
        near = "::1" if endpoint.startswith("tcp://[") else "127.0.0.1"
        knocker.connect(reached_at(endpoint, near))
        while monitor.poll(PATIENCE_MS):
            event = recv_monitor_message(monitor)["event"]
            if event == zmq.Event.HANDSHAKE_SUCCEEDED:
                return "let in"
            if event in _REFUSED:
                return "refused"
        return "not answered"
    finally:
        knocker.disable_monitor()
        monitor.close(0)
        knocker.close(0)
