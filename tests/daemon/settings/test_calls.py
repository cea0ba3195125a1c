from chatd.daemon.settings.calls import CallsSection


def test_the_timeout_is_in_seconds() -> None:
    assert CallsSection(call_timeout_ms=2_500).timeout() == 2.5
