"""A second reader of ZMTP, slow and obvious, which judges a whole connection at once. It is written
from RFC 37 and the rules in chatd/core/zmtp/'s docstrings, and shares no code with it."""

from typing import NamedTuple, NoReturn

LIMIT_OF_COMMANDS = 8_192
LIMIT_OF_PARTS = 64
NAME_CHARACTERS = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+")

Said = tuple[str, bytes | int]
"""One event: its kind, and a body, an answer's bytes or a size."""


class Verdict(NamedTuple):
    """``end``: "" (the connection goes on), "foreign" (it speaks no ZMTP 3), "told" (it is told why
    it ends) or "silent"."""

    said: list[Said]
    end: str


class _NoMoreBytes(Exception):
    pass


class _End(Exception):
    pass


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, size: int) -> bytes:
        if len(self.rest) < size:
            raise _NoMoreBytes
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def frame_head(self) -> tuple[int, int]:
        """Flags without that of the long form, and the size of the body."""
        (flags,) = self.take(1)
        size = int.from_bytes(self.take(8 if flags & 2 else 1), "big")
        return flags & ~2, size


def judge(data: bytes, max_body: int) -> Verdict:
    """All that a connection says, and its end."""
    said: list[Said] = []
    reader = _Reader(data)
    try:
        _greeting(reader)
        _ready(reader)
        _traffic(reader, max_body, said)
    except _NoMoreBytes:
        return Verdict(said, "")
    except _End as end:
        return Verdict(said, str(end))


def _greeting(reader: _Reader) -> None:
    for place in range(12):
        (byte,) = reader.take(1)
        if (
            (place == 0 and byte != 0xFF)
            or (place == 9 and byte % 2 == 0)  # ZMTP 1: the flags of a long frame
            or (place == 10 and byte < 3)
        ):
            raise _End("foreign")
    if reader.take(52)[:20] != b"NULL" + bytes(16):
        raise _End("silent")


def _ready(reader: _Reader) -> None:
    flags, size = reader.frame_head()
    if flags != 4 or size > LIMIT_OF_COMMANDS:
        raise _End("told")
    name, data = _named(reader.take(size))
    if name == b"ERROR":
        raise _End("silent")
    if name != b"READY":
        raise _End("told")
    found = {}
    while data:
        length, data = data[0], data[1:]
        key, data = data[:length], data[length:]
        size_of_value, data = data[:4], data[4:]
        size = int.from_bytes(size_of_value, "big")
        value, data = data[:size], data[size:]
        whole = len(key) == length and len(size_of_value) == 4 and len(value) == size
        if not whole or not length or not set(key) <= NAME_CHARACTERS or key.lower() in found:
            raise _End("told")
        found[key.lower()] = value
    if found.get(b"socket-type") not in (b"DEALER", b"REQ"):
        raise _End("told")


def _named(body: bytes) -> tuple[bytes, bytes]:
    if not body or len(body) <= body[0]:
        raise _End("told")
    return body[1 : 1 + body[0]], body[1 + body[0] :]


def _traffic(reader: _Reader, max_body: int, said: list[Said]) -> NoReturn:
    sizes: list[int] = []  # of the parts of the message that is coming
    passing, passed = False, 0
    while True:
        flags, size = reader.frame_head()
        if flags & 4:
            if flags != 4 or size > LIMIT_OF_COMMANDS:
                raise _End("told")
            name, data = _named(reader.take(size))
            if name == b"ERROR":
                raise _End("silent")
            if name == b"PING":
                pong = b"\x04PONG" + data[2:18]
                said.append(("answer", bytes([4, len(pong)]) + pong))
            continue
        more = flags == 1
        if flags > 1 or size > 4 * max_body:
            raise _End("told")
        if passing:
            passed += 1
            if passed > LIMIT_OF_PARTS:
                raise _End("told")
            passing = more
            reader.take(size)
            continue
        sizes.append(size)
        if more and sizes != [0]:
            said.append(("MALFORMED_FRAME", size))
            passing, passed, sizes = True, 0, []
            reader.take(size)
        elif more:
            continue
        else:
            delimited, sizes = len(sizes) == 2, []
            if size > max_body:
                said.append(("FRAME_TOO_LARGE", size))
                reader.take(size)
            else:
                said.append(("delimited" if delimited else "message", reader.take(size)))
