"""A stream outlives its tokens: the SDK renews them in it, and nothing is missed."""

import asyncio
import math
import time
from pathlib import Path

from chatd.client import HEAD, Client, StreamState
from tests.daemons import Daemon, operator_token
from tests.gateway.authentication.issuer import RULE, Issuer, jwks

LIFETIMES = 3
SECONDS = 3
"""Seconds of a token; claims count whole seconds, so it is one less at worst. The device is told of
its end when half of it is left, or a quarter of a second later."""


async def test_a_stream_goes_on_for_several_lifetimes(tmp_path: Path) -> None:
    issuer = Issuer()
    (tmp_path / "keys.json").write_text(jwks([issuer]))
    settings = {"JWT_KEYS_FILE": tmp_path / "keys.json", "JWT_LEEWAY_SECONDS": 0, **RULE}
    made: list[str] = []
    states: list[StreamState] = []
    heard: list[str] = []

    async def token() -> str:
        made.append(issuer.token("bob", exp=math.floor(time.time()) + SECONDS))
        return made[-1]

    with Daemon("all", tmp_path, settings) as daemon:
        operator = Client(daemon.uri, operator_token(tmp_path))
        async with operator, Client(daemon.uri, token) as bob:
            await operator.create_room("r", profiles=["bob"])

            async def read() -> None:
                async with bob.stream(
                    "d", on_state=lambda state, why: states.append(state), start=HEAD
                ) as stream:
                    async for delivery in stream:
                        heard.append(delivery.text)

            reading = asyncio.create_task(read())
            sent: list[str] = []
            async with asyncio.timeout(40):
                while StreamState.LIVE not in states:
                    await asyncio.sleep(0.01)
                heard.clear()
                ends_at = time.monotonic() + LIFETIMES * SECONDS
                while time.monotonic() < ends_at:
                    sent.append(str(len(sent)))
                    await operator.send("r", sent[-1])
                    await bob.unread()  # calls use the same tokens
                    await asyncio.sleep(0.02)
                while len(heard) < len(sent):
                    await asyncio.sleep(0.01)
            reading.cancel()
            await asyncio.wait([reading])
    assert heard == sent
    assert states.count(StreamState.CONNECTING) == 1, "it was one stream for all the time"
    assert len(made) >= LIFETIMES
