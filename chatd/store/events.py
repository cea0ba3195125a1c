"""Appending events: access, duplicates, places in the log. Four statements however many events a batch holds."""

from collections.abc import Sequence

from chatd.core.model import NewEvent, StoredEvent
from chatd.errors import ChatdError, EventIdReused, NotAMember, RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import EventLink
from chatd.store.commands import StoreEvents
from chatd.store.transaction import Transaction

_Known = dict[tuple[str, str], tuple[bytes, StoredEvent]]
"""(sender, event id) → content hash and place."""


def store_events(transaction: Transaction, commands: Sequence[StoreEvents]) -> list[tuple[StoredEvent, ...] | ChatdError]:
    """Each request is stored whole or refused whole; its refusal does not touch the others."""
    known = _find_known(transaction, commands)
    results: list[tuple[StoredEvent, ...] | ChatdError] = []
    for command in commands:
        try:
            _check(transaction, command, known)
        except ChatdError as exc:
            results.append(exc)
        else:
            results.append(tuple(_store(transaction, command.sender_id, event, known) for event in command.events))
    return results


def _find_known(transaction: Transaction, commands: Sequence[StoreEvents]) -> _Known:
    ids = {(command.sender_id, event.event_id) for command in commands for event in command.events}
    known: _Known = {}
    pairs = sorted(ids)
    for start in range(0, len(pairs), 10_000):
        values, parameters = transaction.database.values("tt", pairs[start : start + 10_000])
        rows = transaction.database.rows(
            f"WITH v(sender_id, event_id) AS ({values}) SELECT e.sender_id, e.event_id, e.content_hash, e.room_id, e.seq, e.sent_at_us "
            "FROM v JOIN room_event e ON e.sender_id = v.sender_id AND e.event_id = v.event_id",
            parameters,
        )
        for sender_id, event_id, content_hash, room_id, seq, sent_at_us in rows:
            known[sender_id, event_id] = (bytes(content_hash), StoredEvent(event_id, room_id, seq, sent_at_us, duplicate=True))
    return known


def _check(transaction: Transaction, command: StoreEvents, known: _Known) -> None:
    """Raise if any event of the request cannot be stored; nothing has been changed then."""
    mine: dict[str, NewEvent] = {}
    for event in command.events:
        earlier = known.get((command.sender_id, event.event_id))
        first = mine.setdefault(event.event_id, event)
        if (earlier is not None and earlier[0] != event.content_hash) or first.content_hash != event.content_hash:
            raise EventIdReused(f"event id {event.event_id!r} was used for other content")
        if earlier is not None:
            continue  # a retry gets its first answer, whatever has become of the sender's membership since
        room = transaction.rooms.get(event.room_id)
        if room is None:
            raise RoomNotFound(f"no room {event.room_id!r}")
        if command.sender_id not in transaction.members(room).profiles:
            raise NotAMember(f"{command.sender_id!r} is not a member of room {event.room_id!r}")


def _store(transaction: Transaction, sender_id: str, event: NewEvent, known: _Known) -> StoredEvent:
    earlier = known.get((sender_id, event.event_id))
    if earlier is not None:
        return earlier[1]
    room = transaction.rooms[event.room_id]
    link = EventLink(event_id=event.event_id, sender_id=sender_id)
    link.type = event.type  # type: ignore[assignment]
    if event.priority:
        link.priority = event.priority
        link.mentions.extend(event.mentions)
    seq = transaction.append(room, link, event.payload, event.content_hash, transaction.members(room), compressed=event.compressed)
    known[sender_id, event.event_id] = (
        event.content_hash,
        StoredEvent(event.event_id, event.room_id, seq, transaction.now_us, duplicate=True),
    )
    return StoredEvent(event.event_id, event.room_id, seq, transaction.now_us, duplicate=False)
