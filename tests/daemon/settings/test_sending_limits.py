from chatd.daemon.settings.sending_limits import SendingLimitsSection
from chatd.gateway.rate_limits import RateSettings


def test_each_limit_goes_to_its_place() -> None:
    section = SendingLimitsSection(
        max_events_per_second=1,
        max_bytes_per_second=2,
        max_frames_per_second=3,
        profile_events_per_second=4,
        profile_bytes_per_second=5,
        profile_bytes_per_day=9,
        address_events_per_second=6,
        address_bytes_per_second=7,
        rate_burst_seconds=8,
    )
    assert section.rates() == RateSettings(
        device_events=1,
        device_bytes=2,
        device_frames=3,
        profile_events=4,
        profile_bytes=5,
        profile_daily_bytes=9,
        address_events=6,
        address_bytes=7,
        burst=8,
    )
