"""Calls of gateways to default nodes."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from chatd.daemon.settings.addresses import format_addresses, internal_problems, parse_addresses
from chatd.daemon.settings.section import MS_PER_SECOND, Place, Section, number


class CallsSection(Section):
    """A gateway passes the calls of its clients on, and makes some of its own."""

    title: ClassVar[str] = "Calls to default nodes"

    default_uri: str = Field(
        default="",
        description="Address at which a default node takes calls, and a gateway makes them: mem://, ipc:// or "
        "tcp://. Beyond this machine every connection is encrypted, and only known gateways are let in (chatd "
        "keys trust); the gateway's line has the node's key behind #. On tcp:// of this machine, without "
        "#curve behind it, every account may act as an operator; prefer ipc://. A gateway may have several, "
        "separated by commas. Default: mem:// in mode all, else an ipc socket in RUNTIME_DIR.",
    )
    call_timeout_ms: int = number(
        10_000,
        "Milliseconds that a gateway waits for a default node's reply; then the client's call fails and may "
        "be tried again.",
        unit="ms",
        ge=100,
        le=600_000,
    )

    def uris(self, place: Place) -> tuple[str, ...]:
        """ZeroMQ addresses of the default nodes' call sockets; a default node has one."""
        return parse_addresses(self.default_uri, "default", place)

    def timeout(self) -> float:
        """Seconds."""
        return self.call_timeout_ms / MS_PER_SECOND

    def problems(self, place: Place) -> Iterator[str]:
        yield from internal_problems("DEFAULT_URI", self.uris(place), place)

    def effective(self, place: Place) -> dict[str, str]:
        return super().effective(place) | {"default_uri": format_addresses(self.uris(place))}
