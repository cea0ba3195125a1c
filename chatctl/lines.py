"""Standard input as numbered lines, in batches that never wait for lines not written yet.

Nothing blocks the event loop, so Ctrl-C works while a source is silent.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import NamedTuple

from chatd.errors import InvalidText, PayloadTooLarge

BATCH_LINES = 64
"""Maximum number of lines in a request: as many events as one transaction of the daemon holds."""
LONGEST_LINE = 1_048_576
"""Bytes; far more than an event may hold, and the most that is kept while a line has no end yet."""
CHUNK = 65_536
"""Bytes read at once. A batch holds lines of one chunk, so its request stays far below the largest
frame."""
_BOM = "\ufeff"


class Line(NamedTuple):
    """A line without its end. ``number`` counts from 1 and includes blank lines."""

    number: int
    text: str


async def batches(fd: int) -> AsyncIterator[list[Line]]:
    """The lines of a file descriptor, at most BATCH_LINES at a time. A byte order mark before the
    first is left out.

    Raises InvalidText for a line that is not UTF-8 or holds a NUL, PayloadTooLarge for one longer
    than LONGEST_LINE. Both name the line; no line of its batch has been given.
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
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        found = f"byte 0x{raw[exc.start]:02x} in column {exc.start + 1}"
        raise InvalidText(f"line {number}: not UTF-8: {found}; convert the input with iconv") from exc
    if "\0" in text:
        raise InvalidText(f"line {number}: holds a NUL; if the input is UTF-16, convert it with iconv")
    if number == 1:
        text = text.removeprefix(_BOM)
    return Line(number, text.rstrip("\r"))


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
