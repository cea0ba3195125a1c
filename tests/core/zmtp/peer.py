"""The bytes of a ZMTP peer, written out by RFC 37 and not by chatd's own encoder."""

MORE, LONG, COMMAND = 1, 2, 4


def wire(flags: int, body: bytes = b"", *, long: bool = False) -> bytes:
    """A frame. ``long``: in the long form, whatever its size."""
    if long or len(body) > 255:
        return bytes([flags | LONG]) + len(body).to_bytes(8, "big") + body
    return bytes([flags, len(body)]) + body


def head(flags: int, size: int) -> bytes:
    """The beginning of a long frame, without its body."""
    return bytes([flags | LONG]) + size.to_bytes(8, "big")


def said(name: bytes, data: bytes = b"", *, long: bool = False) -> bytes:
    """A command."""
    return wire(COMMAND, bytes([len(name)]) + name + data, long=long)


def properties(*pairs: tuple[bytes, bytes]) -> bytes:
    """Metadata as it travels."""
    return b"".join(
        bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value for name, value in pairs
    )


def hello(mechanism: bytes = b"NULL", *, version: tuple[int, int] = (3, 1), as_server: int = 0) -> bytes:
    """A greeting."""
    signature = b"\xff\0\0\0\0\0\0\0\x01\x7f"
    return signature + bytes(version) + mechanism.ljust(20, b"\0") + bytes([as_server]) + bytes(31)


def ready(kind: bytes = b"DEALER") -> bytes:
    return said(b"READY", properties((b"Socket-Type", kind), (b"Identity", b"")))


def ping(context: bytes = b"", ttl: int = 10) -> bytes:
    return said(b"PING", ttl.to_bytes(2, "big") + context)


OPENED = hello() + ready()
"""Everything before the first message."""
