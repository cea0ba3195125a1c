"""Times and ages: as people read them, as they write them."""

import re
import time

import pytest
import typer

from chatctl.times import age, age_since, ago, clock, now_us, parse_age, parse_time


@pytest.mark.parametrize(
    ("us", "shown"),
    [
        (-5_000_000, "0.0s"),
        (0, "0.0s"),
        (3_210_000, "3.2s"),
        (310_000_000, "5m10s"),
        (7_380_000_000, "2h03m"),
        (400_000_000_000, "4d15h"),
    ],
)
def test_ages(us: int, shown: str) -> None:
    assert age(us) == shown


def test_ages_are_counted_from_now() -> None:
    assert age_since(now_us() - 300_000_000) == "5m00s"
    assert ago(now_us() - 300_000_000) == "5m00s ago"


def test_a_clock_is_local_time() -> None:
    at_us = 1_700_000_000_999_999
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", clock(at_us))
    assert time.mktime(time.strptime(clock(at_us), "%Y-%m-%d %H:%M:%S")) == 1_700_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("90m", 5_400), ("12h", 43_200), ("30d", 2_592_000)],
)
def test_an_age_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_age(text) == seconds * 1_000_000


@pytest.mark.parametrize("text", ["", "soon", "10", "s", "-1s", "1.5h", "10w", "1234567890s"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not an age"):
        parse_age(text)


@pytest.mark.parametrize("text", ["2023-11-14 22:13:20Z", "2023-11-14T23:13:20+01:00", "20231114T221320Z"])
def test_a_time_with_its_zone(text: str) -> None:
    assert parse_time(text) == 1_700_000_000_000_000


def test_a_local_time_as_chatctl_shows_it() -> None:
    assert parse_time(clock(1_700_000_000_000_000)) == 1_700_000_000_000_000


def test_a_time_of_today_a_day_and_an_age() -> None:
    today = time.strftime("%Y-%m-%d")
    assert parse_time("14:05") == parse_time(f"{today} 14:05:00")
    assert parse_time(today) == parse_time("00:00")
    assert parse_time("12h") == pytest.approx(now_us() - 12 * 3_600_000_000, abs=5e6)


@pytest.mark.parametrize("text", ["", "soon", "17", "2023-13-01", "25:00", "12h ago", "9999-99-99"])
def test_any_other_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a time"):
        parse_time(text)
