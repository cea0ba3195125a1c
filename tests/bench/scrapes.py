"""A scraper beside a load: each process's metrics, read each second as Prometheus does."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.bench.chatd_subject import Chatd
from tests.bench.measure import cpu_seconds
from tests.daemons import Daemon

EACH_SECONDS = 1.0
TIMED = 100


async def scrape(daemon: Daemon) -> bytes:
    """One scrape. Raises ConnectionError."""
    place = urlsplit(daemon.settings["METRICS_URI"])
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.0 200") or b"chatd_stage_seconds" not in answer:
        raise ConnectionError(f"no metrics: {answer[:200]!r}")
    return answer


def daemons_of(chatd: Chatd) -> Sequence[Daemon]:
    return (*chatd.deployment.defaults, *chatd.deployment.gateways)


@asynccontextmanager
async def scraped(chatd: Chatd) -> AsyncIterator[None]:
    """All processes are scraped each second meanwhile."""

    async def go_on() -> None:
        while True:
            for daemon in daemons_of(chatd):
                await scrape(daemon)
            await asyncio.sleep(EACH_SECONDS)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        if not task.cancel():
            task.result()  # it has failed


async def cores_of_scrapes(chatd: Chatd) -> dict[str, float]:
    """The share of a core that a scrape each second takes, by the mode of the process."""
    found: dict[str, float] = {}
    for daemon in daemons_of(chatd):
        before = cpu_seconds(daemon.pid)
        for _ in range(TIMED):
            await scrape(daemon)
        found[daemon.mode] = (cpu_seconds(daemon.pid) - before) / TIMED / EACH_SECONDS
    return found
