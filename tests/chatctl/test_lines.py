"""Standard input as batches of lines: given at once, bounded, numbered."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatctl.lines import BATCH_LINES, LONGEST_LINE, Line, batches
from chatd.errors import InvalidText, PayloadTooLarge


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


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("eins\nzwölf\n".encode("latin-1"), 2),
        ("one\n".encode("utf-16"), 1),
        ("one\n".encode("utf-16-le"), 1),
        (b"one\n\ncut off \xe6\x97", 3),
        (b"one\n\xed\xa0\x80\n", 2),
        (b"\na\0b\n", 2),
    ],
    ids=["latin-1", "utf-16", "utf-16 without a mark", "cut off", "surrogate", "NUL"],
)
async def test_a_line_that_is_not_utf_8_is_refused_by_its_number(
    tmp_path: Path, content: bytes, line: int
) -> None:
    with pytest.raises(InvalidText, match=f"^line {line}: "):
        await of_file(tmp_path / "odd", content)


async def test_no_line_of_a_batch_is_given_before_all_are_text(tmp_path: Path) -> None:
    path = tmp_path / "late"
    await asyncio.to_thread(path.write_bytes, b"good\n" * (BATCH_LINES + 10) + b"\xff\n")
    fd = os.open(path, os.O_RDONLY)
    given = batches(fd)
    assert len(await anext(given)) == BATCH_LINES
    with pytest.raises(InvalidText, match=f"line {BATCH_LINES + 11}: "):
        await anext(given)
    os.close(fd)


async def test_a_byte_order_mark_and_ends_of_lines_are_left_out(tmp_path: Path) -> None:
    (batch,) = await of_file(tmp_path / "marked", "\ufeffone\r\n\ufefftwo\n\n".encode())
    assert batch == [Line(1, "one"), Line(2, "\ufefftwo"), Line(3, "")]


async def test_nothing_is_no_batch(tmp_path: Path) -> None:
    assert await of_file(tmp_path / "empty", b"") == []
    assert await of(os.devnull) == []
