"""Judges a history: a pure function from what clients saw, and what the log finally holds, to a
verdict on each invariant of DELIVERY.md. Measured on one core: 1.2 million records, a million of
them Shown, in five seconds; reading them from a file takes eight."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from tests.chaos.changes import check_changes, outcomes
from tests.chaos.deliveries import check_stream
from tests.chaos.history import Change, Fail, Fault, Invoke, Joined, Left, Ok, Record, Shown, Skipped, Unknown
from tests.chaos.rooms import Room, Span
from tests.chaos.sends import check_places, check_real_time
from tests.chaos.verdict import Findings, Verdict

Log = Mapping[str, Mapping[int, tuple[str, str]]]
"""Room → seq → (event id, body hash), as the database finally has it."""
Registered = Mapping[tuple[str, str], Mapping[str, int]]
"""(profile, device) → room → the first seq it is owed."""


def check(history: Iterable[Record], log: Log | None, registered: Registered) -> Verdict:
    """The verdict. Without a log, what is owed is what was acknowledged. Raises KeyError for an
    outcome of an operation that never began."""
    found = Findings()
    invoked: dict[int, Invoke] = {}
    asked: dict[int, Change] = {}
    acked: dict[int, Ok] = {}
    failed: dict[int, Fail] = {}
    unknown: dict[int, Unknown] = {}
    changes: set[tuple[str, str, int, bool]] = set()
    streams: dict[tuple[str, str, str], list[Shown | Skipped]] = {
        (profile, device, room): [] for (profile, device), rooms in registered.items() for room in rooms
    }
    for record in history:
        kind = type(record)
        if kind is Shown or kind is Skipped:
            assert isinstance(record, Shown | Skipped)
            stream = record.profile, record.device, record.room
            if stream in streams:
                streams[stream].append(record)
            else:
                streams[stream] = [record]
        elif isinstance(record, Invoke):
            invoked[record.op] = record
        elif isinstance(record, Change):
            asked[record.op] = record
        elif isinstance(record, Ok):
            acked[record.op] = record
        elif isinstance(record, Fail):
            failed[record.op] = record
        elif isinstance(record, Joined | Left):
            changes.add((record.profile, record.room, record.seq, isinstance(record, Joined)))
        elif isinstance(record, Fault):
            found.faults[record.kind] += 1
        else:
            assert isinstance(record, Unknown)
            unknown[record.op] = record
    made = outcomes(asked, acked, unknown, failed)
    for op in asked:
        acked.pop(op, None)
        failed.pop(op, None)
    found.operations, found.acked, found.unknown = (
        len(invoked),
        len(acked),
        len(invoked) - len(acked) - len(failed),
    )
    found.changes = len(asked)
    tried = [invoke for op, invoke in invoked.items() if op not in failed]
    sends = [(invoked[op], ok) for op, ok in acked.items()]
    rooms = _rooms(found, log, tried, sends, changes)
    intervals = _intervals(changes)
    for (profile, device, room), records in streams.items():
        first = registered.get((profile, device), {}).get(room)
        check_stream(
            found, f"{profile}/{device}", profile, room, records, rooms[room], intervals[profile, room], first
        )
    check_places(found, tried, rooms)
    check_real_time(found, tried, acked, rooms)
    check_changes(found, made, changes, sends)
    return found.verdict()


def _intervals(changes: Iterable[tuple[str, str, int, bool]]) -> dict[tuple[str, str], list[Span]]:
    """(profile, room) → memberships: first and last seq, None while it lasts."""
    found: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for profile, room, seq, joined in sorted(changes):
        spans = found[profile, room]
        inside = bool(spans) and spans[-1][1] is None
        if joined and not inside:
            spans.append((seq, None))
        elif inside and not joined:
            spans[-1] = (spans[-1][0], seq)
    return found


def _rooms(
    found: Findings,
    log: Log | None,
    tried: list[Invoke],
    acks: list[tuple[Invoke, Ok]],
    changes: Iterable[tuple[str, str, int, bool]],
) -> dict[str, Room]:
    """What each room holds, by the log and by the acks, which have to agree."""
    rooms: dict[str, Room] = defaultdict(Room)
    for invoke in tried:
        rooms[invoke.room].attempted.add((invoke.event_id, invoke.body_hash))
    for _, name, seq, _ in changes:
        rooms[name].changes.add(seq)
    for name, events in ({} if log is None else log).items():
        rooms[name].values.update(events)
        rooms[name].from_log = True
        for seq, value in events.items():
            if value not in rooms[name].attempted and seq not in rooms[name].changes:
                found.add(
                    "U", f"the log has {value[0]} at {name} {seq}, which nobody sent, or which was refused"
                )
        rooms[name].lowest = min(events, default=0)
    for invoke, ok in acks:
        room, value = rooms[invoke.room], (invoke.event_id, invoke.body_hash)
        known = room.values.get(ok.seq)
        room.acked.add(ok.seq)
        if known is None:
            room.values[ok.seq] = value
            if log is not None and ok.seq >= room.lowest:  # what is below has been removed by retention
                found.add(
                    "L",
                    f"{value[0]} was acknowledged at {invoke.room} {ok.seq}, where the log has nothing",
                    invoke,
                    ok,
                )
        elif known != value:
            found.add(
                "V", f"{value[0]} was acknowledged at {invoke.room} {ok.seq}, where {known[0]} is", invoke, ok
            )
    for room in rooms.values():
        room.owed = sorted(room.values.keys() | room.changes)
        room.owed_acked = sorted(room.acked)
        room.trusted = {seq for seq, value in room.values.items() if value in room.attempted}
    return rooms
