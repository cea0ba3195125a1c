"""Appending events: access, duplicates, places in the log. Four statements however many events a
batch holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.core.priority import URGENT
from chatd.default.messages.model import NewEvent, StoredEvent
from chatd.default.rooms.access import room_for
from chatd.errors import ChatdError, EventIdReused
from chatd.pb.events.v1.payloads_pb2 import EventLink
from chatd.store.command import Command, Locks, Turn
from chatd.store.database import chunks
from chatd.store.transaction import Transaction

_Known = dict[tuple[str, str], tuple[bytes, StoredEvent]]
"""(sender, event id) → content hash and place."""


@dataclass(frozen=True, slots=True)
class StoreEvents(Command[tuple[StoredEvent, ...]]):
    """Append events, all or none. Refused with NotAMember, EventIdReused."""

    sender_id: str
    events: tuple[NewEvent, ...]

    def locks(self) -> Locks:
        return Locks(rooms=[event.room_id for event in self.events])

    def turn(self) -> Turn:
        return Turn.URGENT if any(event.priority >= URGENT for event in self.events) else Turn.NORMAL

    def owner(self) -> str:
        return self.sender_id

    def weight(self) -> int:
        return len(self.events)

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[StoreEvents]
    ) -> list[tuple[StoredEvent, ...] | ChatdError]:
        known = _find_known(transaction, commands)
        results: list[tuple[StoredEvent, ...] | ChatdError] = []
        for command in commands:
            try:
                _check(transaction, command, known)
            except ChatdError as exc:
                results.append(exc)
            else:
                results.append(
                    tuple(_store(transaction, command.sender_id, event, known) for event in command.events)
                )
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
            room_for(transaction, event.room_id, command.sender_id)


def _store(transaction: Transaction, sender_id: str, event: NewEvent, known: _Known) -> StoredEvent:
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
    seq = log.append(
        room, link, event.payload, event.content_hash, log.members(room), compressed=event.compressed
    )
    repeated = StoredEvent(event.event_id, event.room_id, seq, transaction.now_us, duplicate=True)
    known[sender_id, event.event_id] = (event.content_hash, repeated)
    return StoredEvent(event.event_id, event.room_id, seq, transaction.now_us, duplicate=False)
