"""Where a gateway listens, and where it finds default nodes."""

from collections.abc import Sequence

from chatd.daemon.settings import Settings
from chatd.gateway.node import GatewayAddresses
from chatd.transport.sockets import CALLS_HERE, QUEUE_HERE, is_encrypted


def gateway_addresses(settings: Settings) -> GatewayAddresses:
    """The addresses that the settings name."""
    call_uris, queue_uris = settings.calls.uris(settings.place), settings.queue.uris(settings.place)
    return GatewayAddresses(
        settings.gateway.gateway_uri,
        settings.http.endpoint,
        settings.http.grpc_endpoint,
        settings.gateway.gateway_public_uri,
        settings.node.public_host,
        _inside(queue_uris, QUEUE_HERE) if settings.mode == "all" else queue_uris,
        _inside(call_uris, CALLS_HERE) if settings.mode == "all" else call_uris,
    )


def _inside(uris: Sequence[str], here: str) -> Sequence[str]:
    """A gateway reaches the node of its own process without a key."""
    return [here if is_encrypted(uri) else uri for uri in uris]
