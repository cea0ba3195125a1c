"""Clients of a chaos run, by the SDK."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress

from chatd.client import Client
from chatd.errors import ChatdError
from chatd.transport.sockets import Context
from tests.protocol.limited import token_of

Connect = Callable[[str], Client]
"""A client of a profile, at whichever gateway."""


def connector(uris: list[str], token: str, context: Context, *, call_timeout: float) -> Connect:
    """Clients of one context, each at a gateway of its own choice."""

    def connect(profile: str) -> Client:
        return Client(random.choice(uris), token, profile=profile, call_timeout=call_timeout, context=context)

    return connect


def user_connector(uris: list[str], context: Context, *, call_timeout: float) -> Connect:
    """The same for profiles that have tokens of their own."""

    def connect(profile: str) -> Client:
        return Client(random.choice(uris), token_of(profile), call_timeout=call_timeout, context=context)

    return connect


async def all_work(connects: Sequence[Connect]) -> None:
    """Return when each gateway has answered, by a default node."""
    for connect in connects:
        client = connect("operator")
        try:
            while True:
                with suppress(ChatdError):
                    await client.unread()
                    break
                await asyncio.sleep(0.2)
        finally:
            client.close()
