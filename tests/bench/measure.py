"""The use that processes made of the machine: CPU time, memory, bytes written; and percentiles.
From /proc, so that nothing in the measured process takes part."""

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_kib(pid: int) -> int:
    """Resident memory of a process; 0 when it is about to be gone."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


def rss_mib(groups: Mapping[str, Iterable[int]]) -> float:
    """Resident memory of named groups of processes. One that has ended, as PostgreSQL's autovacuum
    does, has none."""
    kib = 0
    for pid in itertools.chain.from_iterable(groups.values()):
        with suppress(FileNotFoundError, ProcessLookupError):
            kib += rss_kib(pid)
    return kib / 1024


def written_bytes(pid: int) -> int:
    """The bytes that a process has caused to be written to disks."""
    return int(
        next(
            line.split()[1]
            for line in Path(f"/proc/{pid}/io").read_text().splitlines()
            if line.startswith("write_bytes")
        )
    )


def family(pid: int) -> list[int]:
    """A process and its descendants. One that ends meanwhile has none."""
    found = [pid]
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


class Usage:
    """CPU and disk of named groups of processes between ``start`` and ``stop``. One that ends
    meanwhile, as PostgreSQL's autovacuum does, counts with what it had used before."""

    def __init__(self, groups: Mapping[str, Iterable[int]]) -> None:
        self._groups = {name: tuple(pids) for name, pids in groups.items()}
        self._known: dict[int, tuple[float, int]] = {}
        self._before = self._read()

    def _read(self) -> dict[str, tuple[float, int]]:
        found = {}
        for name, pids in self._groups.items():
            used = [self._of(pid) for pid in pids]
            found[name] = sum(cpu for cpu, _ in used), sum(written for _, written in used)
        return found

    def _of(self, pid: int) -> tuple[float, int]:
        with suppress(FileNotFoundError, ProcessLookupError):
            self._known[pid] = cpu_seconds(pid), written_bytes(pid)
        return self._known.get(pid, (0.0, 0))

    def stop(self) -> dict[str, tuple[float, int]]:
        """Seconds of CPU and bytes written, by group."""
        after = self._read()
        return {
            name: (after[name][0] - cpu, after[name][1] - written)
            for name, (cpu, written) in self._before.items()
        }


def percentile(values: Sequence[float], share: float) -> float:
    """The percentile of ascending ``values``; nan when there are none."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")
