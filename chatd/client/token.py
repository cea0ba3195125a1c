"""Token: what a session authenticates with, given once or made by the application when a new one is
needed."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from chatd.errors import InvalidArgument

TokenSource = str | Callable[[], str | Awaitable[str]]
"""A token; or a function, or a coroutine function, that makes one which is good from now on."""


class Token:
    """Shared by a session's calls and streams, so that each token is made once."""

    def __init__(self, source: TokenSource) -> None:
        self._source = None if isinstance(source, str) else source
        self._making: asyncio.Task[str] | None = None
        self.value = source if isinstance(source, str) else ""
        """The newest token; empty before the first has been made."""

    @property
    def can_renew(self) -> bool:
        """True if the application can make another one."""
        return self._source is not None

    async def get(self) -> str:
        """The newest token. Raises what the application's function raises."""
        return self.value or await asyncio.shield(self.renewal(""))

    def renewal(self, old: str) -> "asyncio.Task[str]":
        """The task that brings another token than ``old``; those who want one at the same time
        share it."""
        if self._making is None or (self._making.done() and self.value in ("", old)):
            self._making = asyncio.get_running_loop().create_task(self._make(), name="chatd token")
        return self._making

    async def _make(self) -> str:
        assert self._source is not None
        made = self._source()
        token = await made if inspect.isawaitable(made) else made
        if not token:
            raise InvalidArgument("the application made an empty token")
        self.value = token
        return token

    def expired(self, token: str) -> None:
        """A gateway has said so: the next one to need a token has another made."""
        if self.can_renew and self.value == token:
            self.value = ""

    def close(self) -> None:
        """Nobody needs a token any more."""
        if self._making is not None:
            self._making.cancel()
