"""The queue ``user.event.delivery``: default nodes publish to it, gateways subscribe."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from chatd.core.broker_address import SCHEMES, BrokerAddress, scheme_of
from chatd.daemon.settings.addresses import (
    format_addresses,
    internal_problems,
    is_key_needed,
    one_port_above,
    parse_addresses,
)
from chatd.daemon.settings.masking import SecretUri, mask
from chatd.daemon.settings.section import Id, OptionalPath, Place, Section
from chatd.errors import ConfigError


class QueueSection(Section):
    """A gateway subscribes to the queue of every default node."""

    title: ClassVar[str] = "Queue"

    queue_user_event_delivery_name: Id = Field(
        default="user.event.delivery",
        description="Name of the queue between default nodes and gateways. A gateway refuses default nodes "
        "whose queue has another name.",
    )
    queue_user_event_delivery_uri: SecretUri = Field(
        default="",
        description="Address of the queue. mem://, ipc:// or tcp://, as DEFAULT_URI: every gateway connects to "
        "every default node, and a gateway may have several, separated by commas. Or the one broker of all of "
        "them, redis://user:password@host:6379/name, nats://user:password@host:4222,host:4222/name, "
        "amqp://user:password@host:5672/name or kafka://user:password@host:9092,host:9092/name; beyond this "
        "machine rediss://, tls://, amqps:// and kafka+ssl://. The name is the queue's. "
        "Default: if DEFAULT_URI is encrypted, one port above it at a default node, and what the default "
        "nodes say at a gateway; else mem:// in mode all, or an ipc socket in RUNTIME_DIR.",
    )

    queue_ca_file: OptionalPath = Field(
        default=None,
        description="Certificates that the certificate of a broker (rediss://, tls://, amqps://, kafka+ssl://) must "
        "lead to. Default: those that the system trusts.",
    )

    def broker(self) -> BrokerAddress | None:
        """The broker that carries the queue, if one does. Raises ConfigError."""
        uri = self.queue_user_event_delivery_uri
        if scheme_of(uri) not in SCHEMES:
            return None
        ca_file = "" if self.queue_ca_file is None else str(self.queue_ca_file)
        return BrokerAddress.parse(uri, self.queue_user_event_delivery_name, ca_file)

    def said_name(self) -> str:
        """The queue's name, as nodes and gateways compare it."""
        broker = self.broker()
        return self.queue_user_event_delivery_name if broker is None else broker.said_name

    def uris(self, place: Place) -> tuple[str, ...]:
        """ZeroMQ addresses of the queue; a default node has one, a gateway none if it is to ask.
        None if a broker carries it."""
        given = self.queue_user_event_delivery_uri
        if scheme_of(given) in SCHEMES:
            return ()
        if not given and place.mode == "gateway" and is_key_needed(place.default_uri):
            return ()
        if not given and place.mode != "gateway":
            given = one_port_above(place.default_uri)
        return parse_addresses(given, self.queue_user_event_delivery_name, place)

    def problems(self, place: Place) -> Iterator[str]:
        try:
            if self.broker() is not None:
                return
        except ConfigError as exc:
            yield f"QUEUE_USER_EVENT_DELIVERY_URI: {exc}"
            return
        given = self.queue_user_event_delivery_uri
        scheme = scheme_of(given)
        if given and scheme not in ("mem", "inproc", "ipc", "tcp"):
            # Nothing else of it is quoted: it may be a broker's password.
            yield (
                f"QUEUE_USER_EVENT_DELIVERY_URI: the scheme {scheme[:20]!r} is none of mem, ipc, tcp, "
                f"{', '.join(SCHEMES)}"
            )
            return
        yield from internal_problems("QUEUE_USER_EVENT_DELIVERY_URI", self.uris(place), place)

    def effective(self, place: Place) -> dict[str, str]:
        uris = format_addresses(self.uris(place)) or mask(self.queue_user_event_delivery_uri)
        return super().effective(place) | {"queue_user_event_delivery_uri": uris}
