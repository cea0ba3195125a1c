"""GrpcFront: clients that speak gRPC. Each is let in, counted and sent away as native clients
are."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc
from grpc.aio import ServicerContext, server

from chatd.errors import StartFailed
from chatd.files.certificate import Certificate
from chatd.gateway.connection import ClientConnection
from chatd.gateway.fronts.door import Door, FrontLimits, OnFrame
from chatd.gateway.fronts.grpc.calls import Calls
from chatd.gateway.fronts.grpc.hearing import Hearing
from chatd.gateway.fronts.grpc.links import GrpcLinks
from chatd.gateway.fronts.grpc.services import CHAT, GATEWAY, Services
from chatd.gateway.fronts.grpc.streams import Streams
from chatd.gateway.fronts.proxies import Proxies

MAX_STREAMS = 256
"""Calls and streams at once over one connection; clients open more connections, or wait. As many
more may have just ended: of fewer gRPC refuses some at random."""
MAX_METADATA_BYTES = 16_384
HANDSHAKE_MS = 10_000
KEEPALIVE_MS = 25_000
"""Proxies end what has been silent for a minute. A connection that does not answer for as long is
ended."""
IDLE_MS = 300_000
"""A connection without a call is ended then."""
DRAIN_SECONDS = 1.0
"""For the answers to calls that have been heard."""
STOP_SECONDS = 3_600.0
"""Longer than any drain: calls go on while no more are taken."""


class GrpcFront:
    """Made early, opened late: ``open`` listens and begins. ``certificate``: every connection is
    encrypted. At most ``max_connections`` are taken; gRPC shows nobody but itself which there
    are."""

    _hearing: Hearing
    _calls: Calls

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: FrontLimits,
        door: Door,
        *,
        on_lost: Callable[[ClientConnection], None],
        on_room: Callable[[ClientConnection], None],
        certificate: Certificate | None,
        max_connections: int,
        proxies: Proxies,
    ) -> None:
        self._loop = loop
        self._limits = limits
        self._door = door
        self._links = GrpcLinks(loop, limits, door, on_lost=on_lost, on_room=on_room, proxies=proxies)
        self._certificate = certificate
        self._max_connections = max_connections
        self._server: Any = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_stopping = False

    @property
    def connections(self) -> int:
        """Streams, and callers."""
        return len(self._links)

    @property
    def unsent_bytes(self) -> int:
        """Bytes that wait for clients that do not read."""
        return self._links.unsent.together

    def open(
        self,
        uri: str,
        *,
        on_frame: OnFrame,
        after_batch: Callable[[], None],
        is_ready: Callable[[], bool],
    ) -> str:
        """Listen at a tcp:// address; the one listened at. ``after_batch`` is called when
        everything that had come has been handed on. Raises StartFailed."""
        self._hearing = Hearing(
            self._loop,
            self._door,
            max_frame=self._limits.max_frame,
            on_frame=on_frame,
            after_batch=after_batch,
        )
        self._calls = Calls(self._loop, self._links, self._hearing)
        made = server(options=self._options())
        made.add_generic_rpc_handlers((self._handlers(is_ready),))
        host, _, port = uri.removeprefix("tcp://").rpartition(":")
        at = f"{host}:{0 if port == '*' else port}"
        try:
            if self._certificate is None:
                bound = made.add_insecure_port(at)
            else:
                bound = made.add_secure_port(at, self._credentials(self._certificate))
        except RuntimeError as exc:
            raise StartFailed(f"cannot bind {uri} for gRPC") from exc
        self._server = made
        self._begin(made.start())
        return f"tcp://{host}:{bound}"

    def _options(self) -> tuple[tuple[str, int], ...]:
        return (
            ("grpc.so_reuseport", int(self._limits.share_port)),
            ("grpc.max_concurrent_streams", MAX_STREAMS),
            ("grpc.http2.max_deallocating_streams", MAX_STREAMS),
            ("grpc.max_receive_message_length", self._limits.max_frame),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", MAX_METADATA_BYTES),
            ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
            ("grpc.compression_enabled_algorithms_bitset", 1),  # none
            ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
            ("grpc.keepalive_time_ms", KEEPALIVE_MS),
            ("grpc.keepalive_timeout_ms", KEEPALIVE_MS),
            ("grpc.max_connection_idle_ms", IDLE_MS),
            ("grpc.max_allowed_incoming_connections", self._max_connections),
        )

    def _handlers(self, is_ready: Callable[[], bool]) -> "_Handlers":
        services = Services(self._links, self._hearing, is_ready=is_ready)
        calls = {
            f"/{CHAT.full_name}/{method.name}": partial(self._calls.call, f"{CHAT.name}/{method.name}")
            for method in CHAT.methods
        }
        return _Handlers(
            {
                **calls,
                f"/{GATEWAY.full_name}/Connect": Streams(self._links, self._hearing).connect,
                "/grpc.health.v1.Health/Check": services.check,
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": services.reflect,
            }
        )

    def _credentials(self, certificate: Certificate) -> Any:
        """Each new connection is asked for, since the certificate may be another one by then."""
        return grpc.dynamic_ssl_server_credentials(_configuration(certificate), self._configuration)

    def _configuration(self) -> Any:
        return None if self._certificate is None else _configuration(self._certificate)

    def change_certificate(self, certificate: Certificate) -> None:
        """Connections that come from now on are encrypted with it, if they are encrypted."""
        if self._certificate is not None:
            self._certificate = certificate

    def _begin(self, work: Awaitable[object]) -> "asyncio.Task[object]":
        task = asyncio.ensure_future(work, loop=self._loop)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def look(self) -> None:
        """To be called about once a second."""
        if self._server is not None:
            self._calls.look()
            self._links.look()

    def stop_accepting(self) -> None:
        """Let others that share the port have all newcomers; calls that are there go on."""
        if self._server is not None and not self._is_stopping:
            self._is_stopping = True
            self._begin(self._server.stop(STOP_SECONDS))

    async def drain(self) -> None:
        """Take nothing more; calls that have been heard get DRAIN_SECONDS to be answered."""
        if self._server is not None:
            made, self._server = self._server, None
            await made.stop(DRAIN_SECONDS)
        self.close()

    def close(self) -> None:
        """Take nothing more, and end all that there is."""
        if self._server is not None:
            made, self._server = self._server, None
            self._begin(made.stop(None))
        if hasattr(self, "_hearing"):
            self._hearing.end()
        self._links.hang_up()


class _Handlers:
    """Behaviours by path. All are streams for gRPC: so a call is seen before its request has come
    whole."""

    def __init__(self, behaviours: dict[str, Callable[[ServicerContext], Awaitable[None]]]) -> None:
        self._by_path = {path: _handler(behaviour) for path, behaviour in behaviours.items()}

    def service(self, details: Any) -> Any:
        """The handler of a call; None for one that nobody answers."""
        return self._by_path.get(details.method)


def _handler(behaviour: Callable[[ServicerContext], Awaitable[None]]) -> Any:
    async def handle(_: object, context: ServicerContext) -> None:
        await behaviour(context)

    return grpc.stream_stream_rpc_method_handler(handle)


def _configuration(certificate: Certificate) -> Any:
    return grpc.ssl_server_certificate_configuration(((certificate.key, certificate.chain),))
