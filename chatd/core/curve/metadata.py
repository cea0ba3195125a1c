"""Metadata of a connection: the same properties in NULL's READY and in CURVE's INITIATE and READY
(RFC 23 and 26)."""

import re
from collections.abc import Mapping

_NAME = re.compile(rb"[A-Za-z0-9._+-]{1,255}")
_SIZE_BYTES = 4
_MAX_VALUE_BYTES = 2**31 - 1


def encode_metadata(properties: Mapping[str, bytes]) -> bytes:
    """Properties in their order. Raises ValueError for a name or a value that RFC 23 forbids."""
    parts: list[bytes] = []
    for name, value in properties.items():
        octets = name.encode()
        if not _NAME.fullmatch(octets) or len(value) > _MAX_VALUE_BYTES:
            raise ValueError(f"no property of a connection: {name!r}")
        parts += (bytes((len(octets),)), octets, len(value).to_bytes(_SIZE_BYTES, "big"), value)
    return b"".join(parts)


def decode_metadata(data: bytes) -> dict[str, bytes]:
    """Properties by their names in small letters, since case does not count. Raises ValueError,
    also for a name that comes twice: two readers could take different ones."""
    properties: dict[str, bytes] = {}
    at, end = 0, len(data)
    while at < end:
        size_at = at + 1 + data[at]
        value_at = size_at + _SIZE_BYTES
        octets = data[at + 1 : size_at]
        size = int.from_bytes(data[size_at:value_at], "big")
        if size > min(end - value_at, _MAX_VALUE_BYTES):
            raise ValueError("a property of the connection is longer than its command")
        if not _NAME.fullmatch(octets):
            raise ValueError("a property of the connection has no proper name")
        name = octets.decode().lower()
        if name in properties:
            raise ValueError("a property of the connection comes twice")
        at = value_at + size
        properties[name] = data[value_at:at]
    return properties
