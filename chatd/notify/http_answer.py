"""The answers of HTTP services that take notifications: taken, later, or never."""

import time
from email.utils import parsedate_to_datetime

import aiohttp

from chatd.core.notification import NotificationRefused, NotifyFailed, TargetGone

TOO_LARGE = 413
_LATER = (429, 503)
LONGEST_RETRY_AFTER = 86_400.0
"""Seconds: a service that names a longer time is asked again after this one."""


def check_answer(response: aiohttp.ClientResponse, *, gone: tuple[int, ...] = ()) -> None:
    """Return if the notification was taken (any 2xx). ``gone``: statuses that say the target has
    ended.

    Raises TargetGone, NotificationRefused for 413, NotifyFailed for all others, with the time of
    Retry-After if a 429 or 503 has one.
    """
    status = response.status
    if 200 <= status < 300:
        return
    if status in gone:
        raise TargetGone(f"HTTP {status}: the subscription has ended")
    if status == TOO_LARGE:
        raise NotificationRefused("HTTP 413: the notification is too large")
    header = response.headers.get("Retry-After", "") if status in _LATER else ""
    raise NotifyFailed(f"HTTP {status}", retry_after=retry_after(header, time.time()))


def retry_after(header: str, now: float) -> float:
    """Seconds that the header asks to wait, 0.0 to LONGEST_RETRY_AFTER: a number of them, or a date
    (RFC 9110, 10.2.3). 0.0 if it is neither. ``now``: seconds since the Unix epoch."""
    text = header.strip()
    try:
        seconds = (
            float(int(text))
            if text.isascii() and text.isdigit()
            else parsedate_to_datetime(text).timestamp() - now
        )
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)
