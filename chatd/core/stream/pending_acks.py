"""What became of one stream's deliveries, from the device's word until it is known to be in the database. No I/O."""

from chatd.core.model import StreamAcks, StreamKey


class PendingAcks:
    """``take`` gives what is to be written; ``written`` or ``lost`` must follow before the next."""

    __slots__ = ("_cursors", "_failed", "_key", "_rejected", "_replayed", "_under_way")

    def __init__(self, key: StreamKey) -> None:
        self._key = key
        self._cursors: dict[str, int] = {}
        self._rejected: tuple[tuple[str, int, str], ...] = ()
        self._replayed: tuple[tuple[str, int], ...] = ()
        self._failed: tuple[str, int] | None = None
        self._under_way: StreamAcks | None = None

    def handled(self, cursors: dict[str, int]) -> None:
        """Room → last seq the device has handled."""
        self._cursors = _further(self._cursors, cursors)

    def replay_handled(self, room_id: str, seq: int) -> None:
        self._replayed = (*self._replayed, (room_id, seq))

    def rejected(self, room_id: str, seq: int, reason: str) -> None:
        self._rejected = (*self._rejected, (room_id, seq, reason))

    def failed(self, room_id: str, seq: int) -> None:
        """The oldest delivery in flight was not taken."""
        self._failed = (room_id, seq)

    def take(self) -> StreamAcks | None:
        """None: there is nothing, or some is under way."""
        if self._under_way is not None or not self:
            return None
        self._under_way = StreamAcks(self._key, self._cursors, self._rejected, self._replayed, self._failed)
        self._cursors, self._rejected, self._replayed, self._failed = {}, (), (), None
        return self._under_way

    def written(self) -> StreamAcks | None:
        """What was under way is in the database."""
        written, self._under_way = self._under_way, None
        return written

    def lost(self) -> None:
        """What was under way may not be in the database: it is taken again."""
        lost, self._under_way = self._under_way, None
        if lost is None:
            return
        self._cursors = _further(dict(lost.cursors), self._cursors)
        self._rejected = lost.rejected + self._rejected
        self._replayed = lost.replayed + self._replayed
        self._failed = self._failed or lost.failed

    def __bool__(self) -> bool:
        """Whether anything waits to be taken."""
        return bool(self._cursors or self._rejected or self._replayed or self._failed)

    @property
    def under_way(self) -> bool:
        """Whether anything is being written."""
        return self._under_way is not None

    def rooms(self) -> set[str]:
        """Rooms whose cursors are not known to be written."""
        return {*self._cursors, *(self._under_way.cursors if self._under_way is not None else ())}

    def replays(self) -> set[tuple[str, int]]:
        """Replays that were handled and are not known to be written."""
        return {*self._replayed, *(self._under_way.replayed if self._under_way is not None else ())}


def _further(cursors: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    """Both, each room's larger: what is sent again is acknowledged behind what came later."""
    for room_id, seq in more.items():
        if seq > cursors.get(room_id, 0):
            cursors[room_id] = seq
    return cursors
