"""Clients that make several requests at once."""

import asyncio
from typing import cast

from chatd.gateway.fronts.clogging import ClogOwner
from chatd.gateway.fronts.request_link import RequestLink


async def test_all_requests_that_wait_go_on() -> None:
    link = RequestLink(cast(ClogOwner, None), "127.0.0.1", hang_up=lambda: None)
    link.hold()
    waiting = [asyncio.create_task(link.turn()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    link.go_on()
    await asyncio.wait_for(asyncio.gather(*waiting), 20)
