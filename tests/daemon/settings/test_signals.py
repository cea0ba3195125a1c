from chatd.core.rate_limit import Rate
from chatd.daemon.settings.signals import SignalsSection


def test_times_and_rates_are_of_seconds() -> None:
    section = SignalsSection(signal_flush_ms=20, typing_per_second=0.5, typing_burst=3)
    assert section.flush() == 0.02
    assert section.typing_rate() == Rate(0.5, 3)
