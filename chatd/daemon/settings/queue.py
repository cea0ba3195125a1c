"""The queue ``user.event.delivery``: default nodes publish to it, gateways subscribe."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from chatd.daemon.settings.addresses import (
    format_addresses,
    internal_problems,
    is_key_needed,
    one_port_above,
    parse_addresses,
)
from chatd.daemon.settings.section import Id, Place, Section


class QueueSection(Section):
    """A gateway subscribes to the queue of every default node."""

    title: ClassVar[str] = "Queue"

    queue_user_event_delivery_name: Id = Field(
        default="user.event.delivery",
        description="Name of the queue between default nodes and gateways. A gateway refuses default nodes "
        "whose queue has another name.",
    )
    queue_user_event_delivery_uri: str = Field(
        default="",
        description="Address of the queue: mem://, ipc:// or tcp://, as DEFAULT_URI. A gateway may have "
        "several, separated by commas. Default: if DEFAULT_URI is encrypted, one port above it at a default "
        "node, and what the default nodes say at a gateway; else mem:// in mode all, or an ipc socket in "
        "RUNTIME_DIR.",
    )

    def uris(self, place: Place) -> tuple[str, ...]:
        """ZeroMQ addresses of the queue; a default node has one, a gateway none if it is to ask."""
        given = self.queue_user_event_delivery_uri
        if not given and place.mode == "gateway" and is_key_needed(place.default_uri):
            return ()
        if not given and place.mode != "gateway":
            given = one_port_above(place.default_uri)
        return parse_addresses(given, self.queue_user_event_delivery_name, place)

    def problems(self, place: Place) -> Iterator[str]:
        yield from internal_problems("QUEUE_USER_EVENT_DELIVERY_URI", self.uris(place), place)

    def effective(self, place: Place) -> dict[str, str]:
        uris = format_addresses(self.uris(place))
        return super().effective(place) | {"queue_user_event_delivery_uri": uris}
