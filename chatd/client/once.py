"""once: a script's one thing to do, without a loop of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from chatd.client.client import Client
from chatd.client.token import TokenSource

T = TypeVar("T")


def once(
    uri: str | Sequence[str],
    token: TokenSource,
    do: Callable[[Client], Awaitable[T]],
    *,
    profile: str | None = None,
    key: Path | bytes | None = None,
    call_timeout: float = 10.0,
) -> T:
    """Connect, do it, and return what it returns.

    ``once(uri, token, lambda chat: chat.send("lobby", "the backup is done"))`` returns when the
    text is stored. ``Client`` explains the arguments. Raises what ``do`` raises, and RuntimeError
    where a loop runs already: there ``Client`` itself is to be used.
    """

    if asyncio._get_running_loop() is not None:
        raise RuntimeError("a loop runs already: use Client")

    async def run() -> T:
        client = Client(uri, token, profile=profile, key=key, call_timeout=call_timeout)
        async with client:
            return await do(client)

    return asyncio.run(run())
