"""Values of retention."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Purged:
    """One step of removing: where the log begins now (0: several logs), how many events were
    removed, and whether there are more."""

    first_seq: int
    removed: int
    more: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """A room's log may begin behind ``up_to`` (0: where it does now, only ids are to be
    forgotten)."""

    room_id: str
    up_to: int
