"""A gateway, put together: its settings and its tokens."""

import asyncio
from contextlib import ExitStack

from chatd import __version__
from chatd.daemon.settings import Mode, Settings
from chatd.gateway.authentication import load_tokens
from chatd.gateway.gateway import GatewayServer, GatewaySettings
from chatd.transport.sockets import Context


def start_gateway(mode: Mode, loop: asyncio.AbstractEventLoop, context: Context, settings: Settings, stack: ExitStack) -> GatewayServer:
    """Return when the gateway listens; ``stack`` ends it. Raises ConfigError."""
    tokens = load_tokens(settings.authentication.tokens(settings.place), create=True)
    gateway_settings = GatewaySettings(
        gateway_id=settings.node.node_id,
        bind_uri=settings.gateway.gateway_uri,
        public_uri=settings.gateway.gateway_public_uri,
        connections_per_device=settings.gateway.max_connections_per_device,
        queue_uris=settings.queue.uris(settings.place),
        node_uris=settings.calls.uris(settings.place),
        queue_name=settings.queue.queue_user_event_delivery_name,
        heartbeat_interval=settings.streams.heartbeat_interval(),
        window_messages=settings.streams.window_messages,
        window_bytes=settings.streams.window_bytes,
        max_frame_bytes=settings.messages.max_frame_bytes,
        call_timeout=settings.calls.timeout(),
        ack_flush=settings.streams.ack_flush(),
        seen_every=settings.streams.connection_touch_seconds,
        repair_pull=settings.streams.repair_pull_seconds,
        delivery_retry=settings.redelivery.first_pause(),
        presence_rate=settings.presence.change_rate(),
        version=__version__,
        nodes_file=settings.node.data_dir / f"nodes-{settings.node.node_id}.json" if mode == "gateway" else None,
        rates=settings.sending_limits.rates(),
        door=settings.authentication.door(),
    )
    gateway = GatewayServer(loop, gateway_settings, tokens)
    gateway.connect(context)
    stack.callback(gateway.close)
    return gateway
