"""``exec``: the operators' program gets the notification as JSON on its standard input, without a
shell and without chatd's environment.

It leads a process group of its own. A program that takes too long is killed with all that it has
started; what it leaves running when it ends by itself is its own affair.
"""

import asyncio
import contextlib
import json
import os
import signal
import tempfile
from pathlib import Path
from typing import IO

from chatd.core.model import PushDevice
from chatd.core.notification import Notification, NotifyFailed


class ExecNotifier:
    """``timeout`` is in seconds; the program is killed then. Exit code 0: taken."""

    def __init__(self, program: Path, *, timeout: float) -> None:
        self._program = program
        self._timeout = timeout

    async def notify(self, notification: Notification, push: PushDevice) -> None:
        # A file and not a pipe: a program that does not read what it is given is no failure.
        with tempfile.TemporaryFile() as given:
            given.write(json.dumps(notification.to_dict()).encode())
            given.seek(0)
            process = await self._start(given)
        try:
            async with asyncio.timeout(self._timeout):
                await process.wait()
        except TimeoutError as exc:
            raise NotifyFailed("the program did not end in time") from exc
        finally:
            if process.returncode is None:
                _kill_group(process.pid)
                await process.wait()
        if process.returncode:
            raise NotifyFailed(f"the program ended with {process.returncode}")

    async def _start(self, given: IO[bytes]) -> asyncio.subprocess.Process:
        nowhere = asyncio.subprocess.DEVNULL
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        try:
            return await asyncio.create_subprocess_exec(
                self._program,
                stdin=given,
                stdout=nowhere,
                stderr=nowhere,
                env=environment,
                start_new_session=True,
            )
        except OSError as exc:
            raise NotifyFailed(f"the program cannot be started: {exc.strerror}") from exc

    async def close(self) -> None:
        """Every program was waited for."""


def _kill_group(leader: int) -> None:
    """Kill a process group whose leader has not been waited for: until then nothing else gets its
    number."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
