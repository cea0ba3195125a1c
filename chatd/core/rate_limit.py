"""Rate limits for many keys: a token bucket for each, in bounded memory.

A bucket is one number, the time at which it is full again. Full buckets are forgotten: a new one is
full too. ``now`` is in seconds of any steady clock.
"""

import ipaddress
import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

from chatd.errors import RateLimited

MAX_KEYS = 100_000
"""Buckets in a table at most, about 10 MB. Beyond, the one charged longest ago is forgotten; nobody
gains by that, since each new key begins with a full bucket anyway."""
_LOOKED_AT = 2  # buckets checked for each new one: full ones are forgotten faster than new ones are made
_ROUNDING = 1e-6  # seconds: far above the error of floats, far below the milliseconds of retry_after_ms


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_second`` units, and ``burst`` units at once; no limit if ``per_second`` is 0."""

    per_second: float
    burst: float


class Buckets:
    """A bucket for each key. ``wait`` asks, ``charge`` takes; ask several limits before charging
    any."""

    def __init__(self, rate: Rate, *, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._full_at: dict[Hashable, float] = {}  # charged longest ago first, about
        self.change(rate)

    def change(self, rate: Rate) -> None:
        """Another rate from now on. A bucket is full again when it would have been."""
        self.rate = rate
        self._unlimited = rate.per_second <= 0
        self._seconds_each = 0.0 if self._unlimited else 1 / rate.per_second
        self._burst_seconds = rate.burst * self._seconds_each
        if self._unlimited:
            self._full_at.clear()

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: Hashable, cost: float, now: float) -> float:
        """Seconds until ``cost`` may be charged; 0.0: now. A cost above ``burst`` waits for a full
        bucket."""
        full_at = self._full_at.get(key)
        if full_at is None:
            return 0.0
        seconds = full_at - now - max(0.0, self._burst_seconds - cost * self._seconds_each)
        return seconds if seconds > _ROUNDING else 0.0

    def charge(self, key: Hashable, cost: float, now: float) -> None:
        """Take ``cost`` from the bucket, which may go into debt."""
        if self._unlimited:
            return
        full_at = self._full_at.pop(key, None)
        if full_at is None:
            full_at = now
            self._forget(now)
        self._full_at[key] = max(full_at, now) + cost * self._seconds_each

    def refund(self, key: Hashable, cost: float) -> None:
        """Give back what was charged."""
        if key in self._full_at:
            self._full_at[key] -= cost * self._seconds_each

    def _forget(self, now: float) -> None:
        """Make room for a new key."""
        buckets = self._full_at
        for _ in range(min(_LOOKED_AT, len(buckets))):
            key = next(iter(buckets))
            full_at = buckets.pop(key)
            if full_at > now:
                buckets[key] = full_at
        while len(buckets) >= self._max_keys:
            del buckets[next(iter(buckets))]


def limited(reason: str, seconds: float) -> RateLimited:
    """The error for a request that may come again in so many seconds. ``retry_after_ms`` is rounded
    up: who waits that long is admitted."""
    error = RateLimited(reason)
    error.retry_after_ms = max(
        1, math.ceil((seconds - _ROUNDING) * 1e3)
    )  # not a millisecond for what floats lose
    return error


@lru_cache(maxsize=1_024)
def address_key(address: str) -> str:
    """The key of an IP address: IPv4 as it is, IPv6 by a subscriber's /64; empty if it is no
    address."""
    if not address:
        return ""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.IPv6Address(int(parsed) >> 64 << 64)) + "/64"
        parsed = parsed.ipv4_mapped
    return str(parsed)
