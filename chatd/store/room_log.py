"""Rooms' logs inside one transaction: locked heads, events that get their place, and the runs to
fan out after the commit.

The engine knows this much of its subjects because the order of commits is the order of seqs.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chatd.core.model import CommittedRun, Members
from chatd.core.notable import is_notable, is_sent
from chatd.core.priority import NORMAL, URGENT
from chatd.core.wire import delivery_record, encode_delivery
from chatd.errors import RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import EventLink
from chatd.store.database import Database
from chatd.store.locked_room import LockedRoom
from chatd.store.senders import move_markers, read_senders
from chatd.store.statements import chunks, placeholders

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
    roles = database.rows("SELECT profile_id, role FROM room_role WHERE room_id = ?", (room_id,))
    return Members(room_id, version, frozenset(row[0] for row in rows), dict(roles))


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

    def trial(self, room_ids: Iterable[str]) -> "RoomLog":
        """The logs of these rooms as they are now, for what will be undone; this one stays."""
        trial = RoomLog(self._database, self._cache, self._now_us)
        trial._rooms = {
            room_id: replace(self._rooms[room_id]) for room_id in room_ids if room_id in self._rooms
        }
        trial._members = dict(self._members)
        return trial

    def lock(self, room_ids: set[str], *, skip_held: bool = False) -> None:
        """Read and lock rooms in sorted order. Unknown ones stay absent, and with ``skip_held``
        those that another session holds."""
        skip = " SKIP LOCKED" if skip_held else ""
        for chunk in chunks(sorted(room_ids), columns=1):
            rows = self._database.rows(
                f"""
                SELECT room_id, head_seq, membership_version, urgent_seq, normal_seq, said, active, kind,
                    public, add_role, send_role, urgent_role, mention_all_role,
                    deleted_seq, blocked
                FROM room
                WHERE room_id IN ({placeholders(len(chunk))})
                ORDER BY room_id{self._database.for_update}{skip}
                """,
                chunk,
            )
            self._rooms.update((row[0], LockedRoom(*row)) for row in rows)

    def add(self, room: LockedRoom) -> LockedRoom:
        """A room that this transaction makes."""
        self._rooms[room.room_id] = room
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

    def set_members(self, room: LockedRoom, profiles: frozenset[str], roles: Mapping[str, int]) -> Members:
        """Profiles joined, left or got other roles: these are the members from now on."""
        room.version += 1
        room.changed = True
        members = self._members[room.room_id] = Members(room.room_id, room.version, profiles, roles)
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
        """Write what was appended: one SELECT, one INSERT, one UPDATE, an INSERT for rooms that
        have been quiet, and an UPDATE for senders who had read all."""
        before, markers = read_senders(self._database, sorted(self._own))
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
        if markers:
            sent = [(one[0], one[1], one[3]) for one in self._events if is_sent(one[4])]
            move_markers(self._database, sent, markers, self._now_us)
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
                    said = v.said,
                    active = 1
                FROM v
                WHERE room.room_id = v.room_id
                """,
                parameters,
            )
        self._activate([room.room_id for room in changed if not room.active])
        for room in changed:
            room.changed, room.active = False, 1

    def _activate(self, room_ids: Sequence[str]) -> None:
        for chunk in chunks(room_ids, columns=2):
            values, parameters = self._database.values("ti", [(room_id, self._now_us) for room_id in chunk])
            self._database.run(f"INSERT INTO active_room (room_id, since_us) {values}", parameters)

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
