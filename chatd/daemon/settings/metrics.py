"""Metrics: where a process shows them, and its health."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from chatd.core.address import is_local
from chatd.daemon.settings.addresses import http_endpoint
from chatd.daemon.settings.section import Place, Section
from chatd.errors import ConfigError


class MetricsSection(Section):
    """Every process has these. There is no port by default: two processes of one machine would
    fight for it."""

    title: ClassVar[str] = "Metrics"

    metrics_uri: str = Field(
        default="",
        description="Address at which this process shows its metrics (/metrics, for Prometheus) and its health "
        "(/healthz, /readyz), such as http://127.0.0.1:9464; each process of a machine needs a port of its own. "
        "Anybody who reaches it can read them, and nothing is encrypted: an address of another network than loopback "
        "is warned of at start. Empty: they are not shown.",
    )

    def _endpoint(self) -> str:
        """In the form of other addresses; empty without one. Raises ConfigError."""
        if not self.metrics_uri:
            return ""
        if self.metrics_uri.startswith("https:"):
            raise ConfigError("metrics are shown over http://HOST:PORT")
        return http_endpoint(self.metrics_uri)

    def listens(self) -> tuple[str, int] | None:
        """Host and port; None: nowhere. Raises ConfigError."""
        host, _, port = self._endpoint().removeprefix("tcp://").rpartition(":")
        return (host.strip("[]"), int(port)) if port else None

    @property
    def is_local(self) -> bool:
        """True if nobody outside this machine can reach it."""
        return is_local(self._endpoint())

    def problems(self, place: Place) -> Iterator[str]:
        try:
            self._endpoint()
        except ConfigError as exc:
            yield f"METRICS_URI: {exc}"
