"""The frames of ZMTP 3.1 (RFC 37), which carry messages and commands, and the greeting before
them."""

from chatd.core.zmtp.errors import ProtocolError

GREETING_BYTES = 64
MORE, LONG, COMMAND = 0x01, 0x02, 0x04
"""The bits of a frame's first byte."""
MAX_COMMAND_BYTES = 8_192
"""Commands of a handshake are some hundred bytes; metadata may name what it likes, within this."""
_SHORT = 256


def frame(body: bytes, flags: int = 0) -> bytes:
    """One frame as it is sent."""
    return frame_head(len(body), flags) + body


def frame_head(size: int, flags: int = 0) -> bytes:
    """The octets before a body of so many."""
    if size < _SHORT:
        return bytes((flags, size))
    return bytes((flags | LONG,)) + size.to_bytes(8, "big")


DELIMITER = frame(b"", MORE)


def command(name: bytes, body: bytes = b"") -> bytes:
    """One command as it is sent."""
    return frame(bytes((len(name),)) + name + body, COMMAND)


def error_command(reason: str) -> bytes:
    """An ERROR command. The reason is ASCII, at most 255 characters."""
    text = reason.encode("ascii", "replace")[:255]
    return command(b"ERROR", bytes((len(text),)) + text)


def greeting(mechanism: bytes, *, as_server: bool) -> bytes:
    """The 64 bytes that every connection begins with."""
    start = b"\xff" + bytes(8) + b"\x7f\x03\x01" + mechanism.ljust(20, b"\0") + bytes((as_server,))
    return start.ljust(GREETING_BYTES, b"\0")


def body_at(data: bytes) -> int:
    """The index at which the first frame's body begins."""
    return 9 if data[:1] and data[0] & LONG else 2


def body_size(data: bytes, start: int) -> int:
    return int.from_bytes(data[1:start], "big")


def split_command(body: bytes) -> tuple[bytes, bytes]:
    """A command's name and the rest. Raises ProtocolError."""
    end = 1 + body[0] if body else 1
    if end > len(body):
        raise ProtocolError("a command has no name", error_command("invalid command"))
    return body[1:end], body[end:]
