"""A service that knows whose tokens are, for tests: a real HTTP server on loopback."""

import asyncio
from types import TracebackType
from typing import Any, Self

from aiohttp import web

ROLES = {"op": {"profile": "ops", "role": "operator"}}


class Service:
    """A token is of the profile of its own name, unless ``answers`` says otherwise: an object, a
    status or bytes. An object comes with a cookie; ``cookies`` are those that came back. ``gate``
    holds answers back while it is cleared. ``most`` is how many requests were under way at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.cookies: list[str] = []
        self.answers: dict[str, Any] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = self.most = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/who", self._answer)
        application.router.add_post("/elsewhere", self._elsewhere)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/who"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.gate.set()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        token = (await request.json())["token"]
        self.asked.append(token)
        self.cookies.extend(request.headers.getall("Cookie", []))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        answer = self.answers.get(token, {"profile": token})
        if isinstance(answer, bytes):
            return web.Response(body=answer)
        if isinstance(answer, int):
            elsewhere = {"Location": "/elsewhere"} if 300 <= answer < 400 else {}
            return web.Response(status=answer, headers=elsewhere)
        return web.json_response(answer, headers={"Set-Cookie": f"session={token}"})

    async def _elsewhere(self, request: web.Request) -> web.Response:
        return web.json_response({"profile": "elsewhere"})
