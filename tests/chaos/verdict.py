"""The checker's verdict: violations by invariant, counted in full and shown in part, and how much
was judged."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.chaos.history import Record

LETTERS = {
    "L": "lost",
    "U": "unexpected",
    "O": "order",
    "D": "duplicates",
    "X": "leaks",
    "V": "value",
    "RT": "real time",
    "S": "silent skip",
    "R": "repeats",
}
KEPT = 10
"""Violations of one letter that are kept; all are counted."""


@dataclass(frozen=True, slots=True)
class Violation:
    """``letter`` is one of LETTERS; ``examples`` are records that show it, as far as there are
    any."""

    letter: str
    sentence: str
    examples: tuple[Record, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """``counts``: letter → all violations, also those not kept. ``checked``: pairs of an
    acknowledged event and a device that was owed it. ``unknown``: operations whose outcome nobody
    was told. ``shown`` includes ``repeats``. ``changes``: calls that change memberships or
    invitations. ``invited``: invitations that were acknowledged. ``written``: acks that had to be
    in the database, and behind which nothing may come again."""

    violations: tuple[Violation, ...]
    counts: Mapping[str, int]
    operations: int
    acked: int
    unknown: int
    checked: int
    shown: int
    repeats: int
    markers: int
    changes: int
    invited: int
    written: int
    faults: Mapping[str, int]
    lost_by_restore: tuple[str, ...] = ()
    """Acknowledged events and changes that a restored backup did not have: no violations."""

    @property
    def passed(self) -> bool:
        return not any(self.counts.values())


@dataclass
class Findings:
    """A verdict in the making."""

    violations: list[Violation] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LETTERS, 0))
    faults: Counter[str] = field(default_factory=Counter)
    operations: int = 0
    acked: int = 0
    unknown: int = 0
    checked: int = 0
    shown: int = 0
    repeats: int = 0
    markers: int = 0
    changes: int = 0
    invited: int = 0
    written: int = 0
    lost_by_restore: list[str] = field(default_factory=list)

    def add(self, letter: str, sentence: str, *examples: Record) -> None:
        self.counts[letter] += 1
        if self.counts[letter] <= KEPT:
            self.violations.append(Violation(letter, sentence, examples))

    def verdict(self) -> Verdict:
        return Verdict(
            violations=tuple(self.violations),
            counts=dict(self.counts),
            operations=self.operations,
            acked=self.acked,
            unknown=self.unknown,
            checked=self.checked,
            shown=self.shown,
            repeats=self.repeats,
            markers=self.markers,
            changes=self.changes,
            invited=self.invited,
            written=self.written,
            faults=dict(self.faults),
            lost_by_restore=tuple(self.lost_by_restore),
        )
