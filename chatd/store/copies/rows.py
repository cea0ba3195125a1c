"""A row as bytes, the same on each engine: what PostgreSQL's COPY reads in its binary format. And
the hash of a table, which is that of its rows in any order."""

import hashlib
import struct
from collections.abc import Callable, Sequence
from typing import Any

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_INTEGER = struct.Struct(">iq").pack
_SMALL = struct.Struct(">ih").pack
_LENGTH = struct.Struct(">i").pack
_DIGEST_BYTES = 16
_HASHES = 1 << 8 * _DIGEST_BYTES


def _text(value: Any) -> bytes:
    encoded: bytes = value.encode()
    return _LENGTH(len(encoded)) + encoded


def _bytes(value: Any) -> bytes:
    return _LENGTH(len(value)) + bytes(value)


def _integer(value: Any) -> bytes:
    return _INTEGER(8, value)


def _small(value: Any) -> bytes:
    return _SMALL(2, value)


_ENCODERS: dict[str, Callable[[Any], bytes]] = {"t": _text, "i": _integer, "s": _small, "b": _bytes}


class RowEncoder:
    """Encodes rows whose columns are of these ``kinds`` (``Table.kinds``), counts and hashes
    them."""

    def __init__(self, kinds: str) -> None:
        self._encoders = tuple(_ENCODERS[kind] for kind in kinds)
        self._start = struct.pack(">h", len(kinds))
        self.count = 0
        self._sum = 0

    def encode(self, row: Sequence[Any]) -> bytes:
        """The row's bytes. Raises AttributeError, TypeError or struct.error for a value of another
        kind."""
        parts = [self._start]
        for encoder, value in zip(self._encoders, row, strict=True):
            parts.append(_NULL if value is None else encoder(value))
        encoded = b"".join(parts)
        self.count += 1
        self._sum += int.from_bytes(hashlib.blake2b(encoded, digest_size=_DIGEST_BYTES).digest())
        return encoded

    @property
    def hash(self) -> str:
        """The hash of all rows so far: the sum of theirs, so that their order does not count."""
        return f"{self._sum % _HASHES:032x}"
