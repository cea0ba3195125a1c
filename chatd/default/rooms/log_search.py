"""The place of a time in a room's log, which is in the order of time as far as the clock was."""


def last_before_sql(room_id: str, after: str, head: str, time_us: str) -> str:
    """The last seq behind ``after`` up to ``head`` whose event is from before ``time_us``;
    ``after`` if there is none, or if nobody knows any more. All of them are SQL. A search by
    halves: some twenty look-ups by key in a log of a million events."""
    middle = "(search.low + search.high + 1) / 2"
    # Removed events have no row: they are before all others.
    is_before = f"""COALESCE((
                        SELECT CASE WHEN halfway.sent_at_us < {time_us} THEN 1 ELSE 0 END
                        FROM room_event halfway
                        WHERE halfway.room_id = {room_id} AND halfway.seq = {middle}), 1) = 1"""
    return f"""(
                WITH RECURSIVE search(low, high) AS (
                    SELECT {after}, {head}
                    UNION ALL
                    SELECT CASE WHEN {is_before} THEN {middle} ELSE search.low END,
                        CASE WHEN {is_before} THEN search.high ELSE {middle} - 1 END
                    FROM search
                    WHERE search.low < search.high)
                SELECT CASE
                    WHEN EXISTS (
                        SELECT 1
                        FROM room_event known
                        WHERE known.room_id = {room_id} AND known.seq = search.low)
                    THEN search.low
                    ELSE {after}
                END
                FROM search
                WHERE search.low = search.high)"""
