"""A queue message as streams see it: parsed once, then offered to every stream it is for."""

from collections.abc import Sequence
from typing import NamedTuple


class Run(NamedTuple):
    """Events of one room that follow each other: seqs ``first_seq`` to ``last_seq``, both
    included."""

    room_id: str
    first_seq: int
    last_seq: int


class Published(NamedTuple):
    """The runs of a message, the number of their events, and their delivery records
    (``core.wire``).

    ``urgent``: the highest priority among the events is URGENT or higher.
    """

    runs: tuple[Run, ...]
    events: int
    records: bytes
    urgent: bool = False


def count_of(runs: Sequence[Run]) -> int:
    """The number of events in the runs."""
    return sum(run.last_seq - run.first_seq + 1 for run in runs)
