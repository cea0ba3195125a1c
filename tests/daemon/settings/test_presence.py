from chatd.core.rate_limit import Rate
from chatd.daemon.settings.presence import PresenceSection


def test_times_and_rates_are_of_seconds() -> None:
    section = PresenceSection(presence_settle_ms=250, presence_changes_per_minute=90, presence_burst=4)
    assert section.settle() == 0.25
    assert section.change_rate() == Rate(1.5, 4)
