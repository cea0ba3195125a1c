"""Values of devices and their connections. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.start import Start


class DeviceHello(NamedTuple):
    """A device's Hello. ``start``: where the device begins if it is new; None: ``start.begin`` says
    where. ``ordinal`` 0: it has none."""

    profile_id: str
    device_id: str
    start: Start | None = None
    ordinal: int = 0

    @property
    def device(self) -> tuple[str, str]:
        return self.profile_id, self.device_id


class Registered(NamedTuple):
    """A stream's epoch, and where its device begins; None: it was known."""

    epoch: int
    start: Start | None = None


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
