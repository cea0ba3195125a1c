"""The gateway's address for clients and its limit of connections for each device."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from chatd.daemon.settings.addresses import address_problems
from chatd.daemon.settings.section import Place, Section, number


class GatewaySection(Section):
    """A default node does not look at these."""

    title: ClassVar[str] = "Gateway"

    gateway_uri: str = Field(
        default="tcp://127.0.0.1:7400",
        description="Address at which a gateway takes the connections of devices and chatctl: tcp:// or "
        "ipc://, of this machine only.",
    )
    gateway_public_uri: str = Field(
        default="",
        description="Address at which devices reach this gateway from where they are; other gateways name it "
        "to devices when they "
        "stop. Default: GATEWAY_URI, as bound.",
    )
    max_connections_per_device: int = number(
        2,
        "Number of connections that a gateway carries for one device, counting streams and Hellos that wait "
        "for an answer. One more "
        "closes the oldest.",
        unit="connections",
        ge=1,
        le=100,
    )

    def problems(self, place: Place) -> Iterator[str]:
        if place.mode != "default":
            yield from address_problems("GATEWAY_URI", self.gateway_uri, mem_allowed=False)
