"""Retry-After, as HTTP services write it."""

import pytest

from chatd.notify.http_answer import LONGEST_RETRY_AFTER, retry_after

NOW = 1_795_464_916.0
"""Mon, 23 Nov 2026 20:15:16 GMT."""


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Mon, 23 Nov 2026 20:16:16 GMT", 60.0),
        ("Mon, 23 Nov 2026 20:00:00 GMT", 0.0),
        ("99999999999999999999999", LONGEST_RETRY_AFTER),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        ("٣", 0.0),
    ],
)
def test_seconds_or_a_date(header: str, seconds: float) -> None:
    assert retry_after(header, NOW) == seconds
