"""Rooms' logs inside one transaction: locked heads, events that get their place, and the runs to
fan out after the commit.

The engine knows this much of its subjects because the order of commits is the order of seqs.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from chatd.core.model import CommittedRun, Members
from chatd.core.notable import is_notable
from chatd.core.priority import NORMAL, URGENT
from chatd.core.wire import delivery_record, encode_delivery
from chatd.errors import RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import EventLink
from chatd.store.database import Database, chunks, placeholders

MEMBERS_KEPT = 1_000_000
"""Profiles, over all rooms, that a cache of members may hold."""
MAX_RUN_BYTES = 262_144
"""A run of this size is ended: it is published as one message, and must have a chance to fit a
window (WINDOW_BYTES)."""


class MembersCache:
    """Rooms' active subscribers by membership version. Threads may share it."""

    def __init__(self) -> None:
        self._rooms: OrderedDict[str, Members] = OrderedDict()
        self._profiles = 0
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all: a version of another log says nothing about this one's."""
        with self._lock:
            self._rooms.clear()
            self._profiles = 0

    def get(self, room_id: str, version: int) -> Members | None:
        """The members at that version, if they are known."""
        with self._lock:
            members = self._rooms.get(room_id)
            if members is None or members.version != version:
                return None
            self._rooms.move_to_end(room_id)
            return members

    def put(self, members: Members) -> None:
        """Keep them; the rooms unused for longest go when there are too many."""
        with self._lock:
            old = self._rooms.pop(members.room_id, None)
            self._profiles += len(members.profiles) - (len(old.profiles) if old else 0)
            self._rooms[members.room_id] = members
            while self._profiles > MEMBERS_KEPT and len(self._rooms) > 1:
                _, dropped = self._rooms.popitem(last=False)
                self._profiles -= len(dropped.profiles)


def read_members(database: Database, room_id: str, version: int) -> Members:
    """A room's active subscribers as they are now."""
    rows = database.rows(
        """
        SELECT profile_id
        FROM subscription
        WHERE room_id = ? AND left_seq IS NULL
        """,
        (room_id,),
    )
    return Members(room_id, version, frozenset(row[0] for row in rows))


@dataclass(slots=True)
class LockedRoom:
    """A room's row, locked until the transaction ends."""

    room_id: str
    head_seq: int
    version: int
    urgent_seq: int = 0
    """Its newest urgent event."""
    normal_seq: int = 0
    """Its newest event that is not bulk."""
    said: int = 0
    """Its notable events (``core.notable``), those that are no longer kept too."""
    changed: bool = False


@dataclass(slots=True)
class _Run:
    """Events of one room that follow each other, for the same recipients. ``alone``: nothing may be
    joined to it."""

    recipients: Members
    first_seq: int
    alone: bool
    priority: int
    size: int = 0
    records: list[bytes] = field(default_factory=list)


class RoomLog:
    """The logs that one transaction has locked. ``now_us`` is the time of all that it appends."""

    def __init__(self, database: Database, cache: MembersCache, now_us: int) -> None:
        self._database = database
        self._cache = cache
        self._now_us = now_us
        self._rooms: dict[str, LockedRoom] = {}
        self._members: dict[str, Members] = {}
        self._events: list[tuple[str, int, str, str, int, int, bytes, bytes, int, int]] = []
        self._own: dict[tuple[str, str], int] = {}  # (room, sender) → notable events among these
        self._runs: list[_Run] = []
        self._last_runs: dict[str, _Run] = {}
        self.newest: tuple[str, int, str] | None = None
        """Room, seq and id of the last event that was written."""

    def lock(self, room_ids: set[str], *, skip_held: bool = False) -> None:
        """Read and lock rooms in sorted order. Unknown ones stay absent, and with ``skip_held``
        those that another session holds."""
        skip = " SKIP LOCKED" if skip_held else ""
        for chunk in chunks(sorted(room_ids), columns=1):
            rows = self._database.rows(
                f"""
                SELECT room_id, head_seq, membership_version, urgent_seq, normal_seq, said
                FROM room
                WHERE room_id IN ({placeholders(len(chunk))})
                ORDER BY room_id{self._database.for_update}{skip}
                """,
                chunk,
            )
            self._rooms.update((row[0], LockedRoom(*row)) for row in rows)

    def add(self, room_id: str) -> LockedRoom:
        """A room that this transaction makes."""
        room = self._rooms[room_id] = LockedRoom(room_id, 0, 0)
        return room

    def find(self, room_id: str) -> LockedRoom | None:
        """A locked room, or None."""
        return self._rooms.get(room_id)

    def room(self, room_id: str) -> LockedRoom:
        """A locked room. Raises RoomNotFound."""
        room = self._rooms.get(room_id)
        if room is None:
            raise RoomNotFound(f"no room '{room_id}'")
        return room

    def members(self, room: LockedRoom) -> Members:
        """The room's active subscribers; the same object for as long as nobody joins or leaves."""
        members = self.known_members(room) or read_members(self._database, room.room_id, room.version)
        self._members[room.room_id] = members
        return members

    def known_members(self, room: LockedRoom) -> Members | None:
        """The same, if they need not be read."""
        members = self._members.get(room.room_id) or self._cache.get(room.room_id, room.version)
        return members if members is not None and members.version == room.version else None

    def set_members(self, room: LockedRoom, profiles: frozenset[str]) -> Members:
        """Profiles joined or left: these are the members from now on."""
        room.version += 1
        room.changed = True
        members = self._members[room.room_id] = Members(room.room_id, room.version, profiles)
        return members

    def append(
        self,
        room: LockedRoom,
        link: EventLink,
        payload: bytes,
        content_hash: bytes,
        recipients: Members,
        *,
        compressed: bool = False,
        alone: bool = False,
    ) -> int:
        """Give an event its place in the log: the seq. ``alone``: it is a run of its own, since its
        recipients are not its neighbours'."""
        room.head_seq += 1
        room.changed = True
        link.room_id, link.seq, link.sent_at_us = room.room_id, room.head_seq, self._now_us
        priority = link.priority
        if priority >= NORMAL:
            room.normal_seq = link.seq
        if priority >= URGENT:
            room.urgent_seq = link.seq
        delivery = encode_delivery(link, payload, compressed=compressed)
        own = self._own.get((room.room_id, link.sender_id), 0)
        self._events.append(
            (
                room.room_id,
                link.seq,
                link.event_id,
                link.sender_id,
                link.type,
                self._now_us,
                content_hash,
                delivery,
                room.said,
                own,
            )
        )
        notable = is_notable(link.type)
        room.said += notable
        self._own[room.room_id, link.sender_id] = own + notable
        record = delivery_record(delivery)
        last = self._last_runs.get(room.room_id)
        if (
            alone
            or last is None
            or last.alone
            or last.recipients is not recipients
            or last.size > MAX_RUN_BYTES
        ):
            last = self._last_runs[room.room_id] = _Run(recipients, link.seq, alone, priority)
            self._runs.append(last)
        elif priority > last.priority:
            last.priority = priority
        last.records.append(record)
        last.size += len(record)
        return link.seq

    def flush(self) -> None:
        """Write what was appended: one SELECT, one INSERT, one UPDATE."""
        before = self._read_own()
        for chunk in chunks(self._events, columns=10):
            values, parameters = self._database.values(
                "tittiibbii", [(*one[:-1], one[-1] + before.get((one[0], one[3]), 0)) for one in chunk]
            )
            self._database.run(
                f"""
                INSERT INTO room_event (room_id, seq, event_id, sender_id, type, sent_at_us, content_hash,
                    delivery, said, own)
                {values}
                """,
                parameters,
            )
        if self._events:
            self.newest = self._events[-1][:3]
        self._events.clear()
        self._own.clear()
        changed = [room for room in self._rooms.values() if room.changed]
        for rooms in chunks(changed, columns=6):
            values, parameters = self._database.values(
                "tiiiii",
                [
                    (room.room_id, room.head_seq, room.version, room.urgent_seq, room.normal_seq, room.said)
                    for room in rooms
                ],
            )
            self._database.run(
                f"""
                WITH v(room_id, head_seq, version, urgent_seq, normal_seq, said) AS ({values})
                UPDATE room
                SET head_seq = v.head_seq, membership_version = v.version, urgent_seq = v.urgent_seq,
                    normal_seq = v.normal_seq,
                    said = v.said
                FROM v
                WHERE room.room_id = v.room_id
                """,
                parameters,
            )
        for room in changed:
            room.changed = False

    def _read_own(self) -> dict[tuple[str, str], int]:
        """(room, sender) → the sender's notable events that are stored already."""
        found: dict[tuple[str, str], int] = {}
        for chunk in chunks(sorted(self._own), columns=2):
            values, parameters = self._database.values("tt", chunk)
            rows = self._database.rows(
                f"""
                WITH v(room_id, sender_id) AS ({values})
                SELECT last.room_id, last.sender_id, last.own, last.type
                FROM v
                JOIN room_event last ON last.room_id = v.room_id AND last.seq = (
                    SELECT MAX(seq)
                    FROM room_event
                    WHERE room_event.room_id = v.room_id AND room_event.sender_id = v.sender_id)
                """,
                parameters,
            )
            found.update(
                ((room_id, sender_id), own + is_notable(kind)) for room_id, sender_id, own, kind in rows
            )
        return found

    def committed(self, at: float) -> list[CommittedRun]:
        """After the commit, at this time of the steady clock in seconds: the runs to fan out."""
        for members in self._members.values():
            self._cache.put(members)
        return [
            CommittedRun(
                run.recipients.room_id,
                run.first_seq,
                run.first_seq + len(run.records) - 1,
                b"".join(run.records),
                run.recipients,
                run.priority,
                at,
            )
            for run in self._runs
        ]
