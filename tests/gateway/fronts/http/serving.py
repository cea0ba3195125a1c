"""A daemon that speaks HTTP, and requests to it as its users make them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, TCPConnector
from yarl import URL

from tests.daemons import Daemon, free_port
from tests.protocol.limited import OPERATOR, token_of, write_tokens

USERS = ["ann", "bob"]


class HttpDaemon(Daemon):
    """``url`` is where it speaks HTTP."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, object] | None = None,
        *,
        scheme: str = "http",
        module: str = "chatd",
    ) -> None:
        self.url = f"{scheme}://127.0.0.1:{free_port()}"
        write_tokens(folder, USERS)
        super().__init__("all", folder, {"HTTP_URI": self.url, **(settings or {})}, module=module)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Asks as ``user``; as nobody if it is empty."""

    def __init__(self, url: str, user: str = "", **headers: str) -> None:
        self._url = url
        token = OPERATOR if user == "operator" else token_of(user)
        self._headers = {"Authorization": f"Bearer {token}"} if user else {}
        self._headers |= headers

    async def __aenter__(self) -> "Caller":
        self.session = ClientSession(self._url, headers=self._headers, connector=TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def ask(self, method: str, path: str | URL, **given: Any) -> Answer:
        async with self.session.request(method, path, **given) as response:
            return Answer(response.status, response.headers, await response.read())

    async def call(self, method: str, **fields: Any) -> Answer:
        return await self.ask("POST", f"/chat.v1.ChatService/{method}", json=fields)

    async def get(self, path: str, **given: Any) -> Answer:
        return await self.ask("GET", path, **given)
