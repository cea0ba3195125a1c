"""The place where notifications arrive: an HTTP server on loopback that keeps requests and answers
as the test says; and the settings of daemons that notify quickly."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web

SECRET = "between-us"
QUICK: dict[str, Any] = {
    "NOTIFY_TICK_SECONDS": 0.1,
    "NOTIFY_DELAY_SECONDS": 0.3,
    "NOTIFY_QUIET_SECONDS": 1,
    "NOTIFY_RETRY_MS": 50,
}


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver:
    """``answer`` gives the status for each request, ``headers`` go with it; a redirect leads to
    another path of this server."""

    def __init__(
        self, answer: Callable[[], int] = lambda: 200, headers: dict[str, str] | None = None
    ) -> None:
        self.answer = answer
        self.headers = headers
        self.received: list[Received] = []

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/{path}", self._take)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.received.append(Received(request.path, dict(request.headers), await request.read()))
        status = self.answer()
        redirect = {"Location": f"{self.origin}/elsewhere"} if 300 <= status < 400 else {}
        return web.Response(status=status, headers={**redirect, **(self.headers or {})})

    async def until(self, count: int, seconds: float = 20) -> list[Received]:
        """Wait for so many."""
        async with asyncio.timeout(seconds):
            while len(self.received) < count:
                await asyncio.sleep(0.02)
        return self.received


def webhook(receiver: Receiver, **settings: object) -> dict[str, Any]:
    """The settings of a daemon that notifies the receiver."""
    return {
        **QUICK,
        "NOTIFIERS": "log,webhook",
        "NOTIFY_WEBHOOK_URL": f"{receiver.origin}/hook",
        "NOTIFY_WEBHOOK_SECRET": SECRET,
        **settings,
    }
