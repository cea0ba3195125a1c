"""The fronts of a gateway, put together."""

import asyncio
from typing import TYPE_CHECKING

from chatd.core.curve import CurveServer
from chatd.core.metric import Gauge
from chatd.daemon.gateway_streams import Streams
from chatd.daemon.settings import Settings
from chatd.files.key_file import Keys
from chatd.gateway.doorkeeper import Doorkeeper
from chatd.gateway.fronts.door import Door
from chatd.gateway.fronts.zmtp import ZmtpFront
from chatd.gateway.newcomers import Newcomers

if TYPE_CHECKING:
    from chatd.gateway.fronts.http.front import HttpFront


class Fronts:
    """``http`` is None where no HTTP is spoken. Raises ConfigError, StartFailed."""

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
        self.http = _http(loop, settings, door, streams) if settings.http.endpoint else None
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
        }

    def _unsent_bytes(self) -> dict[tuple[str, ...], float]:
        return {
            ("zmtp",): self.zmtp.unsent_bytes,
            ("http",): 0 if self.http is None else self.http.unsent_bytes,
        }

    def look(self) -> None:
        """To be called about once a second, for what only time shows."""
        self.zmtp.look()
        if self.http is not None:
            self.http.look()
        self._doorkeeper.tick(self._now())

    def stop_accepting(self) -> None:
        """Let others that share the ports have all newcomers."""
        self.zmtp.stop_accepting()
        if self.http is not None:
            self.http.stop_accepting()


def _http(loop: asyncio.AbstractEventLoop, settings: Settings, door: Door, streams: Streams) -> "HttpFront":
    # Its imports are 3 MB and a tenth of a second: only those pay who speak HTTP.
    from chatd.gateway.fronts.http.front import HttpFront
    from chatd.gateway.fronts.http.origins import Origins
    from chatd.gateway.fronts.http.proxies import Proxies

    return HttpFront(
        loop,
        settings.gateway.front(settings.messages.max_frame_bytes),
        door,
        on_lost=streams.sender.lost,
        on_room=streams.catch_up.has_room,
        tls=settings.http.tls(),
        origins=Origins(settings.http.origins),
        proxies=Proxies(settings.http.proxies),
        has_page=settings.http.http_page,
    )
