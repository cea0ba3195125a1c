"""``exec``: a program of the operators', with the notification as JSON on its standard input. No shell, nothing of chatd's environment."""

import asyncio
import json
import os
from pathlib import Path

from chatd.core.model import PushDevice
from chatd.core.notification import Notification, NotifyFailed


class ExecNotifier:
    """``timeout`` is in seconds; the program is killed then. Exit code 0: taken."""

    def __init__(self, program: Path, *, timeout: float) -> None:
        self._program = program
        self._timeout = timeout

    async def notify(self, notification: Notification, push: PushDevice) -> None:
        nowhere = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                self._program,
                stdin=asyncio.subprocess.PIPE,
                stdout=nowhere,
                stderr=nowhere,
                env={"PATH": os.environ.get("PATH", os.defpath)},
            )
        except OSError as exc:
            raise NotifyFailed(f"the program cannot be started: {exc.strerror}") from exc
        try:
            async with asyncio.timeout(self._timeout):
                try:
                    await process.communicate(json.dumps(notification.to_dict()).encode())
                except RuntimeError:
                    await process.wait()  # uvloop's word for: it ended without reading its input
        except TimeoutError as exc:
            raise NotifyFailed("the program did not end in time") from exc
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise NotifyFailed(f"the program ended with {process.returncode}")

    async def close(self) -> None:
        """Every program was waited for."""
