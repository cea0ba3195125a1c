"""Standard input as numbered lines, in batches ready to send: whatever a slow source has written, at once, without waiting for more.

Nothing blocks the event loop, so Ctrl-C works while a source is silent.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import NamedTuple

from chatd.errors import PayloadTooLarge

BATCH_LINES = 64
"""Lines in a request: what one transaction of the daemon holds anyway."""
LONGEST_LINE = 1_048_576
"""Bytes; far beyond what an event holds, and the most that waits here for its end."""
CHUNK = 65_536
"""Bytes read at once. A batch is what came with one chunk, so its request stays far below the largest frame."""


class Line(NamedTuple):
    """``number`` counts from 1, blank lines too."""

    number: int
    text: str


async def batches(fd: int) -> AsyncIterator[list[Line]]:
    """The lines of a file descriptor. Raises PayloadTooLarge for a line longer than LONGEST_LINE."""
    number = 0
    rest = b""
    while chunk := await _read(fd):
        *complete, rest = (rest + chunk).split(b"\n")
        batch: list[Line] = []
        for raw in complete:
            if len(batch) == BATCH_LINES:
                yield batch
                batch = []
            number += 1
            batch.append(_line(number, raw))
        if batch:
            yield batch
        if len(rest) > LONGEST_LINE:
            raise PayloadTooLarge(f"line {number + 1}: longer than {LONGEST_LINE:,} bytes")
    if rest:
        yield [_line(number + 1, rest)]


def _line(number: int, raw: bytes) -> Line:
    # chatd refuses NULs; a stray one in a log is no reason to lose the line.
    return Line(number, raw.decode("utf-8", "replace").rstrip("\r").replace("\0", "\ufffd"))


async def _read(fd: int) -> bytes:
    """What is there, at least a byte; empty at the end."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    try:
        loop.add_reader(fd, lambda: None if readable.done() else readable.set_result(None))
    except PermissionError:
        return os.read(fd, CHUNK)  # a regular file: cannot be waited for, and need not be
    try:
        await readable
    finally:
        loop.remove_reader(fd)
    return os.read(fd, CHUNK)
