"""The cache of connections that CACHE_URI names. Redis's library is imported only where it is
set."""

import asyncio

from chatd.daemon.default_flow import now_us
from chatd.daemon.settings import Settings
from chatd.default.devices.connection_cache import (
    ConnectionCache,
    DatabaseConnectionCache,
    MemoryConnectionCache,
)
from chatd.store.access import StoreAccess
from chatd.transport.queue.drivers import check_usable


def make_cache(loop: asyncio.AbstractEventLoop, settings: Settings, store: StoreAccess) -> ConnectionCache:
    """Raises ConfigError or StartFailed if Redis's library or its certificates are not there."""
    expiry = settings.streams.connection_expiry()
    address = settings.store.cache()
    if address is not None:
        check_usable(address, "a cache", "CACHE_CA_FILE")
        from chatd.default.devices.redis_connection_cache import RedisConnectionCache

        own = MemoryConnectionCache(expiry=expiry, now=loop.time)
        return RedisConnectionCache(loop, address, own, expiry=expiry)
    if settings.store.is_cache_in_memory:
        return MemoryConnectionCache(expiry=expiry, now=loop.time)
    return DatabaseConnectionCache(store.tell, expiry=expiry, clock=now_us)
