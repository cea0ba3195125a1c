"""Limits of pages: how many rows one answer lists, and one transaction makes."""

from chatd.errors import InvalidArgument

MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100
MAX_PAGE_BYTES = 1_048_576
"""A page of events or requests ends here, however many were asked for: it travels as one frame."""
MAX_NEW_ENTRIES = 10_000
"""Outbox entries that are made at once: some 50 ms of the writer."""


def page_limit(limit: int, *, most: int = MAX_LIMIT, default: int = DEFAULT_LIMIT) -> int:
    """Rows to list when a request asks for ``limit`` (0: ``default``). Raises InvalidArgument."""
    if limit > most:
        raise InvalidArgument(f"limit {limit}; at most {most}")
    return limit or default
