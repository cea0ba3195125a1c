"""MetricsServer: /metrics, /healthz and /readyz over HTTP, on the loop that serves: when it hangs,
nothing is answered."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import structlog
from aiohttp.web import BaseRequest, Response, Server

from chatd import __version__
from chatd.core.metric import Metric
from chatd.daemon.metrics.exposition import Exposition
from chatd.daemon.metrics.readiness import Readiness
from chatd.daemon.settings import Settings
from chatd.default.node import DefaultNode
from chatd.errors import os_error
from chatd.gateway.node import GatewayNode

log = structlog.get_logger()

MAX_CONNECTIONS = 64
"""One more closes the oldest: whoever can reach the port takes no descriptors from devices."""

Page = Callable[[BaseRequest], Awaitable[Response]]


class MetricsServer:
    """``pages`` by their paths."""

    def __init__(self, exposition: Exposition, readiness: Readiness) -> None:
        self._exposition = exposition
        self._readiness = readiness
        self._pages: dict[str, Page] = {
            "/metrics": self._metrics,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
        }
        self._http = Server(self._answer, access_log=None)
        self._listening: asyncio.Server | None = None

    async def open(self, host: str, port: int) -> None:
        """Listen. Raises StartFailed or ConfigError."""
        loop = asyncio.get_running_loop()
        try:
            self._listening = await loop.create_server(self._connection, host, port)
        except OSError as exc:
            number = exc.errno or 0
            raise os_error(
                f"cannot bind METRICS_URI, {host} port {port}", OSError(number, os.strerror(number))
            ) from exc

    def close(self) -> None:
        """Accept nothing more, and end all connections."""
        if self._listening is not None:
            self._listening.close()
        for connection in self._http.connections:
            connection.force_close()

    def _connection(self) -> asyncio.Protocol:
        connections = self._http.connections
        if len(connections) >= MAX_CONNECTIONS:
            connections[0].force_close()
        return self._http()

    async def _answer(self, request: BaseRequest) -> Response:
        page = self._pages.get(request.path)
        if page is None:
            return Response(status=404, text=f"There are {', '.join(self._pages)}.\n")
        if request.method not in ("GET", "HEAD"):
            return Response(status=405, headers={"Allow": "GET, HEAD"})
        return await page(request)

    async def _metrics(self, request: BaseRequest) -> Response:
        text, content_type = self._exposition.show(request.headers.get("Accept", ""))
        return Response(body=text, headers={"Content-Type": content_type})

    async def _healthz(self, request: BaseRequest) -> Response:
        """The answer itself says that the loop lives."""
        return _json(200, {"healthy": True})

    async def _readyz(self, request: BaseRequest) -> Response:
        problems = await self._readiness.problems()
        return _json(503 if problems else 200, {"ready": not problems, "problems": problems})


def _json(status: int, body: dict[str, object]) -> Response:
    return Response(status=status, text=json.dumps(body) + "\n", content_type="application/json")


async def serve_metrics(
    settings: Settings,
    node: DefaultNode | None,
    gateway: GatewayNode | None,
    stack: ExitStack,
    *,
    is_stopping: Callable[[], bool],
) -> None:
    """Return when the metrics are served; ``stack`` ends it. Raises StartFailed or ConfigError."""
    place = settings.metrics.listens()
    if place is None:
        return
    metrics: list[Metric] = [
        *(node.metrics if node is not None else ()),
        *(gateway.metrics if gateway is not None else ()),
    ]
    about = {"version": __version__, "mode": settings.mode, "node_id": settings.node.node_id}
    server = MetricsServer(Exposition(metrics, about), Readiness(node, gateway, is_stopping=is_stopping))
    stack.callback(server.close)
    await server.open(*place)
    if not settings.metrics.is_local:
        log.warning(
            "Metrics and health are shown to everybody who reaches this address, unencrypted",
            address=settings.metrics.metrics_uri,
        )
