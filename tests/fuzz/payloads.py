"""The fuzz target of events' payloads: plain or as zstd frames, judged by a slow walk.

An input is a byte that says how the rest is taken: as a zstd frame, as a Struct, or as the shape of
a Struct: a list or a Struct in another for each byte.
"""

import zstandard
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from chatd.core.compression import Compressor, decompress
from chatd.core.payload import MAX_DEPTH, PAYLOAD_DEPTH, check_payload
from chatd.errors import ChatdError, InvalidText, MalformedFrame, PayloadTooLarge
from tests.fuzz.messages import filled

LIMIT = 65_536
MOST = 50


def check(data: bytes) -> None:
    choice, rest = data[:1] or b"\0", data[1:]
    match choice[0] % 3:
        case 0:
            check_frame(rest)
        case 1:
            check_struct(rest)
        case _:
            check_struct(nested(rest))


def check_frame(frame: bytes) -> None:
    """No more comes out than a frame declares, and may declare."""
    try:
        content = decompress(frame, LIMIT)
    except (MalformedFrame, PayloadTooLarge):
        return
    assert 0 < len(content) <= LIMIT
    assert zstandard.frame_content_size(frame) == len(content)
    again = Compressor(min_bytes=1, level=3).compress(content)
    assert again is None or decompress(again) == content


def nested(shape: bytes) -> bytes:
    """A list or a Struct in another for each byte."""
    value = Value(string_value="end")
    for byte in reversed(shape[:120]):
        outer = Value()
        if byte % 2:
            outer.list_value.values.add().CopyFrom(value)
        else:
            outer.struct_value.fields["k"].CopyFrom(value)
        value = outer
    payload = Struct()
    payload.fields["text"].CopyFrom(value)
    return payload.SerializeToString()


def check_struct(encoded: bytes) -> None:
    """Every payload that passes is one that every reader takes."""
    payload = Struct()
    try:
        payload.ParseFromString(encoded)
    except DecodeError:
        return
    payload.DiscardUnknownFields()
    encoded = payload.SerializeToString(deterministic=True)
    count, depth, has_nul = measured(payload, PAYLOAD_DEPTH)
    try:
        counted = check_payload(payload, encoded, MOST)
    except InvalidText:
        assert has_nul
    except PayloadTooLarge:
        assert count > MOST or depth > MAX_DEPTH
    except ChatdError as exc:
        raise AssertionError("another error") from exc
    else:
        assert count <= counted <= MOST
        assert depth <= MAX_DEPTH
        assert not has_nul


def measured(container: Struct | ListValue, depth: int) -> tuple[int, int, bool]:
    """The values in it, how deep they lie, and whether a string holds a NUL."""
    if isinstance(container, Struct):
        values = [container.fields[key] for key in container.fields]
        has_nul = any("\0" in key for key in container.fields)
        below = depth + 2
    else:
        values, has_nul, below = list(container.values), False, depth + 1
    count, deepest = len(values), below if values else depth
    for value in values:
        kind = value.WhichOneof("kind")
        if kind == "string_value":
            has_nul = has_nul or "\0" in value.string_value
        elif kind in ("struct_value", "list_value"):
            inner = measured(getattr(value, kind), below + 1)
            count, deepest = count + inner[0], max(deepest, inner[1])
            has_nul = has_nul or inner[2]
    return count, deepest, has_nul


_STRUCT = filled(Struct()).SerializeToString()
_ZSTD = zstandard.ZstdCompressor(write_content_size=True)
SEEDS = {
    "frame": b"\0" + _ZSTD.compress(_STRUCT),
    "bomb": b"\0" + _ZSTD.compress(bytes(10_000_000)),
    "small-bomb": b"\0" + _ZSTD.compress(bytes(LIMIT)),
    "no-size": b"\0" + zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 99),
    "two-frames": b"\0" + 2 * _ZSTD.compress(b"x" * 99),
    "skippable": b"\0" + b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + _ZSTD.compress(b"x"),
    "struct": b"\x01" + _STRUCT,
    "nul-in-text": b"\x01" + Struct(fields={"k": Value(string_value="a\0b")}).SerializeToString(),
    "nul": b"\x01" + b"\x0a\x08\x0a\x01\0\x12\x03\x1a\x01\0",
    "many": b"\x01" + Struct(fields={str(n): Value(bool_value=True) for n in range(60)}).SerializeToString(),
    "lists": b"\x02" + b"\x01" * 61,
    "structs": b"\x02" + b"\0" * 25,
    "mixed": b"\x02" + b"\0\x01" * 12,
}
