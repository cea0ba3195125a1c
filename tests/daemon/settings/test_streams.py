from chatd.daemon.settings.streams import StreamsSection


def test_times_are_in_seconds() -> None:
    section = StreamsSection(heartbeat_interval_ms=1_500, ack_flush_ms=20)
    assert (section.heartbeat_interval(), section.ack_flush()) == (1.5, 0.02)
