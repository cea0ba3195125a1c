"""Erasing a profile: it leaves its rooms, its events lose their content and sender, and all that is
kept for it goes. In batches."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct

from chatd.core.ids import ERASED
from chatd.core.notable import is_notable
from chatd.core.wire import encode_delivery, link_of
from chatd.default.requests.store import erase_from_answers
from chatd.default.retention.model import Purged
from chatd.default.retention.orphans import delete_unused_profile
from chatd.default.rooms.deletion import end_memberships
from chatd.default.rooms.member_log import leave
from chatd.default.rooms.mentions import forget_mentions
from chatd.default.rooms.proposal_rows import erase_from_proposals, find_proposal_rooms
from chatd.default.search.removal import forget_events
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, EventType
from chatd.store.command import Command, Locks, Query
from chatd.store.database import Database
from chatd.store.statements import chunks, placeholders
from chatd.store.transaction import Transaction

_PROFILE_TABLES = (
    "push",
    "notification",
    "room_notification",
    "subscription",
    "room_role",
    "block",
    "named_in_event",
    "read_marker",
    "mention",
    "outbox",
    "delivery_attempt",
    "dead_letter",
    "delivery_gap",
    "connection",
    "device",
    "answered_request",
)

_ROOMS = """
            SELECT room_id FROM subscription WHERE profile_id = ? AND left_seq IS NULL
            UNION
            SELECT room_id FROM invitation WHERE profile_id = ?
            UNION
            SELECT room_id FROM invitation WHERE invited_by = ?
            UNION
            SELECT room_id FROM ban WHERE profile_id = ?
            UNION
            SELECT room_id FROM room WHERE created_by = ?
            ORDER BY 1
            LIMIT ?
            """
_BLOCKERS = "SELECT profile_id FROM block WHERE blocked_id = ? ORDER BY profile_id LIMIT ?"


class Traces(NamedTuple):
    """Rooms that a profile is a member of, is invited to, banned from, has made, has invited others
    to, or has to do with a proposal of; and profiles that have blocked it. Their rows change with
    these locked."""

    rooms: tuple[str, ...]
    blockers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindTraces(Query[Traces]):
    """The traces of a profile, ``limit`` at most of each kind."""

    profile_id: str
    limit: int

    def answer(self, database: Database) -> Traces:
        rooms = database.rows(_ROOMS, (*[self.profile_id] * _ROOMS.count("= ?"), self.limit))
        blockers = database.rows(_BLOCKERS, (self.profile_id, self.limit))
        return Traces(
            (
                *(room_id for (room_id,) in rooms),
                *find_proposal_rooms(database, self.profile_id, self.limit),
            ),
            tuple(blocker for (blocker,) in blockers),
        )


@dataclass(frozen=True, slots=True)
class EraseProfile(Command[Purged]):
    """One step of erasing a profile, of which nothing is left in ``traces``, and of whose events
    ``limit`` at most are blanked. The result's ``first_seq`` is 0. When nothing is left to do, the
    profile itself goes."""

    profile_id: str
    traces: Traces
    limit: int

    def locks(self) -> Locks:
        return Locks(
            rooms=self.traces.rooms,
            profiles=(self.profile_id, *self.traces.blockers),
            notifications=True,
            entries=((self.profile_id, "", ""),),
        )

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[EraseProfile]) -> list[Purged]:
        return [_erase(transaction, command) for command in commands]


def _erase(transaction: Transaction, command: EraseProfile) -> Purged:
    database, log = transaction.database, transaction.log
    profile_id = command.profile_id
    for room_id in command.traces.rooms:
        room = log.find(room_id)
        if room is not None and profile_id in log.members(room).profiles:
            if room.deleted_seq:
                end_memberships(transaction, room, (profile_id,))
            else:
                leave(transaction, room, (profile_id,), by=ERASED, shown_as={profile_id: ERASED})
    log.flush()
    _delete_traces(database, profile_id, command.traces)
    rows = database.rows(
        """
        SELECT room_id, seq, type, delivery
        FROM room_event
        WHERE sender_id = ?
        ORDER BY event_id
        LIMIT ?
        """,
        (profile_id, command.limit),
    )
    left = command.limit - len(rows)
    memberships = _membership_events(database, profile_id, left) if left > 0 else []
    for room_id, seq, kind, delivery in (*rows, *memberships):
        _blank(transaction, profile_id, room_id, seq, kind, bytes(delivery))
    forget_events(database, [(room_id, seq) for room_id, seq, _, _ in rows])
    if left > 0:
        _delete_past_memberships(transaction, profile_id, [*rows, *memberships])
    erased = len(rows) + len(memberships)
    more = erased >= command.limit or any(FindTraces(profile_id, 1).answer(database))
    if not more:
        _delete_rows(transaction, profile_id)
    return Purged(0, erased, more)


def _delete_traces(database: Database, profile_id: str, traces: Traces) -> None:
    for rooms in chunks(traces.rooms, columns=1):
        among = f"room_id IN ({placeholders(len(rooms))})"
        for table in ("invitation", "ban"):
            database.run(f"DELETE FROM {table} WHERE profile_id = ? AND {among}", (profile_id, *rooms))
        for table, column in (("invitation", "invited_by"), ("room", "created_by")):
            database.run(
                f"UPDATE {table} SET {column} = ? WHERE {column} = ? AND {among}",
                (ERASED, profile_id, *rooms),
            )
    for blockers in chunks(traces.blockers, columns=1):
        database.run(
            f"DELETE FROM block WHERE blocked_id = ? AND profile_id IN ({placeholders(len(blockers))})",
            (profile_id, *blockers),
        )
    erase_from_proposals(database, profile_id, traces.rooms)


def _membership_events(database: Database, profile_id: str, limit: int) -> list[tuple[str, int, int, bytes]]:
    """Membership events that others made and that name the profile: room, seq, type, delivery."""
    rows = database.rows(
        """
        SELECT room_event.room_id, room_event.seq, room_event.type, room_event.delivery
        FROM subscription
        JOIN room_event ON room_event.room_id = subscription.room_id
            AND (room_event.seq = subscription.joined_seq OR room_event.seq = subscription.left_seq)
        WHERE subscription.profile_id = ? AND room_event.type = ?
        UNION
        SELECT room_event.room_id, room_event.seq, room_event.type, room_event.delivery
        FROM named_in_event
        JOIN room_event ON room_event.room_id = named_in_event.room_id AND room_event.seq = named_in_event.seq
        WHERE named_in_event.profile_id = ?
        ORDER BY 1, 2
        LIMIT ?
        """,
        (profile_id, int(EventType.EVENT_TYPE_MEMBERSHIP), profile_id, limit),
    )
    return [(room_id, seq, kind, delivery) for room_id, seq, kind, delivery in rows]


def _delete_past_memberships(
    transaction: Transaction, profile_id: str, blanked: Sequence[tuple[str, int, int, bytes]]
) -> None:
    for room_id, seq, kind, _ in blanked:
        if kind == EventType.EVENT_TYPE_MEMBERSHIP:
            transaction.database.run(
                """
                DELETE FROM subscription
                WHERE profile_id = ? AND room_id = ? AND left_seq IS NOT NULL AND (left_seq <= ?
                    OR (joined_seq = ? AND left_seq = (
                        SELECT room.deleted_seq
                        FROM room
                        WHERE room.room_id = subscription.room_id)))
                """,
                (profile_id, room_id, seq, seq),
            )
            transaction.database.run(
                "DELETE FROM named_in_event WHERE profile_id = ? AND room_id = ? AND seq = ?",
                (profile_id, room_id, seq),
            )


def _blank(
    transaction: Transaction, profile_id: str, room_id: str, seq: int, kind: int, delivery: bytes
) -> None:
    """Take the profile out of one event. Its own events keep their place and time only; a
    membership keeps the other profiles. A message becomes ERASED, and only that: unread counts go
    by it (``rooms/unread.py``)."""
    membership = kind == EventType.EVENT_TYPE_MEMBERSHIP
    left_kind = EventType.EVENT_TYPE_ERASED if is_notable(kind) else kind
    if delivery:
        known = link_of(delivery)
        sender_id = ERASED if known.sender_id == profile_id else known.sender_id
        link = EventLink(room_id=room_id, seq=seq, sent_at_us=known.sent_at_us, sender_id=sender_id)
        payload = Struct()
        if membership:
            link.event_id, link.type = known.event_id, EventType.EVENT_TYPE_MEMBERSHIP
            payload = _without(_payload(delivery), profile_id)
        else:
            link.event_id = uuid.uuid4().hex
            link.type = left_kind  # type: ignore[assignment]
        delivery = encode_delivery(link, payload.SerializeToString(deterministic=True))
    else:
        sender_id, link = ERASED, EventLink(event_id=uuid.uuid4().hex)
        link.type = left_kind  # type: ignore[assignment]
    # A purge on another node may have emptied the event since it was read: it stays empty.
    transaction.database.run(
        """
        UPDATE room_event
        SET sender_id = ?, event_id = ?, type = ?, content_hash = ?,
            delivery = CASE WHEN LENGTH(delivery) > 0 THEN ? ELSE delivery END
        WHERE room_id = ? AND seq = ?
        """,
        (sender_id, link.event_id, int(link.type), b"", delivery, room_id, seq),
    )
    if is_notable(kind):
        forget_mentions(transaction.database, room_id, seq, seq)


def _payload(delivery: bytes) -> Struct:
    """The payload of a stored delivery; an empty one if it is damaged."""
    try:
        return EventDelivery.FromString(delivery).payload
    except DecodeError:
        return Struct()


def _without(payload: Struct, profile_id: str) -> Struct:
    """A membership's payload with the profile's id replaced."""
    changed = Struct()
    changed.CopyFrom(payload)
    for value in changed.fields.values():
        for one in value.list_value.values if value.HasField("list_value") else [value]:
            if one.string_value == profile_id:
                one.string_value = ERASED
    return changed


def _delete_rows(transaction: Transaction, profile_id: str) -> None:
    database = transaction.database
    transaction.must_hold(profile_id=profile_id, notifications=True)
    for table in _PROFILE_TABLES:
        database.run(f"DELETE FROM {table} WHERE profile_id = ?", (profile_id,))
    database.run("UPDATE profile SET rooms = 0 WHERE profile_id = ?", (profile_id,))
    # Another command of this transaction may make it a member again.
    transaction.at_end(partial(delete_unused_profile, transaction, profile_id))
    database.run(
        "UPDATE dead_letter SET sender_id = ?, event_id = '' WHERE sender_id = ?", (ERASED, profile_id)
    )
    erase_from_answers(transaction, profile_id)
