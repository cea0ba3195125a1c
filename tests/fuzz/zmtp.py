"""The fuzz target of chatd/core/zmtp/: any bytes, cut anywhere, as the slow second reader judges
them.

An input begins with a byte that chooses the opening and the largest body, a byte that says how many
cuts follow, and a byte for the size of each piece.
"""

from tests.core.zmtp.listener import compare
from tests.core.zmtp.peer import COMMAND, LONG, MORE, OPENED, head, hello, ping, properties, ready, said, wire
from tests.core.zmtp.reference import judge

OPENINGS = (b"", hello(), OPENED)
LARGEST_BODIES = (300, 9_000)
"""Smaller and larger than a command may be."""


def check(data: bytes) -> None:
    """Raises if the two readers differ, or anything but ProtocolError is raised."""
    choice, count, rest = data[:1], data[1:2], data[2:]
    cuts = int.from_bytes(count, "big") % 16
    opening = OPENINGS[int.from_bytes(choice, "big") % len(OPENINGS)]
    max_body = LARGEST_BODIES[int.from_bytes(choice, "big") // len(OPENINGS) % len(LARGEST_BODIES)]
    sent = opening + rest[cuts:]
    compare(sent, (size + 1 for size in rest[:cuts]), judge(sent, max_body), max_body=max_body)


def seed(opening: int, sent: bytes, *cuts: int) -> bytes:
    return bytes([opening, len(cuts), *cuts]) + sent


SEEDS = {
    "http": seed(0, b"GET / HTTP/1.1\r\n\r\n"),
    "zmtp-1": seed(0, b"\x01\0\x05\0text", 1, 1),
    "zmtp-2": seed(0, hello(version=(1, 5))[:12]),
    "zmtp-3.0": seed(0, hello(version=(3, 0)) + ready(b"REQ") + wire(MORE) + wire(0, b"hi"), 10, 53),
    "curve": seed(0, hello(b"CURVE")),
    "publisher": seed(1, ready(b"PUB")),
    "properties": seed(1, said(b"READY", properties((b"X-a", b"b"), (b"socket-type", b"DEALER")), long=True)),
    "refusal": seed(1, said(b"ERROR", b"\x02no")),
    "messages": seed(2, wire(0) + wire(0, b"hi") + wire(0, b"long", long=True), 3, 1, 1),
    "delimited": seed(2, wire(MORE) + ping(b"context") + wire(0, b"hi"), 2, 2),
    "parts": seed(2, wire(MORE, b"a") + wire(MORE, b"b") + wire(0, b"c") + wire(0, b"next")),
    "delimiters": seed(2, wire(MORE) * 66 + wire(0)),
    "endless": seed(2, wire(MORE, b"a") * 66),
    "too-large": seed(2, head(0, 301) + b"x" * 301 + wire(0, b"next"), 100, 200),
    "far-too-large": seed(2, head(0, 1_201)),
    "flags": seed(2, bytes([LONG | 8]) + bytes(8)),
    "commands": seed(2, said(b"SUBSCRIBE", b"topic") + said(b"CANCEL", b"topic") + said(b"ERROR", b"\0")),
    "command-with-more": seed(2, bytes([COMMAND | MORE, 5]) + b"\x04PING"),
    "large-command": seed(2, said(b"X", b"x" * 400) + wire(0, b"y" * 300), 255, 255),
    "large-body": seed(5, wire(0, b"y" * 1_000) + wire(MORE, b"z" * 400) + wire(0), 255),
}
"""Where the search begins."""
