"""The fuzz target of chatd/core/websocket.py: any bytes, cut anywhere, as the slow second reader
judges them. An input begins with a byte that says how many cuts follow, and a byte for each."""

import itertools
from collections.abc import Iterator

from chatd.core.websocket import BINARY, PART_BYTES, PARTS, TEXT, WebSocketError, WebSocketReader
from tests.core.test_websocket import said

MAX_SIZE = 5_000
Judged = tuple[list[tuple[int, bytes | str]], bool]
"""The messages, and whether what follows is refused."""


def check(data: bytes) -> None:
    """Raises if the two readers differ."""
    cuts = int.from_bytes(data[:1], "big") % 16
    wire = data[1 + cuts :]
    reader = WebSocketReader(MAX_SIZE)
    found: list[tuple[int, bytes | str]] = []
    is_refused = False
    try:
        for piece in pieces(wire, data[1 : 1 + cuts]):
            found += reader.receive(piece)
    except WebSocketError:
        is_refused = True
    messages, is_wrong = judge(wire)
    assert is_refused == is_wrong
    assert found == messages[: len(found)]
    assert is_refused or found == messages


def pieces(wire: bytes, cuts: bytes) -> Iterator[bytes]:
    ends = list(itertools.accumulate(size + 1 for size in cuts))
    for start, end in itertools.pairwise([0, *ends, max(len(wire), *ends, 0)]):
        yield wire[start:end]


def judge(wire: bytes) -> Judged:
    """By RFC 6455, a frame at a time."""
    messages: list[tuple[int, bytes | str]] = []
    parts: list[bytes] | None = None
    kind = 0
    while len(wire) >= 2:
        fin, reserved, opcode = wire[0] >> 7, wire[0] >> 4 & 7, wire[0] & 15
        size, at = wire[1] & 127, 2
        if wire[1] < 128:
            return messages, True
        if size >= 126:
            at += 2 if size == 126 else 8
            if len(wire) < at + 4:
                break
            size = int.from_bytes(wire[2:at], "big")
        mask, at = wire[at : at + 4], at + 4
        if reserved or opcode in (3, 4, 5, 6, 7) or opcode > 10:
            return messages, True
        if opcode >= 8:
            if not fin or size > 125:
                return messages, True
        elif (opcode == 0) != (parts is not None) or size + sum(map(len, parts or ())) > MAX_SIZE:
            return messages, True
        if len(wire) < at + size:
            break
        body = bytes(octet ^ mask[index % 4] for index, octet in enumerate(wire[at : at + size]))
        wire = wire[at + size :]
        if opcode >= 8:
            messages.append((opcode, body))
            continue
        kind = opcode or kind
        parts = [*(parts or ()), body]
        if not fin:
            if len(parts) > PARTS + sum(map(len, parts)) // PART_BYTES:
                return messages, True
            continue
        whole, parts = b"".join(parts), None
        try:
            messages.append((kind, whole.decode() if kind == TEXT else whole))
        except UnicodeDecodeError:
            return messages, True
    return messages, False


SEEDS = {
    "text": b"\0" + said(TEXT, "Grüße".encode()),
    "cut": b"\x03\0\x01\x05" + said(BINARY, bytes(range(200))),
    "parts": b"\0" + said(TEXT, b"a", fin=0) + said(9, b"?") + said(0, b"b", fin=0) + said(0, b"c"),
    "close": b"\x01\x02" + said(8, b"\x03\xe8bye"),
    "long": b"\0" + said(BINARY, bytes(300)) + said(BINARY, bytes(5_001)),
    "sizes": b"\0" + bytes((0x82, 0xFF)) + (1 << 63).to_bytes(8, "big") + bytes(4),
    "many": b"\0" + said(BINARY, b"", fin=0) + 20 * said(0, b"", fin=0),
    "not-masked": b"\0\x81\x05Hello",
}
