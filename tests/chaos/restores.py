"""Backups that were restored in the middle of a history, as the checker sees them: which seqs were
lost, and which operations' effects."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from tests.chaos.history import Change, Deletion, Invoke, Ok, Restored, Shown, Skipped

O = TypeVar("O", Invoke, Change, Deletion)  # noqa: E741
DELETED = "deleted"
"""The name of a deletion's effect."""
Records = list[Shown | Skipped]


class Logs:
    """The logs that a database has held, one after the other. Each restore begins another one,
    which has the events of the one before up to its ``heads``."""

    def __init__(self, restores: Sequence[Restored]) -> None:
        self._restores = restores
        self._number = {one.log: number for number, one in enumerate(restores, 1)}

    def covered(self, seqs: Mapping[tuple[str, str], Collection[int]], room: str) -> int:
        """The number of seqs that the last log has, among those of each log and room."""
        kept: set[int] = set()
        for (log, name), held in seqs.items():
            if name == room:
                last = self.last_kept(self._number.get(log, 0), room)
                kept.update(seq for seq in held if seq <= last)
        return len(kept)

    def split(self, records: Iterable[Shown | Skipped], room: str) -> list[tuple[Records, Records]]:
        """For each log: records of seqs that are in the last log too, and of others, which a later
        restore has lost."""
        parts: list[tuple[Records, Records]] = [([], []) for _ in range(len(self._restores) + 1)]
        for record in records:
            seq = record.seq if isinstance(record, Shown) else record.last_seq
            number = self._number.get(record.log, 0)
            parts[number][seq > self.last_kept(number, room)].append(record)
        return parts

    def others(self, records: Iterable[Shown | Skipped]) -> set[str]:
        """The logs that no restore has begun: one at most, the first."""
        return {one.log for one in records} - self._number.keys()

    def last_kept(self, number: int, room: str) -> float:
        """The last seq of a log that is in the last one, too."""
        return min((one.heads.get(room, 0) for one in self._restores[number:]), default=float("inf"))

    def restored_between(self, begin: float, end: float) -> bool:
        """Whether attempts of one operation may have been at two logs."""
        return any(begin < one.t <= end for one in self._restores)

    def lost(
        self, asked: Mapping[int, O], acked: Mapping[int, Ok], present: Collection[tuple[str, int, str]]
    ) -> dict[int, Restored]:
        """Operations that were acknowledged, and are lost by a restore. ``present``: room, seq and
        event's id, or what else names the effect, of all that the last log has. One that was
        acknowledged before the backup began is in it, or lost by chatd."""
        return {
            op: restored
            for op, ok in acked.items()
            if op in asked and ok.seq and (restored := self._lost_by(asked[op], ok, present)) is not None
        }

    def _lost_by(self, one: O, ok: Ok, present: Collection[tuple[str, int, str]]) -> Restored | None:
        is_there = (one.room, ok.seq, _name(one)) in present
        for restored in self._restores:
            if one.t > restored.t or ok.t < restored.since:
                continue
            # An answer that was on its way meanwhile may be of either log.
            if not is_there or (ok.t <= restored.t and ok.seq > restored.heads.get(one.room, 0)):
                return restored
        return None


def _name(one: Invoke | Change | Deletion) -> str:
    """The name of an operation's effect."""
    if isinstance(one, Deletion):
        return DELETED
    return one.event_id if isinstance(one, Invoke) else f"{one.profile} {one.joins} {one.invitation}"
