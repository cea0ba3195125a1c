"""Standard input as numbered lines, in batches that never wait for lines not written yet.

Nothing blocks the event loop, so Ctrl-C works while a source is silent.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import NamedTuple

from chatd.errors import PayloadTooLarge

BATCH_LINES = 64
"""Maximum number of lines in a request: as many events as one transaction of the daemon holds."""
LONGEST_LINE = 1_048_576
"""Bytes; far more than an event may hold, and the most that is kept while a line has no end yet."""
CHUNK = 65_536
"""Bytes read at once. A batch holds lines of one chunk, so its request stays far below the largest frame."""


class Line(NamedTuple):
    """A line without its end. ``number`` counts from 1 and includes blank lines."""

    number: int
    text: str


async def batches(fd: int) -> AsyncIterator[list[Line]]:
    """The lines of a file descriptor, at most BATCH_LINES at a time.

    Raises PayloadTooLarge for a line longer than LONGEST_LINE.
    """
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
    """The bytes that can be read now, at least one; empty at the end of the file."""
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
