"""Who is in a room, for signals: read once for each membership version, then remembered."""

import threading
from collections.abc import Sequence

from chatd.core.model import Members
from chatd.errors import NotAMember, RoomNotFound
from chatd.store.database import Database
from chatd.store.queries import Audience, ShareRoom
from chatd.store.transaction import MembersCache


class Audiences:
    """Shared by a reader's threads."""

    def __init__(self) -> None:
        self._cache = MembersCache()
        self._lock = threading.Lock()

    def find(self, database: Database, query: Audience) -> dict[str, Members]:
        """Rooms that are unknown or too large are left out. Raises RoomNotFound, NotAMember if a profile was named."""
        marks = ", ".join("?" * len(query.room_ids))
        rooms = database.rows(f"SELECT room_id, membership_version, member_count FROM room WHERE room_id IN ({marks})", query.room_ids)
        if query.profile_id:
            self._check(database, query, [row[0] for row in rooms])
        found: dict[str, Members] = {}
        for room_id, version, count in rooms:
            if count > query.limit:
                continue
            with self._lock:
                members = self._cache.get(room_id, version)
            if members is None:
                profiles = database.rows("SELECT profile_id FROM subscription WHERE room_id = ? AND left_seq IS NULL", (room_id,))
                # Read after the version: it may be newer than that, and is then read again.
                members = Members(room_id, version, frozenset(row[0] for row in profiles))
                with self._lock:
                    self._cache.put(members)
            found[room_id] = members
        return found

    def _check(self, database: Database, query: Audience, known: Sequence[str]) -> None:
        for room_id in query.room_ids:
            if room_id not in known:
                raise RoomNotFound(f"no room {room_id!r}")
            if not database.rows(
                "SELECT 1 FROM subscription WHERE room_id = ? AND profile_id = ? AND left_seq IS NULL", (room_id, query.profile_id)
            ):
                raise NotAMember(f"{query.profile_id!r} is not a member of room {room_id!r}")


def share_room(database: Database, query: ShareRoom) -> frozenset[str]:
    if query.everybody or not query.others:
        return frozenset(query.others)
    marks = ", ".join("?" * len(query.others))
    rows = database.rows(
        "SELECT DISTINCT b.profile_id FROM subscription b JOIN subscription a ON a.room_id = b.room_id AND a.left_seq IS NULL "
        f"WHERE b.profile_id IN ({marks}) AND b.left_seq IS NULL AND a.profile_id = ?",
        (*query.others, query.profile_id),
    )
    return frozenset(row[0] for row in rows) | ({query.profile_id} & set(query.others))
