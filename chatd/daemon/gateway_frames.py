"""The parts of a gateway that handle frames of clients, put together."""

from chatd.daemon.gateway_streams import Streams
from chatd.daemon.settings import Settings
from chatd.gateway.admission import Admission
from chatd.gateway.audit import GatewayAudit
from chatd.gateway.backend import Backend
from chatd.gateway.calls import ClientCalls
from chatd.gateway.gateway import GatewayServer
from chatd.gateway.opening import Opening
from chatd.gateway.refusals import Refusals
from chatd.gateway.token_expiry import TokenExpiry


def make_frames(
    settings: Settings,
    admission: Admission,
    streams: Streams,
    backend: Backend,
    expiry: TokenExpiry,
    audit: GatewayAudit,
) -> tuple[GatewayServer, Opening, ClientCalls, Refusals]:
    """Frames of clients, by their kind."""
    refusals = Refusals(admission, streams.sender)
    opening = Opening(
        settings.streams.defaults(settings.node.node_id),
        admission,
        streams.connections,
        streams.sender,
        streams.presence,
        backend,
        streams.catch_up,
        streams.log_watch,
        audit,
        expiry,
        streams.tracing,
        streams.log,
        write_acks=streams.acks.flush,
    )
    calls = ClientCalls(
        settings.node.node_id,
        admission,
        streams.sender,
        refusals,
        forward=backend.forward,
        watch=streams.presence.watch,
    )
    server = GatewayServer(
        admission,
        streams.connections,
        streams.sender,
        refusals,
        opening,
        calls,
        streams.catch_up,
        streams.acks,
        streams.presence,
        streams.ack_times,
        expiry,
        touch=settings.streams.connection_touch_seconds,
    )
    return server, opening, calls, refusals
