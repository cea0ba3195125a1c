"""Messages of WebSockets as RFC 6455 has them; tests/fuzz/websocket.py tries any bytes, cut
anywhere."""

import pytest

from chatd.core.websocket import (
    BINARY,
    CLOSE,
    NO_UTF8,
    PARTS,
    PING,
    PROTOCOL_ERROR,
    TEXT,
    TOO_LARGE,
    TOO_MANY_PARTS,
    Message,
    WebSocketError,
    WebSocketReader,
    encode,
    encode_close,
)

FIN = 0x80
MAX_SIZE = 70_000


def said(kind: int, body: bytes = b"", *, fin: int = FIN, mask: bytes = b"\x37\xfa\x21\x3d") -> bytes:
    """A frame of a client."""
    size = len(body)
    if size < 126:
        head = bytes((fin | kind, FIN | size))
    elif size < 65_536:
        head = bytes((fin | kind, FIN | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((fin | kind, FIN | 127)) + size.to_bytes(8, "big")
    return head + mask + bytes(octet ^ mask[index % 4] for index, octet in enumerate(body))


def heard(*pieces: bytes) -> list[Message]:
    reader = WebSocketReader(MAX_SIZE)
    return [message for piece in pieces for message in reader.receive(piece)]


def test_the_example_of_the_rfc() -> None:
    assert heard(bytes.fromhex("818537fa213d7f9f4d5158")) == [(TEXT, "Hello")]
    assert encode(TEXT, b"Hello") == bytes.fromhex("810548656c6c6f")


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, MAX_SIZE])
def test_a_message_of_any_size(size: int) -> None:
    body = bytes(index % 251 for index in range(size))
    wire = said(BINARY, body)
    assert heard(wire) == heard(wire[:1], wire[1:9], wire[9:]) == [(BINARY, body)]
    assert heard(said(BINARY, body, mask=bytes(4))) == [(BINARY, body)]
    assert encode(BINARY, body).endswith(body)
    assert int.from_bytes(encode(BINARY, body)[1 : -size or None], "big") in (
        size,
        126 << 16 | size,
        127 << 64 | size,
    )


def test_a_message_in_parts_and_a_ping_between_them() -> None:
    parts = said(TEXT, "ä".encode()[:1], fin=0) + said(PING, b"?") + said(0, "ä".encode()[1:])
    assert heard(parts + said(CLOSE, b"\x03\xe8")) == [(PING, b"?"), (TEXT, "ä"), (CLOSE, b"\x03\xe8")]


def test_the_bytes_of_a_message_that_has_begun_are_known() -> None:
    reader = WebSocketReader(MAX_SIZE)
    assert (reader.unfinished, reader.kept) == (0, 0)
    wire = said(BINARY, bytes(1_000))
    reader.receive(wire[:100])
    assert (reader.unfinished, reader.kept) == (len(wire), 100)
    reader.receive(wire[100:])
    assert (reader.unfinished, reader.kept) == (0, 0)
    reader.receive(said(BINARY, b"", fin=0))
    assert reader.unfinished, "it has begun"


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"\x81\x05Hello", PROTOCOL_ERROR),
        (said(TEXT, fin=0xC0), PROTOCOL_ERROR),
        (said(0x3), PROTOCOL_ERROR),
        (said(0xB), PROTOCOL_ERROR),
        (said(0, b"none has begun"), PROTOCOL_ERROR),
        (said(TEXT, b"a", fin=0) + said(TEXT, b"b"), PROTOCOL_ERROR),
        (said(PING, fin=0), PROTOCOL_ERROR),
        (said(PING, bytes(126)), PROTOCOL_ERROR),
        (said(TEXT, b"\xff"), NO_UTF8),
        (said(BINARY, bytes(MAX_SIZE + 1))[:14], TOO_LARGE),
        (said(BINARY, bytes(MAX_SIZE), fin=0) + said(0, b"1"), TOO_LARGE),
        (said(BINARY, b"1", fin=0) + PARTS * said(0, b"1", fin=0), TOO_MANY_PARTS),
    ],
)
def test_everything_else_is_refused(wire: bytes, code: int) -> None:
    with pytest.raises(WebSocketError) as refused:
        heard(wire)
    assert refused.value.code == code


def test_a_reason_is_cut_between_characters() -> None:
    assert encode_close(4200, "why") == b"\x88\x05\x10\x68why"
    long = encode_close(4200, "ä" * 100)
    assert (long[1], long[4:]) == (124, ("ä" * 61).encode())


def test_a_compressed_message_is_told_what_is_wrong() -> None:
    with pytest.raises(WebSocketError, match="there are no extensions"):
        heard(said(TEXT, fin=0xC0))
