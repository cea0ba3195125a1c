"""A day's bytes of a profile: all at once or little by little, and no more."""

import math

import pytest

from chatd.errors import RateLimited
from chatd.gateway.connection import ClientConnection
from chatd.gateway.rate_limits import RateLimits, RateSettings
from tests.gateway.links import KeptLink

DAY = 86_400.0
BYTES = 1_000


def limits(daily: float = BYTES) -> RateLimits:
    return RateLimits(RateSettings(0, 0, 0, 0, 0, 0, 0, 1, profile_daily_bytes=daily))


def send(limits: RateLimits, profile_id: str, size: int, now: float) -> float:
    """Seconds until it may be sent; 0.0: it was."""
    try:
        limits.admit(ClientConnection(KeptLink(), now), profile_id, events=1, size=size, now=now)
    except RateLimited as exc:
        return exc.retry_after_ms / 1e3 if "1,000 bytes a day" in str(exc) else -1.0
    return 0.0


def test_a_day_may_be_used_up_at_once_on_any_connections() -> None:
    known = limits()
    assert send(known, "ann", 600, 0.0) == 0.0
    assert send(known, "ann", 400, 1.0) == 0.0
    wait = send(known, "ann", 100, 2.0)
    assert wait == pytest.approx(DAY / 10 - 2, abs=1.0)
    assert send(known, "ben", 1_000, 2.0) == 0.0


def test_what_was_used_comes_back_over_a_day() -> None:
    known = limits()
    assert send(known, "ann", 1_000, 0.0) == 0.0
    assert send(known, "ann", 500, DAY / 2 - 10) > 0.0
    assert send(known, "ann", 500, DAY / 2 + 10) == 0.0
    assert math.isclose(send(known, "ann", 1_000, DAY / 2 + 20), DAY, rel_tol=0.01)


def test_what_was_refused_is_not_counted() -> None:
    known = limits()
    assert send(known, "ann", 900, 0.0) == 0.0
    for _ in range(10):
        assert send(known, "ann", 200, 0.0) > 0.0
    assert send(known, "ann", 100, 0.0) == 0.0


def test_nothing_is_limited_by_0_nor_after_a_change_to_it() -> None:
    assert send(limits(0), "ann", 10**9, 0.0) == 0.0
    known = limits()
    assert send(known, "ann", 1_000, 0.0) == 0.0
    known.change(RateSettings(0, 0, 0, 0, 0, 0, 0, 1))
    assert send(known, "ann", 1_000, 0.0) == 0.0
