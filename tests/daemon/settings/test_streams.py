from chatd.daemon.settings.streams import StreamsSection


def test_times_are_in_seconds() -> None:
    section = StreamsSection(heartbeat_interval_ms=1_500, ack_flush_ms=20)
    assert (section.heartbeat_interval(), section.ack_flush()) == (1.5, 0.02)
    assert section.longest_silence() == 4.5


def test_a_connection_goes_when_three_notes_have_not_come() -> None:
    assert StreamsSection().connection_expiry() == 450
    assert StreamsSection(connection_touch_seconds=0, heartbeat_interval_ms=1_000).connection_expiry() == 3
