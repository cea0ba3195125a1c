"""The client that is judged: one run of its program."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from chatd.conformance.findings import SECONDS, Failed

TOKEN = "a-t0ken-of-bob"
SHOWN = ("event", "replay", "marker", "sent", "room")
_LINE_BYTES = 1 << 20
_SHOWN_CHARACTERS = 60


class Program:
    """``lines`` are the things shown so far, each split at its tabs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[tuple[str, ...]] = []
        self._changed = asyncio.Event()
        self._errors = b""
        self._has_said_all = False
        self._readers = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]

    @classmethod
    async def start(cls, command: Sequence[str], uri: str, folder: Path) -> Self:
        """Raises Failed if there is no such program."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env={**os.environ, "CHATD_URI": uri, "CHATD_TOKEN": TOKEN},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LINE_BYTES,
                start_new_session=True,
            )
        except OSError as exc:
            raise Failed(f"it cannot be started: {exc.strerror}") from exc
        return cls(process)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            words = tuple(line.decode(errors="backslashreplace").rstrip("\n").split("\t"))
            if words[0] in SHOWN:
                self.lines.append(words)
                self._changed.set()
        self._has_said_all = True
        self._changed.set()

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        while more := await self._process.stderr.read(4_096):
            self._errors = (self._errors + more)[-4_096:]

    @property
    def last_words(self) -> str:
        """The last line that it wrote to standard error."""
        return (self._errors.decode(errors="backslashreplace").strip().splitlines() or [""])[-1]

    async def shows(self, *lines: tuple[str, ...], in_order: bool = True) -> None:
        """Wait until it has shown exactly these. Raises Failed at once for one that is not among
        them, or (``in_order``) not in its place."""
        deadline = asyncio.get_running_loop().time() + SECONDS
        while True:
            self._compare(lines, in_order=in_order)
            if len(self.lines) == len(lines):
                return
            due = " ".join(lines[len(self.lines)])[:_SHOWN_CHARACTERS]
            if self._has_said_all:
                raise Failed(f"it ends before it has shown '{due}'")
            self._changed.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
            except TimeoutError:
                raise Failed(f"it does not show '{due}'") from None

    def _compare(self, lines: Sequence[tuple[str, ...]], *, in_order: bool) -> None:
        left = list(lines)
        for line in self.lines:
            if line not in (left[:1] if in_order else left):
                due = " ".join(left[0]) if left else "nothing"
                cut = slice(_SHOWN_CHARACTERS)
                raise Failed(f"it shows '{' '.join(line)[cut]}' where '{due[cut]}' is due")
            left.remove(line)

    async def ends(self, *, well: bool) -> None:
        """Wait for its end, with exit code 0 if ``well``, else with another one."""
        try:
            async with asyncio.timeout(SECONDS):
                code = await self._process.wait()
                await asyncio.gather(*self._readers)
        except TimeoutError:
            raise Failed("it does not end") from None
        if (code == 0) is not well:
            raise Failed(f"it ends with exit code {code}, {'0' if well else 'another'} is due")

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    def terminate(self) -> None:
        """Tell it to end (SIGTERM)."""
        if not self.has_ended:
            self._process.terminate()

    async def kill(self) -> None:
        """kill -9, with all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        await asyncio.gather(*self._readers)
