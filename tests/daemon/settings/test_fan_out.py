from chatd.daemon.settings.fan_out import FanOutSection


def test_the_linger_is_in_seconds() -> None:
    assert FanOutSection(fanout_linger_ms=25).linger() == 0.025
