"""OnlineTable: which devices are connected, as gateways say by the topics they watch."""

from chatd.core.ids import DELIVERIES, split_topic
from chatd.core.model import Members

_CHANGES_KEPT = 10_000
_ROOMS_KEPT = 20_000


class OnlineTable:
    """Topics that gateways watch, by profile; and for rooms lately asked about, the topics of their
    members.

    ``kind`` is how the topics end. A topic may be watched by several gateways (a device moving
    between them); it is online until the last one ends.
    """

    def __init__(self, kind: bytes = DELIVERIES) -> None:
        self._kind = kind
        self._topics: dict[str, dict[bytes, int]] = {}
        self._count = 0
        self._changes: list[str] = []  # profiles that came or went, newest last
        self._forgotten = 0  # how many changes were dropped from the front
        self._rooms: dict[str, tuple[Members, int, tuple[bytes, ...]]] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, topic: bytes) -> bool:
        """A gateway begins to watch a topic. False if it is not a whole topic."""
        ids = split_topic(topic, self._kind)
        if ids is None:
            return False
        topics = self._topics.setdefault(ids[0], {})
        if topic not in topics:
            topics[topic] = 0
            self._count += 1
            self._note_change(ids[0])
        topics[topic] += 1
        return True

    def remove(self, topic: bytes) -> None:
        """A gateway ceases to watch it."""
        ids = split_topic(topic, self._kind)
        topics = self._topics.get(ids[0]) if ids else None
        if ids is None or topics is None or topic not in topics:
            return
        topics[topic] -= 1
        if topics[topic] == 0:
            del topics[topic]
            self._count -= 1
            if not topics:
                del self._topics[ids[0]]
            self._note_change(ids[0])

    def _note_change(self, profile_id: str) -> None:
        self._changes.append(profile_id)
        if len(self._changes) > 2 * _CHANGES_KEPT:
            del self._changes[:_CHANGES_KEPT]
            self._forgotten += _CHANGES_KEPT

    def __contains__(self, topic: bytes) -> bool:
        ids = split_topic(topic, self._kind)
        return ids is not None and topic in self._topics.get(ids[0], {})

    def of_profile(self, profile_id: str) -> tuple[bytes, ...]:
        """The profile's topics."""
        return tuple(self._topics.get(profile_id, ()))

    def targets(self, members: Members) -> tuple[bytes, ...]:
        """The topics of a room's members that are online."""
        now = self._forgotten + len(self._changes)
        known = self._rooms.get(members.room_id)
        if known is not None and known[0] is members and not self._changed(members, known[1]):
            if known[1] != now:
                self._rooms[members.room_id] = (members, now, known[2])
            return known[2]
        if len(self._rooms) >= _ROOMS_KEPT:
            self._rooms.clear()
        topics = self._find(members.profiles)
        self._rooms[members.room_id] = (members, now, topics)
        return topics

    def _changed(self, members: Members, since: int) -> bool:
        start = since - self._forgotten
        if start < 0 or len(self._changes) - start > len(members.profiles):
            return True
        return any(profile_id in members.profiles for profile_id in self._changes[start:])

    def _find(self, profiles: frozenset[str]) -> tuple[bytes, ...]:
        online = self._topics
        if len(online) < len(profiles):
            return tuple(
                topic for profile_id, topics in online.items() if profile_id in profiles for topic in topics
            )
        return tuple(topic for profile_id in profiles if profile_id in online for topic in online[profile_id])
