"""A gateway, put together: its settings, converted once to seconds and bytes, and its tokens."""

import asyncio
import resource
from contextlib import ExitStack

from chatd import __version__
from chatd.core.rate_limit import Rate
from chatd.daemon.settings import Mode, Settings
from chatd.gateway.authentication import load_tokens
from chatd.gateway.doorkeeper import DoorSettings
from chatd.gateway.gateway import GatewayServer, GatewaySettings
from chatd.gateway.rate_limits import RateSettings
from chatd.transport.sockets import Context


def start_gateway(mode: Mode, loop: asyncio.AbstractEventLoop, context: Context, settings: Settings, stack: ExitStack) -> GatewayServer:
    """Return when the gateway listens; ``stack`` ends it. Raises ConfigError."""
    tokens = load_tokens(settings.tokens(), create=True)
    gateway_settings = GatewaySettings(
        gateway_id=settings.node_id,
        bind_uri=settings.gateway_uri,
        public_uri=settings.gateway_public_uri,
        connections_per_device=settings.max_connections_per_device,
        queue_uris=settings.queue_uris(mode),
        node_uris=settings.node_uris(mode),
        queue_name=settings.queue_user_event_delivery_name,
        heartbeat_interval=settings.heartbeat_interval_ms / 1e3,
        window_messages=settings.window_messages,
        window_bytes=settings.window_bytes,
        max_frame_bytes=settings.max_frame_bytes,
        call_timeout=settings.call_timeout_ms / 1e3,
        ack_flush=settings.ack_flush_ms / 1e3,
        seen_every=settings.connection_touch_seconds,
        repair_pull=settings.repair_pull_seconds,
        delivery_retry=settings.delivery_retry_ms / 1e3,
        presence_rate=Rate(settings.presence_changes_per_minute / 60, settings.presence_burst),
        version=__version__,
        nodes_file=settings.data_dir / f"nodes-{settings.node_id}.json" if mode == "gateway" else None,
        rates=RateSettings(
            device_events=settings.max_events_per_second,
            device_bytes=settings.max_bytes_per_second,
            profile_events=settings.profile_events_per_second,
            profile_bytes=settings.profile_bytes_per_second,
            address_events=settings.address_events_per_second,
            address_bytes=settings.address_bytes_per_second,
            device_frames=settings.max_frames_per_second,
            burst=settings.rate_burst_seconds,
        ),
        door=DoorSettings(
            handshake=settings.handshake_timeout_ms / 1e3,
            # Silent connections alone must not use up the descriptors.
            max_unauthenticated=min(settings.max_unauthenticated, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2),
            max_failures=settings.max_failed_authentications,
        ),
    )
    gateway = GatewayServer(loop, gateway_settings, tokens)
    gateway.connect(context)
    stack.callback(gateway.close)
    return gateway
