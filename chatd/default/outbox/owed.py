"""OwedWalk: what all devices together are owed. No index knows that: an event changes one row,
however many receive it. So somebody who wants to know starts a walk through the outbox, a short
page at a time, and is told what the last one found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.metric import Gauge
from chatd.errors import ChatdError
from chatd.store.access import StoreAccess, log_failure
from chatd.store.command import Query
from chatd.store.database import Database

PAGE = 1_000
"""Entries that are read at once: 1 ms of SQLite, a few of PostgreSQL."""
PAUSE_SECONDS = 0.5
"""Between two pages: a walk is never more than some hundredths of a core, and through a million
entries takes ten minutes."""
WALK_SECONDS = 5.0
"""A walk begins no sooner than so long after the last one's end."""

_Place = tuple[str, str, str, int]
"""An entry's profile, device, room and start."""
_START: _Place = ("", "", "", 0)


class OwedPage(NamedTuple):
    """``oldest_us`` is when the oldest event that is owed was sent; None: none is. ``last`` is the
    place of the page's last entry; None: there are no more."""

    owed: int
    oldest_us: int | None
    last: _Place | None


@dataclass(frozen=True, slots=True)
class ReadOwed(Query[OwedPage]):
    """The entries after a place, ``limit`` at most. Removed events are not owed."""

    after: _Place
    limit: int

    def answer(self, database: Database) -> OwedPage:
        ends = database.rows(
            """
            SELECT o.profile_id, o.device_id, o.room_id, o.start_seq
            FROM outbox o
            WHERE (o.profile_id, o.device_id, o.room_id, o.start_seq) > (?, ?, ?, ?)
            ORDER BY o.profile_id, o.device_id, o.room_id, o.start_seq
            LIMIT 1 OFFSET ?
            """,
            (*self.after, self.limit - 1),
        )
        last: _Place | None = ends[0] if ends else None
        # A subquery for each entry: a join would read the log without PostgreSQL's statistics.
        ((owed, oldest_us),) = database.rows(
            """
            SELECT SUM(owed.last_seq - owed.next_seq + 1), MIN((
                SELECT room_event.sent_at_us
                FROM room_event
                WHERE room_event.room_id = owed.room_id AND room_event.seq = owed.next_seq))
            FROM (
                SELECT page.room_id, COALESCE(page.until_seq, room.head_seq) AS last_seq,
                    CASE WHEN page.acked_seq < room.first_seq THEN room.first_seq ELSE page.acked_seq + 1 END
                        AS next_seq
                FROM (
                    SELECT o.room_id, o.until_seq, o.acked_seq
                    FROM outbox o
                    WHERE (o.profile_id, o.device_id, o.room_id, o.start_seq) > (?, ?, ?, ?)
                    ORDER BY o.profile_id, o.device_id, o.room_id, o.start_seq
                    LIMIT ?) page
                JOIN room ON room.room_id = page.room_id) owed
            WHERE owed.last_seq >= owed.next_seq
            """,
            (*self.after, self.limit),
        )
        return OwedPage(int(owed or 0), oldest_us, last)


class OwedWalk:
    """``now`` is a steady clock in seconds, ``clock`` gives microseconds since the Unix epoch,
    ``later`` calls back after so many seconds."""

    def __init__(
        self,
        store: StoreAccess,
        *,
        clock: Callable[[], int],
        now: Callable[[], float],
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._store = store
        self._clock = clock
        self._now = now
        self._later = later
        self._is_walking = False
        self._again_at = 0.0
        self._after = _START
        self._found: OwedPage | None = None
        self._sum = OwedPage(0, None, None)
        self.gauges = (
            Gauge(
                "events_owed",
                "events that devices have not acknowledged, each counted for each device",
                self._owed,
            ),
            Gauge(
                "owed_oldest_age_seconds", "age of the oldest event that a device is owed", self._oldest_age
            ),
        )

    def read(self) -> OwedPage | None:
        """The last walk's sum; None: there was none yet, or the database does not answer. Starts
        the next walk when it is time."""
        if not self._is_walking and self._now() >= self._again_at:
            self._is_walking = True
            self._after, self._sum = _START, OwedPage(0, None, None)
            self._step()
        return self._found

    def _owed(self) -> float | None:
        found = self.read()
        return None if found is None else found.owed

    def _oldest_age(self) -> float | None:
        found = self.read()
        if found is None or found.oldest_us is None:
            return None if found is None else 0.0
        return max(0.0, (self._clock() - found.oldest_us) / 1e6)

    def _step(self) -> None:
        self._store.ask(ReadOwed(self._after, PAGE), self._on_page, self._failed)

    def _on_page(self, page: OwedPage) -> None:
        oldest = [one for one in (self._sum.oldest_us, page.oldest_us) if one is not None]
        self._sum = OwedPage(self._sum.owed + page.owed, min(oldest, default=None), None)
        if page.last is not None:
            self._after = page.last
            self._later(PAUSE_SECONDS, self._step)
        else:
            self._end(self._sum)

    def _failed(self, error: ChatdError) -> None:
        log_failure(error)
        self._end(None)

    def _end(self, found: OwedPage | None) -> None:
        self._found = found
        self._is_walking = False
        self._again_at = self._now() + WALK_SECONDS
