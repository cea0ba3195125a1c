"""The fronts of a gateway, put together."""

import asyncio
from typing import TYPE_CHECKING

from chatd.core.curve import CurveServer
from chatd.core.metric import Gauge
from chatd.daemon.gateway_streams import Streams
from chatd.daemon.settings import Settings
from chatd.errors import extra
from chatd.files.certificate import Certificate
from chatd.files.key_file import Keys
from chatd.gateway.doorkeeper import Doorkeeper
from chatd.gateway.fronts.door import Door
from chatd.gateway.fronts.proxies import Proxies
from chatd.gateway.fronts.zmtp import ZmtpFront
from chatd.gateway.newcomers import Newcomers

if TYPE_CHECKING:
    from chatd.gateway.fronts.grpc.front import GrpcFront
    from chatd.gateway.fronts.http.front import HttpFront


class Fronts:
    """``http`` and ``grpc`` are None where they are not spoken. Raises ConfigError, StartFailed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: Settings,
        keys: Keys,
        doorkeeper: Doorkeeper,
        newcomers: Newcomers,
        streams: Streams,
    ) -> None:
        self._doorkeeper = doorkeeper
        door = Door(
            doorkeeper.accepted,
            doorkeeper.ended,
            doorkeeper.broke,
            doorkeeper.commanded,
            doorkeeper.is_stranger,
            doorkeeper.newcomers,
            newcomers.come,
            newcomers.cost,
            doorkeeper.refused,
        )
        self.zmtp = ZmtpFront(
            loop,
            settings.gateway.front(settings.messages.max_frame_bytes),
            door,
            on_lost=streams.sender.lost,
            on_room=streams.catch_up.has_room,
            curve=CurveServer(*keys.pairs) if settings.gateway.is_encrypted else None,
        )
        certificate = settings.http.certificate()
        self.http = _http(loop, settings, door, streams, certificate) if settings.http.endpoint else None
        self.grpc = _grpc(loop, settings, door, streams, certificate) if settings.http.grpc_endpoint else None
        self._now = loop.time
        self.gauges = (
            Gauge("connections", "open connections of clients", self._connections, labels=("front",)),
            Gauge(
                "unsent_bytes",
                "bytes that wait for clients that do not read",
                self._unsent_bytes,
                labels=("front",),
            ),
        )

    def _connections(self) -> dict[tuple[str, ...], float]:
        return {
            ("zmtp",): self.zmtp.connections,
            ("http",): 0 if self.http is None else self.http.connections,
            ("grpc",): 0 if self.grpc is None else self.grpc.connections,
        }

    def _unsent_bytes(self) -> dict[tuple[str, ...], float]:
        return {
            ("zmtp",): self.zmtp.unsent_bytes,
            ("http",): 0 if self.http is None else self.http.unsent_bytes,
            ("grpc",): 0 if self.grpc is None else self.grpc.unsent_bytes,
        }

    def look(self) -> None:
        """To be called about once a second, for what only time shows."""
        self.zmtp.look()
        if self.http is not None:
            self.http.look()
        if self.grpc is not None:
            self.grpc.look()
        self._doorkeeper.tick(self._now())

    def accept_again(self) -> None:
        """Have newcomers as before; gRPC had them all the time. Raises StartFailed."""
        self.zmtp.accept_again()
        if self.http is not None:
            self.http.accept_again()

    def stop_accepting(self, *, for_ever: bool = True) -> None:
        """Let others that share the ports have all newcomers."""
        self.zmtp.stop_accepting()
        if self.http is not None:
            self.http.stop_accepting()
        if self.grpc is not None and for_ever:  # its library cannot begin again
            self.grpc.stop_accepting()


def _http(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    door: Door,
    streams: Streams,
    certificate: Certificate | None,
) -> "HttpFront":
    # Its imports are 3 MB and a tenth of a second: only those pay who speak HTTP.
    from chatd.gateway.fronts.http.front import HttpFront
    from chatd.gateway.fronts.http.origins import Origins

    return HttpFront(
        loop,
        settings.gateway.front(settings.messages.max_frame_bytes),
        door,
        on_lost=streams.sender.lost,
        on_room=streams.catch_up.has_room,
        tls=certificate.tls if certificate is not None and settings.http.is_encrypted else None,
        origins=Origins(settings.http.origins),
        proxies=Proxies(settings.http.proxies),
        has_page=settings.http.http_page,
    )


def _grpc(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    door: Door,
    streams: Streams,
    certificate: Certificate | None,
) -> "GrpcFront":
    with extra("grpc", "GRPC_URI"):
        from chatd.gateway.fronts.grpc.front import GrpcFront

    descriptors = settings.gateway.door(settings.authentication.door()).max_connections
    return GrpcFront(
        loop,
        settings.gateway.front(settings.messages.max_frame_bytes),
        door,
        on_lost=streams.sender.lost,
        on_room=streams.catch_up.has_room,
        certificate=certificate if settings.http.is_grpc_encrypted else None,
        proxies=Proxies(settings.http.proxies),
        max_connections=max(1, descriptors // 2),
    )
