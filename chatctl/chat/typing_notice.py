"""Tells others that this profile writes: not too often, and nothing depends on it."""

import time

from chatd.client import Client
from chatd.errors import ChatdError

AGAIN_SECONDS = 3.0
"""Between two notices; others forget one after five seconds (PROTOCOL.md)."""


class Typing:
    """``say`` is called with each key."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._said_at = 0.0

    def stopped(self) -> None:
        """The text is sent, which ends the notice for others, too."""
        self._said_at = 0.0

    async def say(self, room_id: str, writes: bool) -> None:
        """Say it, unless it was said lately."""
        now = time.monotonic()
        is_said = now - self._said_at < AGAIN_SECONDS
        if writes == is_said:
            return
        self._said_at = now if writes else 0.0
        try:
            await self._client.set_typing(room_id, writes)
        except ChatdError:
            return
