"""Judges a history: a pure function from what clients saw, and what the log finally holds, to a verdict on each invariant of DELIVERY.md.

L lost · U unexpected · O order · D duplicates · X leaks · V value · RT real time. About a second for 300,000 deliveries.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.chaos.history import Fail, Fault, Invoke, Member, Ok, Record, Shown, Unknown

LETTERS = ("L", "U", "O", "D", "X", "V", "RT")
KEPT = 5

Log = Mapping[str, Mapping[int, str]]
"""Room → seq → event id, as the database finally has it."""
Devices = Mapping[tuple[str, str], Mapping[str, int]]
"""(profile, device) → room → the first seq it is owed."""


@dataclass
class Verdict:
    """``violations``: letter → sentences, the first few; ``counts``: letter → how many; ``checked``: acknowledged event × device pairs."""

    violations: dict[str, list[str]] = field(default_factory=lambda: {letter: [] for letter in LETTERS})
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LETTERS, 0))
    faults: dict[str, int] = field(default_factory=dict)
    operations: int = 0
    acked: int = 0
    unknown: int = 0
    shown: int = 0
    repeats: int = 0
    markers: int = 0
    checked: int = 0

    @property
    def passed(self) -> bool:
        return not any(self.counts.values())

    def add(self, letter: str, sentence: str) -> None:
        self.counts[letter] += 1
        if len(self.violations[letter]) < KEPT:
            self.violations[letter].append(sentence)


def check(history: Iterable[Record], log: Log, devices: Devices) -> Verdict:
    """The verdict."""
    verdict = Verdict()
    invoked: dict[int, Invoke] = {}
    acked: dict[int, Ok] = {}
    members: list[Member] = []
    shown: dict[tuple[str, str], list[Shown]] = {device: [] for device in devices}
    for record in history:
        if isinstance(record, Shown):
            shown.setdefault((record.profile, record.device), []).append(record)
        elif isinstance(record, Invoke):
            invoked[record.op] = record
        elif isinstance(record, Ok):
            acked[record.op] = record
        elif isinstance(record, Unknown):
            verdict.unknown += 1
        elif isinstance(record, Member):
            members.append(record)
        elif isinstance(record, Fault):
            verdict.faults[record.kind] = verdict.faults.get(record.kind, 0) + 1
        else:
            assert isinstance(record, Fail)
    verdict.operations, verdict.acked = len(invoked), len(acked)
    intervals = _intervals(members)
    _check_log(verdict, log, invoked, acked, members)
    _check_real_time(verdict, invoked, acked)
    bodies = {invoke.event_id: invoke.body for invoke in invoked.values()}
    acked_at: dict[str, set[int]] = defaultdict(set)
    for op, ok in acked.items():
        acked_at[invoked[op].room].add(ok.seq)
    for device, records in shown.items():
        _check_device(verdict, device, records, log, bodies, intervals, devices.get(device, {}), acked_at)
    return verdict


def _intervals(members: list[Member]) -> dict[tuple[str, str], list[tuple[int, int | None]]]:
    """(profile, room) → memberships, first and last seq."""
    found: dict[tuple[str, str], list[tuple[int, int | None]]] = defaultdict(list)
    for member in sorted(members, key=lambda one: one.seq):
        spans = found[member.profile, member.room]
        if member.change == "joined":
            spans.append((member.seq, None))
        elif spans and spans[-1][1] is None:
            spans[-1] = (spans[-1][0], member.seq)
    return found


def _check_log(verdict: Verdict, log: Log, invoked: dict[int, Invoke], acked: dict[int, Ok], members: list[Member]) -> None:
    """What was acknowledged is where it was said to be, once; what is there was sent."""
    by_id = {invoke.event_id: invoke.room for invoke in invoked.values()}
    changes = {(member.room, member.seq) for member in members}
    for room, events in log.items():
        seen: dict[str, int] = {}
        for expected, seq in enumerate(sorted(events), 1):
            event_id = events[seq]
            if seq != expected:
                verdict.add("V", f"the log of {room} has no event {expected}")
                break
            if event_id in seen:
                verdict.add("V", f"event {event_id} is in {room} at {seen[event_id]} and at {seq}")
            seen[event_id] = seq
            if by_id.get(event_id) != room and (room, seq) not in changes:
                verdict.add("U", f"{room} {seq} holds {event_id}, which nobody sent there")
    for op, ok in acked.items():
        invoke = invoked[op]
        found = log.get(invoke.room, {}).get(ok.seq)
        if found is None:
            verdict.add("L", f"{invoke.event_id} was acknowledged at {invoke.room} {ok.seq}, where the log has nothing")
        elif found != invoke.event_id:
            verdict.add("V", f"{invoke.event_id} was acknowledged at {invoke.room} {ok.seq}, where the log has {found}")


def _check_real_time(verdict: Verdict, invoked: dict[int, Invoke], acked: dict[int, Ok]) -> None:
    """Acknowledged before another was sent: before it in the room."""
    rooms: dict[str, list[tuple[float, int, int]]] = defaultdict(list)  # time, 0 invoke or 1 ok, seq
    for op, ok in acked.items():
        invoke = invoked[op]
        rooms[invoke.room] += [(invoke.t, 0, ok.seq), (ok.t, 1, ok.seq)]
    for room, moments in rooms.items():
        highest = 0
        for _, kind, seq in sorted(moments):
            if kind == 1:
                highest = max(highest, seq)
            elif seq <= highest:
                verdict.add("RT", f"{room} {seq} was sent after {highest} had been acknowledged")


def _check_device(
    verdict: Verdict,
    device: tuple[str, str],
    records: list[Shown],
    log: Log,
    bodies: Mapping[str, int],
    intervals: Mapping[tuple[str, str], list[tuple[int, int | None]]],
    firsts: Mapping[str, int],
    acked: Mapping[str, set[int]],
) -> None:
    who = "/".join(device)
    rooms: dict[str, list[Shown]] = {room: [] for room in firsts}
    for record in records:
        rooms.setdefault(record.room, []).append(record)
    verdict.shown += len(records)
    for room, mine in rooms.items():
        events = log.get(room, {})
        spans = intervals.get((device[0], room), [])
        covered: set[int] = set()
        last = 0
        for record in mine:
            if record.marker:
                verdict.markers += 1
            elif events.get(record.seq) != record.event_id:
                # What the log does not have there was never stored, or has been changed.
                letter = "V" if record.event_id in bodies else "U"
                verdict.add(letter, f"{who} was shown {record.event_id} as {room} {record.seq}; the log has {events.get(record.seq)}")
            elif bodies.get(record.event_id, record.body) != record.body:
                verdict.add("V", f"{who} was shown another body of {record.event_id}")
            if not any(first <= record.seq and (end is None or record.seq <= end) for first, end in spans):
                verdict.add("X", f"{who} was shown {room} {record.seq}, outside of its memberships {spans}")
            if record.repeat:
                verdict.repeats += 1
                if record.seq not in covered and record.seq > last:
                    verdict.add("O", f"{who} dropped {room} {record.seq} as a repeat, which it was not")
                continue
            if record.seq in covered:
                verdict.add("D", f"{who} was shown {room} {record.seq} twice")
            elif record.seq < last:
                verdict.add("O", f"{who} was shown {room} {record.seq} after {last}")
            last = max(last, record.seq)
            covered.update(range(record.marker or record.seq, record.seq + 1))
        if room not in firsts:
            continue
        head = max(events, default=0)
        owed = [seq for first, end in spans for seq in range(max(first, firsts[room]), (head if end is None else end) + 1)]
        for seq in owed:
            if seq not in covered:
                verdict.add("L", f"{who} was never shown {room} {seq} ({events.get(seq)}), nor told that it will not come")
        verdict.checked += sum(seq in acked[room] for seq in owed) if room in acked else 0
