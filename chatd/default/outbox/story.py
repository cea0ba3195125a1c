"""The story of one event's way to one profile, from what is stored anyway."""

from dataclasses import dataclass

from chatd.core.wire import link_of
from chatd.default.dead_letters.delivery_state import JOINS, STATE, WAS_OWED
from chatd.default.outbox.model import DeviceStory, Membership, Story
from chatd.default.rooms.access import require_room
from chatd.errors import EventNotFound
from chatd.pb.events.v1.payloads_pb2 import EventLink
from chatd.store.command import Query
from chatd.store.database import Database

_MEMBERSHIP = """
            SELECT subscription.joined_seq, COALESCE(joined.sent_at_us, 0),
                subscription.left_seq, COALESCE(ended.sent_at_us, 0)
            FROM subscription
            LEFT JOIN room_event joined ON joined.room_id = subscription.room_id
                AND joined.seq = subscription.joined_seq
            LEFT JOIN room_event ended ON ended.room_id = subscription.room_id
                AND ended.seq = subscription.left_seq
            WHERE subscription.room_id = ? AND subscription.profile_id = ? AND """


@dataclass(frozen=True, slots=True)
class TellStory(Query[Story]):
    """The event is named by room and seq, or by ``event_id``, with or without its sender. An empty
    profile: the event alone. Raises RoomNotFound, EventNotFound."""

    room_id: str
    seq: int
    event_id: str
    sender_id: str
    profile_id: str
    device_id: str

    def answer(self, database: Database) -> Story:
        room_id, seq = self._find(database) if self.event_id else (self.room_id, self.seq)
        rows = database.rows(
            """
            SELECT room_event.event_id, room_event.sender_id, room_event.type, room_event.sent_at_us,
                room_event.delivery, room.published_seq, room.first_seq
            FROM room_event
            JOIN room ON room.room_id = room_event.room_id
            WHERE room_event.room_id = ? AND room_event.seq = ?
            """,
            (room_id, seq),
        )
        if not rows:
            require_room(database, room_id)
            raise EventNotFound(f"room '{room_id}' has no event {seq}, or no longer")
        event_id, sender_id, type_, sent_at_us, delivery, published_seq, first_seq = rows[0]
        link = link_of(bytes(delivery))
        if not delivery:
            link = EventLink(
                event_id=event_id, room_id=room_id, seq=seq, sender_id=sender_id, sent_at_us=sent_at_us
            )
            link.type = type_
        membership = self._membership(database, link, covers=True)
        return Story(
            link=link,
            published=published_seq >= seq,
            removed=seq < first_seq,
            membership=membership,
            nearest=None if membership else self._membership(database, link, covers=False),
            devices=self._devices(database, link, membership),
            read_at_us=self._read_at(database, link),
        )

    def _find(self, database: Database) -> tuple[str, int]:
        """The room and seq of the event with this id. Ids are each sender's own, and are indexed by
        sender: one after the other is looked up."""
        rows = (
            database.rows(
                "SELECT room_id, seq FROM room_event WHERE sender_id = ? AND event_id = ?",
                (self.sender_id, self.event_id),
            )
            if self.sender_id
            else database.rows(
                """
                WITH RECURSIVE sender(id) AS (
                    SELECT MIN(sender_id) FROM room_event
                    UNION ALL
                    SELECT (SELECT MIN(sender_id) FROM room_event WHERE sender_id > sender.id)
                    FROM sender
                    WHERE sender.id IS NOT NULL)
                SELECT room_event.room_id, room_event.seq
                FROM sender
                JOIN room_event ON room_event.sender_id = sender.id AND room_event.event_id = ?
                LIMIT 1
                """,
                (self.event_id,),
            )
        )
        if not rows:
            raise EventNotFound(f"there is no event with the id '{self.event_id}', or no longer")
        room_id, seq = rows[0]
        return room_id, seq

    def _membership(self, database: Database, link: EventLink, *, covers: bool) -> Membership | None:
        where = (
            "subscription.joined_seq <= ? AND (subscription.left_seq IS NULL OR subscription.left_seq >= ?)"
        )
        if not covers:
            # The next one first, else the last.
            where = """(subscription.joined_seq > ? OR subscription.left_seq < ?)
            ORDER BY CASE WHEN subscription.joined_seq > ? THEN subscription.joined_seq END IS NULL,
                CASE WHEN subscription.joined_seq > ? THEN subscription.joined_seq
                    ELSE -subscription.joined_seq END
            LIMIT 1"""
        seqs = (link.seq,) * where.count("?")
        rows = database.rows(_MEMBERSHIP + where, (link.room_id, self.profile_id, *seqs))
        return Membership(*rows[0]) if rows else None

    def _devices(
        self, database: Database, link: EventLink, membership: Membership | None
    ) -> tuple[DeviceStory, ...]:
        rows = database.rows(
            f"""
            SELECT device.device_id, device.created_at_us, device.seen_at_us,
                CASE WHEN subscription.joined_seq IS NOT NULL AND {WAS_OWED} THEN 1 ELSE 0 END,
                {STATE},
                COALESCE(outbox.acked_seq, 0),
                CASE WHEN outbox.acked_seq < room_event.seq
                    THEN room_event.seq - 1 - CASE WHEN outbox.acked_seq < room.first_seq - 1
                        THEN room.first_seq - 1 ELSE outbox.acked_seq END
                    ELSE 0 END,
                COALESCE(dead_letter.attempts, delivery_attempt.attempts, 0),
                COALESCE(dead_letter.first_failed_at_us, delivery_attempt.first_at_us, 0),
                COALESCE(dead_letter.dead_at_us, delivery_attempt.last_at_us, 0),
                COALESCE(dead_letter.letter_id, ''), COALESCE(dead_letter.state, ''),
                COALESCE(dead_letter.text, ''),
                COALESCE(push.notifier, ''), COALESCE(push.notified_at_us, 0)
            FROM device
            JOIN room_event ON room_event.room_id = ? AND room_event.seq = ?
            JOIN room ON room.room_id = room_event.room_id
            LEFT JOIN subscription ON subscription.room_id = room_event.room_id
                AND subscription.profile_id = device.profile_id AND subscription.joined_seq = ?{JOINS}
            LEFT JOIN delivery_attempt ON delivery_attempt.profile_id = device.profile_id
                AND delivery_attempt.device_id = device.device_id
                AND delivery_attempt.room_id = room_event.room_id
                AND delivery_attempt.seq = room_event.seq
            LEFT JOIN push ON push.profile_id = device.profile_id AND push.device_id = device.device_id
            WHERE device.profile_id = ? AND ? IN ('', device.device_id)
            ORDER BY device.device_id
            """,
            (
                link.room_id,
                link.seq,
                membership.joined_seq if membership else -1,
                self.profile_id,
                self.device_id,
            ),
        )
        return tuple(_device(*row) for row in rows)

    def _read_at(self, database: Database, link: EventLink) -> int:
        rows = database.rows(
            "SELECT read_at_us FROM read_marker WHERE profile_id = ? AND room_id = ? AND seq >= ?",
            (self.profile_id, link.room_id, link.seq),
        )
        return rows[0][0] if rows else 0


def _device(
    device_id: str, created_at_us: int, seen_at_us: int, is_recipient: int, state: int, *rest: object
) -> DeviceStory:
    is_for_it = bool(is_recipient)
    return DeviceStory(device_id, created_at_us, seen_at_us, is_for_it, state if is_for_it else 0, *rest)  # type: ignore[arg-type]
