"""Appending events: access, duplicates, places in the log, mentions. Four statements however many
events a batch holds, and more only for mentions of members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.core.notable import is_notable
from chatd.core.priority import URGENT
from chatd.default.messages.model import NewEvent, StoredEvent
from chatd.default.rooms.access import authorise_send
from chatd.default.rooms.mentions import EVERYBODY, Mention, record_mentions
from chatd.errors import ChatdError, EventIdReused
from chatd.pb.events.v1.payloads_pb2 import EventLink
from chatd.store.command import Command, Locks, Turn
from chatd.store.statements import chunks
from chatd.store.transaction import Transaction

MENTIONS_OF_AN_EVENT = 16
"""Rows for mentions that cost as much as one event: 3.7 µs each, by 100,000 on SQLite."""
_Known = dict[tuple[str, str], tuple[bytes, StoredEvent]]
"""(sender, event id) → content hash and place."""


@dataclass(frozen=True, slots=True)
class StoreEvents(Command[tuple[StoredEvent, ...]]):
    """Append events, all or none. Refused with NotAMember, PermissionDenied, EventIdReused."""

    sender_id: str
    events: tuple[NewEvent, ...]

    def locks(self) -> Locks:
        return Locks(rooms=[event.room_id for event in self.events])

    def turn(self) -> Turn:
        return Turn.URGENT if any(event.priority >= URGENT for event in self.events) else Turn.NORMAL

    def owner(self) -> str:
        return self.sender_id

    def weight(self) -> int:
        return len(self.events) + sum(len(event.mentions) for event in self.events) // MENTIONS_OF_AN_EVENT

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[StoreEvents]
    ) -> list[tuple[StoredEvent, ...] | ChatdError]:
        known = _find_known(transaction, commands)
        mentions: list[Mention] = []
        results: list[tuple[StoredEvent, ...] | ChatdError] = []
        for command in commands:
            try:
                _check(transaction, command, known)
            except ChatdError as exc:
                results.append(exc)
            else:
                results.append(
                    tuple(
                        _store(transaction, command.sender_id, event, known, mentions)
                        for event in command.events
                    )
                )
        if mentions:
            record_mentions(transaction.database, mentions)
        return results


def _find_known(transaction: Transaction, commands: Sequence[StoreEvents]) -> _Known:
    """The events of the commands that are stored already."""
    ids = {(command.sender_id, event.event_id) for command in commands for event in command.events}
    known: _Known = {}
    for chunk in chunks(sorted(ids), columns=2):
        values, parameters = transaction.database.values("tt", chunk)
        rows = transaction.database.rows(
            f"""
            WITH v(sender_id, event_id) AS ({values})
            SELECT room_event.sender_id, room_event.event_id, room_event.content_hash, room_event.room_id,
                room_event.seq,
                room_event.sent_at_us
            FROM v
            JOIN room_event ON room_event.sender_id = v.sender_id AND room_event.event_id = v.event_id
            """,
            parameters,
        )
        for sender_id, event_id, content_hash, room_id, seq, sent_at_us in rows:
            stored = StoredEvent(event_id, room_id, seq, sent_at_us, duplicate=True)
            known[sender_id, event_id] = (bytes(content_hash), stored)
    return known


def _check(transaction: Transaction, command: StoreEvents, known: _Known) -> None:
    """Raise if any event of the request cannot be stored; nothing has been changed then."""
    own: dict[str, NewEvent] = {}
    for event in command.events:
        earlier = known.get((command.sender_id, event.event_id))
        first = own.setdefault(event.event_id, event)
        if (
            earlier is not None and earlier[0] != event.content_hash
        ) or first.content_hash != event.content_hash:
            raise EventIdReused(f"event id '{event.event_id}' was used for other content")
        if earlier is None:  # a retry gets its first answer, even if its sender has left the room since
            authorise_send(
                transaction,
                event.room_id,
                command.sender_id,
                urgent=event.is_urgent,
                mention_all=event.mention_all,
            )


def _store(
    transaction: Transaction, sender_id: str, event: NewEvent, known: _Known, mentions: list[Mention]
) -> StoredEvent:
    """Append the event, if it is new, and its ``mentions``."""
    earlier = known.get((sender_id, event.event_id))
    if earlier is not None:
        return earlier[1]
    log = transaction.log
    room = log.room(event.room_id)
    link = EventLink(event_id=event.event_id, sender_id=sender_id)
    link.type = event.type  # type: ignore[assignment]
    if event.priority:
        link.priority = event.priority
        link.mentions.extend(event.mentions)
        link.mention_all = event.mention_all
    members = log.members(room)
    seq = log.append(room, link, event.payload, event.content_hash, members, compressed=event.compressed)
    if (event.mentions or event.mention_all) and is_notable(event.type):
        meant = (
            (EVERYBODY,) if event.mention_all else members.profiles.intersection(event.mentions) - {sender_id}
        )
        mentions += [Mention(profile_id, event.room_id, seq, sender_id) for profile_id in sorted(meant)]
    repeated = StoredEvent(event.event_id, event.room_id, seq, transaction.now_us, duplicate=True)
    known[sender_id, event.event_id] = (event.content_hash, repeated)
    return StoredEvent(event.event_id, event.room_id, seq, transaction.now_us, duplicate=False)
