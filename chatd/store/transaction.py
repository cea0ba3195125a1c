"""What the commands of one transaction share: locked rooms, events not yet inserted, runs to be fanned out once it is committed."""

import uuid
from collections import OrderedDict
from dataclasses import dataclass, field

from google.protobuf.struct_pb2 import Struct

from chatd.core.model import CommittedRun, Members
from chatd.core.priority import NORMAL, URGENT
from chatd.core.wire import delivery_record, encode_delivery
from chatd.pb.events.v1.payloads_pb2 import EventLink, EventType
from chatd.store.database import Database

MEMBERS_KEPT = 1_000_000
"""Profiles, over all rooms, that the cache may hold."""

MAX_ROWS = 2_000
"""Rows in one statement: eight columns of them stay below SQLite's 32,766 variables."""
_NOTIFICATIONS_LOCK = 0x70757368  # "push"

MAX_RUN_BYTES = 262_144
"""A run that has grown to this is ended: it is published as one message, and must have a chance to fit a window."""


class MembersCache:
    """Rooms' active subscribers as last committed; a version tells whether an entry still holds."""

    def __init__(self) -> None:
        self._rooms: OrderedDict[str, Members] = OrderedDict()
        self._profiles = 0

    def get(self, room_id: str, version: int) -> Members | None:
        members = self._rooms.get(room_id)
        if members is None or members.version != version:
            return None
        self._rooms.move_to_end(room_id)
        return members

    def put(self, members: Members) -> None:
        old = self._rooms.pop(members.room_id, None)
        self._profiles += len(members.profiles) - (len(old.profiles) if old else 0)
        self._rooms[members.room_id] = members
        while self._profiles > MEMBERS_KEPT and len(self._rooms) > 1:
            _, dropped = self._rooms.popitem(last=False)
            self._profiles -= len(dropped.profiles)


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
    changed: bool = False


@dataclass(slots=True)
class _Run:
    """Events of one room that follow each other, for the same recipients. ``alone``: nothing may be joined to it."""

    recipients: Members
    first_seq: int
    alone: bool
    priority: int
    size: int = 0
    records: list[bytes] = field(default_factory=list)


class Transaction:
    """``now_us`` is the time of everything committed in it."""

    def __init__(self, database: Database, cache: MembersCache, now_us: int) -> None:
        self.database = database
        self.now_us = now_us
        self.rooms: dict[str, LockedRoom] = {}
        self._profiles: set[str] = set()
        self._notifications_locked = False
        self._cache = cache
        self._members: dict[str, Members] = {}
        self._events: list[tuple[object, ...]] = []
        self._runs: list[_Run] = []
        self._last_runs: dict[str, _Run] = {}

    def lock_rooms(self, room_ids: set[str]) -> None:
        """Read and lock rooms, in sorted order so that two nodes never wait for each other. Unknown ones stay absent."""
        wanted = sorted(room_ids)
        for start in range(0, len(wanted), MAX_ROWS):
            chunk = wanted[start : start + MAX_ROWS]
            sql = (
                "SELECT room_id, head_seq, membership_version, urgent_seq, normal_seq FROM room "
                f"WHERE room_id IN ({', '.join('?' * len(chunk))}) ORDER BY room_id{self.database.for_update}"
            )
            self.rooms.update((row[0], LockedRoom(*row)) for row in self.database.rows(sql, chunk))

    def lock_profiles(self, profile_ids: set[str]) -> None:
        """Make sure the profiles exist, and hold them: a device registered at the same time is seen, or sees a membership made here."""
        wanted = sorted(profile_ids - self._profiles)
        self._profiles |= profile_ids
        for start in range(0, len(wanted), MAX_ROWS):
            chunk = wanted[start : start + MAX_ROWS]
            values, parameters = self.database.values("t", [(profile_id,) for profile_id in chunk])
            self.database.run(f"INSERT INTO profile (profile_id) {values} ON CONFLICT (profile_id) DO NOTHING", parameters)
            if self.database.for_update:
                marks = ", ".join("?" * len(chunk))
                self.database.rows(f"SELECT 1 FROM profile WHERE profile_id IN ({marks}) ORDER BY profile_id FOR UPDATE", chunk)

    def lock_entries(self, entries: set[tuple[str, str, str]]) -> None:
        """Lock outbox entries (profile, device, room) in sorted order; SQLite's writer is alone anyway."""
        if not self.database.for_update:
            return
        wanted = sorted(entries)
        for start in range(0, len(wanted), MAX_ROWS):
            values, parameters = self.database.values("ttt", wanted[start : start + MAX_ROWS])
            self.database.rows(
                f"WITH v(profile_id, device_id, room_id) AS ({values}) SELECT 1 FROM outbox o JOIN v ON v.profile_id = o.profile_id "
                "AND v.device_id = o.device_id AND v.room_id = o.room_id "
                "ORDER BY o.profile_id, o.device_id, o.room_id, o.start_seq FOR UPDATE OF o",
                parameters,
            )

    def lock_notifications(self) -> None:
        """Hold the queue of notifications until the transaction ends: its rows are changed by rooms, by devices and by profiles, in no common
        order, and by each node about once a second. After all other locks."""
        if self.database.for_update and not self._notifications_locked:
            self.database.rows("SELECT pg_advisory_xact_lock(?)", (_NOTIFICATIONS_LOCK,))
        self._notifications_locked = True

    def members(self, room: LockedRoom) -> Members:
        """The room's active subscribers; the same object for as long as nobody joins or leaves."""
        members = self._members.get(room.room_id) or self._cache.get(room.room_id, room.version)
        if members is None or members.version != room.version:
            rows = self.database.rows("SELECT profile_id FROM subscription WHERE room_id = ? AND left_seq IS NULL", (room.room_id,))
            members = Members(room.room_id, room.version, frozenset(row[0] for row in rows))
        self._members[room.room_id] = members
        return members

    def set_members(self, room: LockedRoom, profiles: frozenset[str]) -> Members:
        """Somebody joined or left."""
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
        """Give an event its place. ``alone``: it is a run of its own, because its recipients are not its neighbours'."""
        room.head_seq += 1
        room.changed = True
        link.room_id, link.seq, link.sent_at_us = room.room_id, room.head_seq, self.now_us
        priority = link.priority
        if priority >= NORMAL:
            room.normal_seq = link.seq
        if priority >= URGENT:
            room.urgent_seq = link.seq
        delivery = encode_delivery(link, payload, compressed=compressed)
        self._events.append((room.room_id, link.seq, link.event_id, link.sender_id, link.type, self.now_us, content_hash, delivery))
        record = delivery_record(delivery)
        last = self._last_runs.get(room.room_id)
        if alone or last is None or last.alone or last.recipients is not recipients or last.size > MAX_RUN_BYTES:
            last = self._last_runs[room.room_id] = _Run(recipients, link.seq, alone, priority)
            self._runs.append(last)
        elif priority > last.priority:
            last.priority = priority
        last.records.append(record)
        last.size += len(record)
        return link.seq

    def append_membership(self, room: LockedRoom, by: str, change: str, profiles: list[str], recipients: Members) -> int:
        """An event that says who joined or left."""
        payload = Struct()
        payload.update({change: profiles, "by": by})
        link = EventLink(event_id=uuid.uuid4().hex, sender_id=by, type=EventType.EVENT_TYPE_MEMBERSHIP)
        return self.append(room, link, payload.SerializeToString(deterministic=True), b"", recipients, alone=True)

    def flush(self) -> None:
        """Write what was appended: one insert, one update."""
        if self._events:
            for start in range(0, len(self._events), MAX_ROWS):
                values, parameters = self.database.values("tittiibb", self._events[start : start + MAX_ROWS])
                self.database.run(
                    f"INSERT INTO room_event (room_id, seq, event_id, sender_id, type, sent_at_us, content_hash, delivery) {values}",
                    parameters,
                )
            self._events.clear()
        changed = [
            (room.room_id, room.head_seq, room.version, room.urgent_seq, room.normal_seq) for room in self.rooms.values() if room.changed
        ]
        for start in range(0, len(changed), MAX_ROWS):
            values, parameters = self.database.values("tiiii", changed[start : start + MAX_ROWS])
            self.database.run(
                f"WITH v(room_id, head_seq, version, urgent_seq, normal_seq) AS ({values}) UPDATE room SET head_seq = v.head_seq, "
                "membership_version = v.version, urgent_seq = v.urgent_seq, normal_seq = v.normal_seq FROM v WHERE room.room_id = v.room_id",
                parameters,
            )
        for room in self.rooms.values():
            room.changed = False

    def committed(self) -> list[CommittedRun]:
        """After COMMIT: the runs to be fanned out."""
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
            )
            for run in self._runs
        ]
