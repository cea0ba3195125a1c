"""Device streams: heartbeats, windows, acks, and the pulls that repair them."""

from typing import ClassVar

from chatd.daemon.settings.section import MIB, MS_PER_SECOND, Section, number
from chatd.gateway.opening import StreamDefaults
from chatd.gateway.stream_timeouts import MISSED_HEARTBEATS


class StreamsSection(Section):
    """A gateway's; a device's Hello may ask for another window."""

    title: ClassVar[str] = "Streams"

    heartbeat_interval_ms: int = number(
        30_000,
        "Milliseconds after which a device with nothing else to send must send a heartbeat. The gateway ends "
        "a stream that has been silent for three times as long; the kernel finds a host that vanished "
        "within a minute. Each heartbeat wakes a phone.",
        unit="ms",
        ge=100,
        le=600_000,
    )
    window_messages: int = number(
        64,
        "Number of deliveries that a stream may have unacknowledged, unless the device's Hello asks for "
        "another window.",
        unit="deliveries",
        ge=1,
        le=65_536,
    )
    window_bytes: int = number(
        256 * 1024,
        "Total size in bytes of the deliveries that a stream may have unacknowledged, unless the device's "
        "Hello asks for another window.",
        unit="bytes",
        ge=1024,
        le=16 * MIB,
    )
    ack_flush_ms: int = number(
        1_000,
        "Longest time in milliseconds that a gateway gathers acks before a default node writes them together. "
        "While few devices acknowledge, their acks are sent to a node within 50 ms, and so are those of a "
        "stream that ends. After a crash of a gateway a device may be given again what it acknowledged in this "
        "time, in 50 ms more, and in the time that a default node takes to answer: with the default in at most "
        "2 s, while nodes answer within 0.9 s.",
        unit="ms",
        ge=1,
        le=10_000,
    )
    repair_pull_seconds: float = number(
        600.0,
        "Seconds after which a stream that has been quiet pulls from its outbox, a last safety: a message "
        "that the queue loses is found by its number within about a second. The time varies at random "
        "around this value.",
        unit="s",
        ge=0.05,
        le=3600,
    )
    connection_touch_seconds: float = number(
        120.0,
        "Seconds between two notes in the connection metadata that a device is still there, which operators "
        "see as its last sign of "
        "life. With 0 every heartbeat is noted. Default nodes, too, need this and HEARTBEAT_INTERVAL_MS as the "
        "gateways have them: a connection that has missed three notes has gone, and is no longer shown.",
        unit="s",
        ge=0,
        le=3600,
    )

    def heartbeat_interval(self) -> float:
        """Seconds."""
        return self.heartbeat_interval_ms / MS_PER_SECOND

    def longest_silence(self) -> float:
        """Seconds after which a gateway ends a stream that is silent."""
        return MISSED_HEARTBEATS * self.heartbeat_interval()

    def connection_expiry(self) -> float:
        """Seconds in which three notes of a device that lives would have come."""
        return 3 * (self.connection_touch_seconds + self.heartbeat_interval())

    def defaults(self, gateway_id: str) -> StreamDefaults:
        """The terms that a gateway's Welcome states."""
        return StreamDefaults(
            gateway_id=gateway_id,
            heartbeat_interval=self.heartbeat_interval(),
            window_messages=self.window_messages,
            window_bytes=self.window_bytes,
        )

    def ack_flush(self) -> float:
        """Seconds."""
        return self.ack_flush_ms / MS_PER_SECOND
