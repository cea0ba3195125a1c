"""Limits on what users send, in events and bytes a second: by device, by profile, by address.
Operators' tokens are exempt."""

from collections.abc import Hashable
from dataclasses import dataclass

from chatd.core.rate_limit import Buckets, Rate, limited
from chatd.core.wire import count_first_field
from chatd.gateway.connection import ClientConnection
from chatd.pb.gateway.v1.gateway_pb2 import RpcRequest

_SEND_EVENTS = "ChatService/SendEvents"
_COUNTED = 257
"""Events are counted so far; a call with more than 256 is refused for that."""
_DAY = 86_400.0
_UNLIMITED_FRAMES = 1_000
"""Frames after which a peer without a limit is looked at again: limits may change."""


@dataclass(frozen=True, slots=True)
class RateSettings:
    """Each a second; 0: no limit. ``burst``: so many seconds' worth may come at once."""

    device_events: float
    device_bytes: float
    profile_events: float
    profile_bytes: float
    address_events: float
    address_bytes: float
    device_frames: float
    burst: float
    profile_daily_bytes: float = 0.0
    """A day, of which all may come at once."""


class RateLimits:
    """Buckets of whoever has sent lately. Times in seconds."""

    def __init__(self, settings: RateSettings) -> None:
        none = Rate(0, 1)
        self._device = (Buckets(none), Buckets(none))
        self._profile = (Buckets(none), Buckets(none))
        self._address = (Buckets(none), Buckets(none))
        self._daily = Buckets(none)  # bytes of a profile
        self.change(settings)

    def change(self, settings: RateSettings) -> None:
        """Other limits from now on."""

        def rate(per_second: float) -> Rate:
            # One event may always come at once, however few a second.
            return Rate(per_second, max(1.0, per_second * settings.burst))

        for buckets, limits in (
            (self._device, (settings.device_events, settings.device_bytes)),
            (self._profile, (settings.profile_events, settings.profile_bytes)),
            (self._address, (settings.address_events, settings.address_bytes)),
        ):
            for bucket, limit in zip(buckets, limits, strict=True):
                bucket.change(rate(limit))
        self._daily.change(Rate(settings.profile_daily_bytes / _DAY, settings.profile_daily_bytes))
        self._frames = rate(settings.device_frames)

    def admit(self, peer: ClientConnection, profile_id: str, *, events: int, size: int, now: float) -> None:
        """Count what a user's connection wants to send. Raises RateLimited, with when to try again;
        then nothing was counted.

        The device is that of the connection's stream, or else the connection itself. A local
        connection has no address, and no limit of it.
        """
        device: Hashable = peer.topic if peer.stream is not None else peer.link
        address = peer.link.address
        limits = [("device", self._device, device), ("profile", self._profile, profile_id)]
        if address:
            limits.append(("address", self._address, address))
        longest, reason = 0.0, ""
        for name, (of_events, of_bytes), key in limits:
            wait = of_events.wait(key, events, now)
            if wait > longest:
                longest, reason = (
                    wait,
                    f"this {name} may send {of_events.rate.per_second:,.0f} events a second",
                )
            wait = of_bytes.wait(key, size, now)
            if wait > longest:
                longest, reason = wait, f"this {name} may send {of_bytes.rate.per_second:,.0f} bytes a second"
        wait = self._daily.wait(profile_id, size, now)
        if wait > longest:
            longest = wait
            reason = f"this profile may send {self._daily.rate.burst:,.0f} bytes a day"
        if reason:
            raise limited(reason, longest)
        self._daily.charge(profile_id, size, now)
        for _, (of_events, of_bytes), key in limits:
            of_events.charge(key, events, now)
            of_bytes.charge(key, size, now)

    def more_frames(self, peer: ClientConnection, now: float) -> None:
        """The peer has used up ``frames_left``, which acks and heartbeats count by: give it what
        time has brought. Raises RateLimited."""
        if not self._frames.per_second or (peer.identity is not None and peer.identity.operator):
            peer.frames_left = _UNLIMITED_FRAMES
            return
        brought = min(self._frames.burst, (now - peer.frames_at) * self._frames.per_second)
        if brought < 1:
            peer.frames_left = 0
            raise limited(
                f"this device may send {self._frames.per_second:,.0f} frames a second",
                (1 - brought) / self._frames.per_second,
            )
        peer.frames_left = int(brought) - 1
        peer.frames_at = now


def events_in(call: RpcRequest) -> int:
    """Count a call as its events, or as one."""
    return max(1, count_first_field(call.payload, at_most=_COUNTED)) if call.method == _SEND_EVENTS else 1
