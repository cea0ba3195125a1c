"""The report of a chaos run: the sums of its rounds, and whether it has passed."""

from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.verdict import LETTERS, Verdict

RESTORES = 3
"""Restores of which one at least loses something: else they were none, or the checker is blind."""
MAX_RSS = 512 * 1_048_576
"""Bytes; a process that needs more has a queue without a bound (M)."""


@dataclass
class Report:
    """The counts of all that was done and of what came of it, over all rounds."""

    seed: int
    engine: str
    seconds: float = 0.0
    rounds: int = 0
    operations: int = 0
    acked: int = 0
    unknown: int = 0
    checked: int = 0
    shown: int = 0
    repeats: int = 0
    markers: int = 0
    changes: int = 0
    invited: int = 0
    begun: int = 0
    """Devices that began in the middle of a round."""
    rewound: int = 0
    written: int = 0
    lost_by_restore: list[str] = field(default_factory=list)
    """Acknowledged, and not in the backup that was restored: no violations."""
    undrained: int = 0
    longest_drain: float = 0.0
    max_rss: int = 0
    deadlocks: int = 0
    """That PostgreSQL found."""
    faults: Counter[str] = field(default_factory=Counter)
    failpoints: Counter[str] = field(default_factory=Counter)
    verdicts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LETTERS, 0))
    violations: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """A run that has checked nothing has shown nothing."""
        is_bad = self.violations or self.undrained or self.deadlocks or self.max_rss > MAX_RSS
        return self.checked > 0 and not is_bad and not self.is_blind

    @property
    def is_blind(self) -> bool:
        """True if restores have lost nothing, which each of them does."""
        return self.faults["restore"] >= RESTORES and not self.lost_by_restore

    def add(self, verdict: Verdict) -> None:
        self.rounds += 1
        for name in (
            "operations",
            "acked",
            "unknown",
            "checked",
            "shown",
            "repeats",
            "markers",
            "changes",
            "invited",
            "written",
        ):
            setattr(self, name, getattr(self, name) + getattr(verdict, name))
        self.faults.update(verdict.faults)
        for letter, count in verdict.counts.items():
            self.verdicts[letter] += count
        self.lost_by_restore += verdict.lost_by_restore
        self.violations += [f"{one.letter}: {one.sentence}" for one in verdict.violations]
