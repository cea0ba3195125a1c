"""Standard input as batches of lines: given at once, bounded, numbered."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatctl.lines import BATCH_LINES, LONGEST_LINE, Line, batches
from chatd.errors import PayloadTooLarge


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Reading end, writing end; a test may close the latter."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


async def of_file(path: Path, content: bytes) -> list[list[Line]]:
    await asyncio.to_thread(path.write_bytes, content)
    return await of(str(path))


async def of(path: str) -> list[list[Line]]:
    fd = os.open(path, os.O_RDONLY)
    try:
        return [batch async for batch in batches(fd)]
    finally:
        os.close(fd)


async def test_a_line_is_given_before_the_next_is_written(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    given = batches(reading)
    async with asyncio.timeout(5):
        os.write(writing, b"one\nhal")
        assert await anext(given) == [Line(1, "one")]
        os.write(writing, b"f\nthree\n")
        assert await anext(given) == [Line(2, "half"), Line(3, "three")]
        os.write(writing, b"no end")
        os.close(writing)
        assert await anext(given) == [Line(4, "no end")]
        assert [batch async for batch in given] == []


async def test_waiting_for_a_silent_source_can_be_cancelled(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    waiting = asyncio.ensure_future(anext(batches(reading)))
    await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await waiting
    os.close(writing)


async def test_batches_are_bounded_in_lines_and_bytes(tmp_path: Path) -> None:
    many = await of_file(tmp_path / "many", b"x\n" * 1000)
    assert max(map(len, many)) == BATCH_LINES
    assert [line.number for batch in many for line in batch] == list(range(1, 1001))
    large = await of_file(tmp_path / "large", (b"x" * 20_000 + b"\n") * 100)
    assert sum(map(len, large)) == 100
    assert max(sum(len(line.text) for line in batch) for batch in large) <= 262_144


async def test_an_endless_line_is_refused_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(PayloadTooLarge, match="line 2"):
        await of_file(tmp_path / "endless", b"short\n" + b"x" * (LONGEST_LINE + 100_000))


async def test_what_an_event_cannot_hold_is_replaced(tmp_path: Path) -> None:
    (batch,) = await of_file(tmp_path / "odd", b"a\0b\r\n\xff\n\n")
    assert batch == [Line(1, "a\ufffdb"), Line(2, "\ufffd"), Line(3, "")]


async def test_nothing_is_no_batch(tmp_path: Path) -> None:
    assert await of_file(tmp_path / "empty", b"") == []
    assert await of(os.devnull) == []
