"""A client that lets nobody wait without a word: it repeats calls for ten seconds, unless --timeout
says otherwise."""

import asyncio
import sys
from typing import Any

from chatd.client import Client

SILENT_SECONDS = 2.0
"""So long nothing is said."""


class SpeakingClient(Client):
    """It says once, on stderr, that there is no answer yet."""

    _has_spoken = False

    async def call(self, *arguments: Any, **options: Any) -> Any:
        """As ``Client.call``."""
        timeout = options.get("timeout") or self._call_timeout
        if self._has_spoken or timeout <= SILENT_SECONDS:
            return await super().call(*arguments, **options)
        timer = asyncio.get_running_loop().call_later(SILENT_SECONDS, self._speak, timeout)
        try:
            return await super().call(*arguments, **options)
        finally:
            timer.cancel()

    def _speak(self, timeout: float) -> None:
        if not self._has_spoken:
            sys.stderr.write(f"no answer yet; waiting for {timeout:g} s at most (--timeout)\n")
            sys.stderr.flush()
        self._has_spoken = True
