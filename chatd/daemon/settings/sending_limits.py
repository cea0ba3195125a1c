"""Limits of what users may send: for each device, each profile and each address."""

from typing import ClassVar

from chatd.daemon.settings.section import MIB, Section, number
from chatd.gateway.rate_limits import RateSettings


class SendingLimitsSection(Section):
    """Each gateway counts for itself. Operators have no limits."""

    title: ClassVar[str] = "Sending limits"

    max_events_per_second: int = number(
        1_000,
        "Number of events per second that one device of a user may send. With 0 there is no limit.",
        unit="events/s",
        ge=0,
        le=10**6,
    )
    max_bytes_per_second: int = number(
        4 * MIB,
        "Number of bytes per second that one device of a user may send. With 0 there is no limit.",
        unit="bytes/s",
        ge=0,
        le=10**10,
    )
    max_frames_per_second: int = number(
        10_000,
        "Number of frames per second, such as acks and heartbeats, that one device of a user may send. With "
        "0 there is no limit.",
        unit="frames/s",
        ge=0,
        le=10**6,
    )
    profile_events_per_second: int = number(
        2_000,
        "Number of events per second that all devices of one user together may send. With 0 there is no limit.",
        unit="events/s",
        ge=0,
        le=10**6,
    )
    profile_bytes_per_second: int = number(
        8 * MIB,
        "Number of bytes per second that all devices of one user together may send. With 0 there is no limit.",
        unit="bytes/s",
        ge=0,
        le=10**10,
    )
    profile_bytes_per_day: int = number(
        1024 * MIB,
        "Number of bytes that all devices of one user together may send in a day, all of them at once or "
        "little by little: what is used comes back evenly over a day. A gateway that is started again "
        "counts anew. With 0 there is no limit.",
        unit="bytes/day",
        ge=0,
        le=10**13,
    )
    address_events_per_second: int = number(
        10_000,
        "Number of events per second that all users at one IP address (of IPv6: in one /64) together may "
        "send. With 0 there is no limit.",
        unit="events/s",
        ge=0,
        le=10**6,
    )
    address_bytes_per_second: int = number(
        32 * MIB,
        "Number of bytes per second that all users at one IP address (of IPv6: in one /64) together may "
        "send. With 0 there is no limit.",
        unit="bytes/s",
        ge=0,
        le=10**10,
    )
    rate_burst_seconds: float = number(
        2.0,
        "Seconds' worth of each sending limit (events, bytes, frames) that a user who was quiet before may "
        "send at once.",
        unit="s",
        ge=0.01,
        le=3600,
    )

    def rates(self) -> RateSettings:
        """The limits, each in units a second; 0 is no limit."""
        return RateSettings(
            device_events=self.max_events_per_second,
            device_bytes=self.max_bytes_per_second,
            profile_events=self.profile_events_per_second,
            profile_bytes=self.profile_bytes_per_second,
            address_events=self.address_events_per_second,
            address_bytes=self.address_bytes_per_second,
            device_frames=self.max_frames_per_second,
            burst=self.rate_burst_seconds,
            profile_daily_bytes=self.profile_bytes_per_day,
        )
