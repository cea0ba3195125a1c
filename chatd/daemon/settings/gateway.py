"""The gateway's address for clients, and its limits of their connections."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from chatd.core.address import Listening
from chatd.daemon.settings.addresses import address_problems
from chatd.daemon.settings.section import MIB, Place, Section, number
from chatd.errors import ConfigError
from chatd.gateway.doorkeeper import DoorSettings
from chatd.gateway.fronts.door import FrontLimits
from chatd.gateway.public_address import check_public_address


class GatewaySection(Section):
    """A default node does not look at these."""

    title: ClassVar[str] = "Gateway"

    gateway_uri: str = Field(
        default="tcp://127.0.0.1:7400",
        description="Address at which a gateway takes the connections of devices and chatctl: tcp:// or "
        "ipc://. Beyond this machine every connection is encrypted; on it, with #curve behind the address.",
    )
    gateway_public_uri: str = Field(
        default="",
        description="Address at which devices reach this gateway from where they are, such as "
        "tcp://chat.example:7400. Gateways name it to devices, with this one's key if its connections are "
        "encrypted. Default: GATEWAY_URI, as bound; at PUBLIC_HOST if that is all addresses of the machine.",
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

    max_connections_per_profile: int = number(
        256,
        "Number of authenticated connections to a gateway of one profile, operators' excepted. One more "
        "closes the one that is used least: the oldest without a stream.",
        unit="connections",
        ge=1,
        le=10**6,
    )
    max_connections_per_address: int = number(
        0,
        "Number of authenticated connections to a gateway from one address, operators' excepted. An address, "
        "an IPv4 address or an IPv6 /64, may be a whole office's. One more closes the one that is used "
        "least: the oldest without a stream. With 0 the limit is half of all that descriptors last for.",
        unit="connections",
        ge=0,
        le=10**6,
    )
    gateway_max_unsent_bytes: int = number(
        256 * MIB,
        "Bytes that may wait in a gateway's memory for clients that do not read as quickly as they are "
        "written to, all together. Beyond it their deliveries stay in the outbox, and their calls are "
        "refused (503). At twice as much, the connection with the most is closed.",
        unit="bytes",
        ge=MIB,
        le=64 * 1024 * MIB,
    )
    gateway_share_port: bool = Field(
        default=False,
        description="True lets other gateways of this machine listen at the same tcp:// address; the kernel "
        "spreads connections over those that say so (SO_REUSEPORT). One gateway keeps one core busy.",
    )

    def door(self, door: DoorSettings) -> DoorSettings:
        """The same with the limits of connections."""
        return replace(
            door,
            per_profile=self.max_connections_per_profile,
            per_address=self.max_connections_per_address or max(1, door.max_connections // 2),
        )

    def front(self, max_frame: int) -> FrontLimits:
        """The limits of the device port. ``max_frame`` in bytes."""
        return FrontLimits(max_frame, self.gateway_max_unsent_bytes, self.gateway_share_port)

    @property
    def is_encrypted(self) -> bool:
        """True if every connection of a device is. Raises ConfigError for an address that is
        none."""
        return Listening.parse(self.gateway_uri).is_encrypted

    def problems(self, place: Place) -> Iterator[str]:
        if place.mode == "default":
            return
        found = list(address_problems("GATEWAY_URI", self.gateway_uri, mem_allowed=False, listens=True))
        yield from found
        if not found:
            try:
                check_public_address(
                    self.gateway_public_uri, place.public_host, Listening.parse(self.gateway_uri)
                )
            except ConfigError as exc:
                yield f"GATEWAY_PUBLIC_URI: {exc}"
