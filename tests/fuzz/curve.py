"""The fuzz target of chatd/core/curve: a client's commands of the handshake and of an open
connection, as a stranger may change them, and the metadata that they carry.

An input begins with a byte that chooses what is attacked: metadata, one of the client's commands,
which the rest is XORed into, or the commands of the rest, each behind its length.
"""

from collections.abc import Callable

from chatd.core.curve import CurveServer, CurveSession, decode_metadata, encode_metadata
from chatd.core.curve.client import CurveClientHandshake
from chatd.core.curve.errors import CurveError
from chatd.core.key_pair import new_key_pair
from chatd.core.zmtp.security import CurveHandshake, SecurityError

SERVER, CLIENT = CurveServer(new_key_pair()), new_key_pair()
METADATA = encode_metadata({"Socket-Type": b"DEALER", "Identity": b""})


def check(data: bytes) -> None:
    choice, rest = data[:1] or b"\0", data[1:]
    match choice[0] % 5:
        case 0:
            check_metadata(rest)
        case 1:
            check_commands(rest)
        case stage:
            check_changed(stage - 2, rest)


def check_metadata(data: bytes) -> None:
    try:
        properties = decode_metadata(data)
    except ValueError:
        return
    encoded = encode_metadata(properties)
    assert decode_metadata(encoded) == properties
    assert len(encoded) == len(data), "every octet is part of one property"


def check_commands(data: bytes) -> None:
    """No stranger gets as far as a session without a proper client."""
    handshake = CurveHandshake(SERVER, lambda: 0.0)
    while data:
        size, data = data[0] + 1, data[1:]
        command, data = data[:size], data[size:]
        length = command[0] if command else 0
        try:
            handshake.command(command[1 : 1 + length], command[1 + length :])
        except SecurityError:
            break
    assert handshake.session is None
    assert handshake.client_key == b""


def check_changed(stage: int, change: bytes) -> None:
    """HELLO, INITIATE or a MESSAGE, with a change in it: it is refused, or there was none."""
    server = SERVER.handshake()
    client = CurveClientHandshake(SERVER.public, CLIENT, METADATA)
    hello = client.hello()
    if stage == 0:
        refused(lambda command: server.command(command, 0.0), hello, change)
        return
    welcome = server.command(hello, 0.0)
    assert welcome is not None
    initiate = client.command(welcome)
    assert initiate is not None
    if stage == 1:
        refused(lambda command: server.command(command, 0.0), initiate, change)
        return
    server.command(initiate, 0.0)
    ready, opened = server.accept(METADATA)
    client.command(ready)
    session = client.session
    assert isinstance(session, CurveSession)
    message = session.seal(b"a frame")
    if change:
        refused(opened.open, message, change)
    else:  # the frame is removed on the way
        must_raise(opened.open, session.seal(b"the next frame"))


def refused(take: Callable[[bytes], object], command: bytes, change: bytes) -> None:
    """A command that was changed anywhere, cut off or made longer, is never taken."""
    size = max(len(command), len(change))
    changed = bytes(
        one ^ other for one, other in zip(command.ljust(size, b"\0"), change.ljust(size, b"\0"), strict=True)
    )
    if changed[: len(command)] == command and len(changed) == len(command):
        changed = command[: len(change)]
    if changed == command:
        take(command)
        return
    must_raise(take, changed)


def must_raise(take: Callable[[bytes], object], command: bytes) -> None:
    try:
        take(command)
    except CurveError:
        return
    raise AssertionError("a command that is not the next, or was changed, is taken")


_HELLO = CurveClientHandshake(SERVER.public, CLIENT, METADATA).hello()
SEEDS = {
    "metadata": b"\0" + METADATA,
    "metadata-twice": b"\0" + METADATA + METADATA,
    "metadata-endless": b"\0\x01a\xff\xff\xff\xff",
    "hello": b"\x01" + bytes([len(_HELLO) - 1]) + _HELLO,
    "hello-twice": b"\x01" + 2 * (bytes([len(_HELLO) - 1]) + _HELLO),
    "error": b"\x01\x08\x05ERROR\x02no",
    "changed-hello": b"\x02" + bytes(190) + b"\x01",
    "longer-hello": b"\x02" + bytes(200),
    "changed-initiate": b"\x03" + bytes(100) + b"\x80",
    "changed-message": b"\x04" + bytes(20) + b"\x01",
    "lost-message": b"\x04",
    "cut-message": b"\x04" + bytes(9),
}
