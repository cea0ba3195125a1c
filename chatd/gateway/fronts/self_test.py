"""A trial at the start of an encrypted port: a client that knows the key gets in, and one that
knows another, or wants no encryption, does not."""

from collections.abc import Callable

from chatd.core.curve import CurveClientHandshake, encode_metadata, new_key_pair
from chatd.core.zmtp import COMMAND, Answer, Connection, Handshake, ProtocolError, command, frame, greeting
from chatd.core.zmtp.frames import body_at
from chatd.errors import StartFailed

_DEALER = encode_metadata({"Socket-Type": b"DEALER"})


def check_encryption(handshake: Callable[[], Handshake], server_key: bytes) -> None:
    """``handshake`` makes those of new connections. Raises StartFailed."""
    if not _gets_in(Connection(max_body=0, handshake=handshake()), server_key):
        raise StartFailed("encryption does not work: a client that knows the key of the gateway is refused")
    if _gets_in(Connection(max_body=0, handshake=handshake()), new_key_pair().public):
        raise StartFailed("encryption does not work: a client that knows another key is let in")
    if _gets_in_plain(Connection(max_body=0, handshake=handshake())):
        raise StartFailed("encryption does not work: a client without it is let in")


def _gets_in(connection: Connection, server_key: bytes) -> bool:
    client = CurveClientHandshake(server_key, new_key_pair(), _DEALER)
    said: bytes | None = client.hello()
    start = greeting(b"CURVE", as_server=False)
    try:
        while said is not None:
            events = connection.receive(start + frame(said, COMMAND))
            (wire,) = (event.wire for event in events if isinstance(event, Answer))
            said, start = client.command(wire[body_at(wire) :]), b""
    except ProtocolError:
        return False
    return connection.is_ready and client.session is not None


def _gets_in_plain(connection: Connection) -> bool:
    try:
        connection.receive(greeting(b"NULL", as_server=False) + command(b"READY", _DEALER))
    except ProtocolError:
        return False
    return connection.is_ready
