"""Outcomes of one stream's deliveries, from the device's word until the database is known to have
them."""

from collections.abc import Iterable, Mapping

from chatd.core.model import StreamAcks, StreamKey


class PendingAcks:
    """``take`` gives all that is to be written; ``written`` or ``lost`` must follow before the next
    one."""

    __slots__ = ("_cursors", "_failed", "_key", "_rejected", "_removed", "_replayed", "_under_way")

    def __init__(self, key: StreamKey) -> None:
        self._key = key
        self._cursors: dict[str, int] = {}
        self._rejected: tuple[tuple[str, int, str], ...] = ()
        self._replayed: tuple[tuple[str, int], ...] = ()
        self._failed: tuple[str, int] | None = None
        self._removed: tuple[tuple[str, int, int], ...] = ()
        self._under_way: StreamAcks | None = None

    def handled(self, cursors: dict[str, int]) -> None:
        """``cursors``: room → last seq the device has handled. The dict is kept."""
        if self._cursors:
            _move_forward(self._cursors, cursors)
        else:
            self._cursors = cursors

    def replays_handled(self, replays: Iterable[tuple[str, int]]) -> None:
        """``replays``: room and seq of dead letters that were replayed, and that the device has
        handled."""
        self._replayed = (*self._replayed, *replays)

    def removed_handled(self, removed: Iterable[tuple[str, int, int]]) -> None:
        """``removed``: room, first and last seq of markers of removed events that the device has
        handled."""
        self._removed = (*self._removed, *removed)

    def rejected(self, room_id: str, seq: int, reason: str) -> None:
        """The device will never handle this delivery."""
        self._rejected = (*self._rejected, (room_id, seq, reason))

    def failed(self, room_id: str, seq: int) -> None:
        """The device did not acknowledge the oldest delivery in flight."""
        self._failed = (room_id, seq)

    def take(self) -> StreamAcks | None:
        """None: nothing waits to be written, or something is being written."""
        if self._under_way is not None or not self:
            return None
        self._under_way = StreamAcks(
            self._key, self._cursors, self._rejected, self._replayed, self._failed, self._removed
        )
        self._cursors, self._rejected, self._replayed, self._failed, self._removed = {}, (), (), None, ()
        return self._under_way

    def written(self) -> StreamAcks | None:
        """The acks that were taken are in the database; returns them."""
        written, self._under_way = self._under_way, None
        return written

    def drop(self) -> None:
        """Nobody will write them: they are of another log."""
        self._under_way = None
        self._cursors, self._rejected, self._replayed, self._failed, self._removed = {}, (), (), None, ()

    def lost(self) -> None:
        """The acks that were taken may not be in the database: the next ``take`` gives them
        again."""
        lost, self._under_way = self._under_way, None
        if lost is None:
            return
        _move_forward(self._cursors, lost.cursors)
        self._rejected = lost.rejected + self._rejected
        self._replayed = lost.replayed + self._replayed
        self._failed = self._failed or lost.failed
        self._removed = lost.removed + self._removed

    def __bool__(self) -> bool:
        """True if anything waits to be taken."""
        return bool(self._cursors or self._rejected or self._replayed or self._failed or self._removed)

    @property
    def under_way(self) -> bool:
        """True while acks that were taken are being written."""
        return self._under_way is not None

    def rooms(self) -> set[str]:
        """Rooms whose cursors are not known to be written."""
        return {*self._cursors, *(self._under_way.cursors if self._under_way is not None else ())}

    def replays(self) -> set[tuple[str, int]]:
        """Room and seq of replays that were handled and are not known to be written."""
        return {*self._replayed, *(self._under_way.replayed if self._under_way is not None else ())}


def _move_forward(cursors: dict[str, int], more: Mapping[str, int]) -> None:
    """Each room to the larger of its two seqs: a copy is acknowledged behind events that came
    later."""
    for room_id, seq in more.items():
        if seq > cursors.get(room_id, 0):
            cursors[room_id] = seq
