"""Users' posts over HTTP, beside a bare aiohttp server that takes the same requests: the floor of
what any route costs. ``python -m tests.bench.http PORT`` is that server."""

import asyncio
import json
import os
import sys
import time
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import uvloop
from aiohttp import web

from tests.bench.chatd_subject import Chatd
from tests.bench.measure import Usage, percentile
from tests.bench.scenarios import Figures
from tests.bench.subject import Options
from tests.daemons import free_port
from tests.protocol.limited import token_of

USERS = ("ann", "ben")
CONNECTIONS = (32, 256)
HOST = "127.0.0.1"
WARM_UP_SECONDS = 1.0
BODY = b'{"text":"hello"}'


class _Poster(asyncio.Protocol):
    """One connection: a request, its answer, the next."""

    def __init__(self, request: bytes, took: list[float]) -> None:
        self._request = request
        self._took = took
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]):
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"refused: {self._heard!r}")
        self._heard = b""
        self._took.append(time.perf_counter() - self._sent_at)
        self._send()


def request(user: str) -> bytes:
    """A user's post, as it is sent."""
    head = (
        f"POST /v1/rooms/r/events HTTP/1.1\r\nHost: chatd\r\nAuthorization: Bearer {token_of(user)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    return head.encode() + BODY


def _port(uri: str) -> int:
    return urlsplit(uri).port or 0


async def _load(uri: str, connections: int, seconds: float, usage: dict[str, list[int]]) -> Figures:
    """Post over so many connections; what a request costs each group of ``usage``."""
    took: list[float] = []
    loop = asyncio.get_running_loop()
    port = _port(uri)
    posters = [
        (await loop.create_connection(partial(_Poster, said, took), HOST, port))[0]
        for said in (request(USERS[number % len(USERS)]) for number in range(connections))
    ]
    await asyncio.sleep(WARM_UP_SECONDS)
    took.clear()
    measured, began = Usage({**usage, "load": [os.getpid()]}), time.perf_counter()
    await asyncio.sleep(seconds)
    count, elapsed, used = len(took), time.perf_counter() - began, measured.stop()
    for poster in posters:
        poster.abort()
    took.sort()
    all_cpu = sum(cpu for cpu, _ in used.values())
    return {
        "requests_per_second": count / elapsed,
        **{f"{name}_cpu_us": 1e6 * used[name][0] / count for name in usage},
        "load_tool_share": used["load"][0] / all_cpu,
        "p50_ms": 1e3 * percentile(took, 0.5),
        "p99_ms": 1e3 * percentile(took, 0.99),
    }


async def posts(chatd: Chatd, options: Options) -> Figures:
    """Both servers in turn, with few connections and with many."""
    await chatd.make_rooms({"r": USERS})
    floor = f"http://127.0.0.1:{free_port()}"
    figures: Figures = {}
    bare = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.http", str(_port(floor)))
    try:
        await _answers(floor)
        for connections in CONNECTIONS:
            found = await _load(
                chatd.http_uris[0],
                connections,
                options.seconds,
                {name: list(pids) for name, pids in chatd.processes().items()},
            )
            least = await _load(floor, connections, options.seconds, {"floor": [bare.pid]})
            ratio = found["gateway_cpu_us"] / least["floor_cpu_us"]
            figures |= {f"{connections}_{name}": value for name, value in found.items()}
            figures |= {f"{connections}_bare_{name}": value for name, value in least.items()}
            figures[f"{connections}_gateway_to_floor"] = ratio
    finally:
        bare.terminate()
        await bare.wait()
    return figures


async def _answers(uri: str) -> None:
    """Until somebody listens there."""
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, _port(uri))
            except ConnectionError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


async def _bare(port: int) -> None:
    """aiohttp without routes or middleware: reads JSON, and says some."""

    async def answer(asked: web.BaseRequest) -> web.Response:
        said = json.loads(await asked.read())
        return web.Response(body=json.dumps(said).encode(), content_type="application/json")

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_bare(int(sys.argv[1])))
