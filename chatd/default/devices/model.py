"""Values of devices and their connections. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    profile_id: str
    device_id: str
    epoch: int
    created_at_us: int
    seen_at_us: int
    owed: int
    """Events, over all its rooms."""
    rooms_owed: int
    notifier: str = ""
    """The way it is notified while it is away; empty: not at all."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A device's stream at a gateway, for operators' eyes."""

    profile_id: str
    device_id: str
    epoch: int
    gateway_id: str
    client: str
    """The client's own name for itself."""
    since_us: int
    seen_us: int
