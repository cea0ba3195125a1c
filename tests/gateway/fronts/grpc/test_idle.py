"""Callers that have no more calls, with a clock that the test sets."""

import asyncio
from typing import Any, cast

import pytest

from chatd.gateway.doorkeeper import Doorkeeper, DoorSettings
from chatd.gateway.fronts.door import Door, FrontLimits
from chatd.gateway.fronts.grpc.calls import IDLE_SECONDS, Calls
from chatd.gateway.fronts.grpc.hearing import Hearing
from chatd.gateway.fronts.grpc.links import GrpcLinks
from chatd.gateway.fronts.proxies import Proxies


class Refused(Exception):
    """A call was."""


class Context:
    """A call that came over a connection of this port, without a token."""

    def __init__(self, port: int) -> None:
        self._port = port

    def peer(self) -> str:
        return f"ipv4:127.0.0.1:{self._port}"

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()

    async def write(self, data: bytes) -> None: ...

    async def abort(self, *_: object, **__: object) -> None:
        raise Refused


class Loop:
    """Its time."""

    now = 100.0

    def time(self) -> float:
        return self.now

    def call_soon(self, action: Any) -> None: ...


async def test_idle_callers_are_forgotten() -> None:
    loop = cast(asyncio.AbstractEventLoop, clock := Loop())
    keeper = Doorkeeper(DoorSettings(0.0, 1_000, 0))
    door = Door(
        keeper.accepted,
        keeper.ended,
        keeper.broke,
        keeper.commanded,
        keeper.is_stranger,
        keeper.newcomers,
        come=lambda link, serve: serve(),
        cost=lambda link, seconds: None,
        refused=keeper.refused,
    )
    links = GrpcLinks(
        loop,
        FrontLimits(1_000, 1_000),
        door,
        on_lost=lambda one: None,
        on_room=lambda one: None,
        proxies=Proxies(()),
    )
    hearing = Hearing(loop, door, max_frame=1_000, on_frame=lambda one, frame: None, after_batch=lambda: None)
    calls = Calls(loop, links, hearing)
    for port, seconds in ((1, 0.0), (1, IDLE_SECONDS - 1), (2, 0.0)):
        clock.now += seconds
        with pytest.raises(Refused):
            await calls.call("ChatService/ListUnread", cast(Any, Context(port)))
    assert len(links) == 2
    clock.now += 2
    calls.look()
    assert len(links) == 2, "one has called again"
    clock.now += IDLE_SECONDS
    calls.look()
    assert len(links) == 0
