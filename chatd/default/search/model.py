"""Values of the index and of what is found in it. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass
from typing import NamedTuple

from chatd.default.search.snippet import Part

PLACES_A_MS = 1 << 20
"""An indexed event has a number made of its time in milliseconds and its place among those of the
same one: newest first is one order over all rooms, and a time is a range of numbers."""


class Document(NamedTuple):
    """An event to index. ``words`` has its room's and its sender's as well."""

    room_id: str
    seq: int
    sent_at_us: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indexed:
    """The next part of some rooms' logs: what is to be indexed of it, and the seq that each room is
    then indexed up to. ``more``: rooms that have events behind it."""

    documents: tuple[Document, ...]
    marks: tuple[tuple[str, int], ...]
    more: tuple[str, ...]


class Found(NamedTuple):
    """An encoded EventDelivery and its snippet."""

    delivery: bytes
    snippet: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Newest first. ``next_after`` is where the next page begins; 0: there is none. ``unindexed``
    counts events of the rooms that the index does not know yet."""

    found: tuple[Found, ...]
    next_after: int
    unindexed: int


def first_number(at_us: int) -> int:
    """The number before which all events from before the millisecond of ``at_us`` are."""
    return min(at_us // 1_000 * PLACES_A_MS, 2**63 - 1)
