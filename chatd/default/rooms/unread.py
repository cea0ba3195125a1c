"""Unread counts: what others have said behind a member's marker. A count is a subtraction of
running counts, never a counting; only mentions, which are few, are counted, by their key.

``room.said`` counts all that was ever said in a room; each event has that count from before it
(``said``), and the same of its own sender (``own``). So a member's count is: said since the marker,
less what the member said itself, less what was erased since.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chatd.core.notable import FIRST_APPLICATION_TYPE, FIRST_UNCOUNTED_TYPE
from chatd.default.rooms.access import Place
from chatd.default.rooms.mentions import EVERYBODY
from chatd.pb.events.v1.payloads_pb2 import EventType
from chatd.store.database import Database


def is_notable_sql(table: str) -> str:
    """``core.notable.is_notable`` of a row of room_event, by that name."""
    return (
        f"({table}.type = {int(EventType.EVENT_TYPE_MESSAGE)} OR "
        f"({table}.type >= {FIRST_APPLICATION_TYPE} AND {table}.type < {FIRST_UNCOUNTED_TYPE}))"
    )


_KEPT = (
    "CASE WHEN room.first_seq - 1 > subscription.joined_seq THEN room.first_seq - 1 ELSE "
    "subscription.joined_seq END"
)
_AFTER = f"CASE WHEN read_marker.seq > {_KEPT} THEN read_marker.seq ELSE {_KEPT} END"
"""The last seq that is read, from before the profile joined, or removed."""

_OWN = f"""
                WHERE own.room_id = room.room_id AND own.sender_id = subscription.profile_id AND own.seq > {_AFTER}
                ORDER BY own.seq"""

COUNT = f"""CAST(
            COALESCE(room.said - (
                SELECT first.said
                FROM room_event first
                WHERE first.room_id = room.room_id AND first.seq = {_AFTER} + 1), 0)
            - COALESCE((
                SELECT own.own + CASE WHEN {is_notable_sql("own")} THEN 1 ELSE 0 END
                FROM room_event own{_OWN} DESC
                LIMIT 1) - (
                SELECT own.own
                FROM room_event own{_OWN}
                LIMIT 1), 0)
            - (
                SELECT COUNT(*)
                FROM room_event erased
                WHERE erased.room_id = room.room_id AND erased.type = {int(EventType.EVENT_TYPE_ERASED)}
                    AND erased.seq > {_AFTER})
            AS BIGINT)"""
"""The unread count of a row of ``MEMBERSHIPS``."""

MENTIONS = f"""CAST((
                SELECT COUNT(*)
                FROM mention
                WHERE mention.profile_id = subscription.profile_id AND mention.room_id = room.room_id
                    AND mention.seq > {_AFTER}) + (
                SELECT COUNT(*)
                FROM mention
                WHERE mention.profile_id = '{EVERYBODY}' AND mention.room_id = room.room_id
                    AND mention.seq > {_AFTER} AND mention.sender_id <> subscription.profile_id)
            AS BIGINT)"""
"""The number of unread events that mention the profile of such a row."""

MEMBERSHIPS = """
            JOIN room ON room.room_id = subscription.room_id
            LEFT JOIN read_marker ON read_marker.profile_id = subscription.profile_id
                AND read_marker.room_id = subscription.room_id"""
"""Joined to ``subscription``, of which only active rows may be looked at."""


class Counts(NamedTuple):
    """Unread events, and those among them that mention the profile."""

    unread: int = 0
    mentions: int = 0


def read_unread(database: Database, places: Sequence[Place]) -> dict[Place, Counts]:
    """The unread counts of profiles in rooms; places without a membership are left out."""
    values, parameters = database.values("tt", places)
    rows = database.rows(
        f"""
        WITH v(profile_id, room_id) AS ({values})
        SELECT v.profile_id, v.room_id, {COUNT}, {MENTIONS}
        FROM v
        JOIN subscription ON subscription.profile_id = v.profile_id AND subscription.room_id = v.room_id
            AND subscription.left_seq IS NULL{MEMBERSHIPS}
        """,
        parameters,
    )
    return {(profile_id, room_id): Counts(*counts) for profile_id, room_id, *counts in rows}
