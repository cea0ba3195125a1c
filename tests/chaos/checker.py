"""Judges a history: a pure function from what clients saw, and what the log finally holds, to a
verdict on each invariant of DELIVERY.md. Measured on one core: 1.2 million records, a million of
them Shown, in five seconds; reading them from a file takes eight."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from tests.chaos.changes import Logged, check_changes, name_of, outcomes
from tests.chaos.deletions import check_deletions
from tests.chaos.deliveries import check_stream
from tests.chaos.history import (
    UNTOLD,
    Acked,
    Block,
    Calm,
    Change,
    Deleted,
    Deletion,
    Fail,
    Fault,
    Invited,
    Invoke,
    Joined,
    Left,
    Ok,
    OwnEvent,
    Record,
    Restored,
    Shown,
    Skipped,
    Stall,
    Uninvited,
    Unknown,
)
from tests.chaos.invitations import check_blocks, check_invitations
from tests.chaos.repeats import check_repeats
from tests.chaos.restores import DELETED, Logs
from tests.chaos.rooms import Room, Span
from tests.chaos.sends import check_places, check_real_time
from tests.chaos.stalls import RunningTime
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
    changes: set[Logged] = set()
    invitations: set[Logged] = set()
    blocks: dict[int, Block] = {}
    restores: list[Restored] = []
    own: set[tuple[str, int]] = set()
    deletions: dict[int, Deletion] = {}
    last: dict[str, int] = {}
    written: list[Acked] = []
    calms: list[tuple[float, float]] = []
    stalls: list[Stall] = []
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
        elif isinstance(record, Acked):
            written.append(record)
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
        elif isinstance(record, Invited | Uninvited):
            invitations.add((record.profile, record.room, record.seq, isinstance(record, Invited)))
        elif isinstance(record, Block):
            blocks[record.op] = record
        elif isinstance(record, Restored):
            restores.append(record)
        elif isinstance(record, OwnEvent):
            own.add((record.room, record.seq))
        elif isinstance(record, Deletion):
            deletions[record.op] = record
        elif isinstance(record, Deleted):
            own.add((record.room, record.seq))
            last[record.room] = record.seq
        elif isinstance(record, Calm):
            calms.append((record.t, float("inf")))
        elif isinstance(record, Stall):
            stalls.append(record)
        elif isinstance(record, Fault):
            found.faults[record.kind] += 1
            if calms and calms[-1][1] > record.t:
                calms[-1] = (calms[-1][0], record.t)
        else:
            assert isinstance(record, Unknown)
            unknown[record.op] = record
    logs = Logs(restores)
    if log is not None and restores:
        _take_out_lost(found, logs, log, invoked, asked, acked, unknown, changes, invitations)
        for op in logs.lost(deletions, acked, {(room, seq, DELETED) for room, seq in last.items()}):
            found.lost_by_restore.append(f"the deletion of {deletions[op].room} at {acked.pop(op).seq}")
    deleted = [(one, acked.pop(op)) for op, one in deletions.items() if op in acked]
    made = outcomes(asked, acked, unknown, failed)
    check_blocks(found, asked, blocks, acked, logs)
    found.invited = sum(1 for one in made if one.change.invitation and one.change.joins and one.seq)
    for op in (*asked, *blocks):
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
    own.update((room, seq) for _, room, seq, _ in changes)
    rooms = _rooms(found, log, tried, sends, own)
    for op, fail in failed.items():
        if logs.restored_between(invoked[op].t, fail.t):
            rooms[invoked[op].room].in_doubt.add((invoked[op].event_id, invoked[op].body_hash))
    intervals = _intervals(changes)
    names = set().union(*(logs.others(records) for records in streams.values()))
    if len(names) > 1:
        found.add("U", f"the log has had the names {sorted(names)}, and was restored from no backup")
    for (profile, device, room), records in streams.items():
        first = registered.get((profile, device), {}).get(room)
        check_stream(
            found,
            f"{profile}/{device}",
            profile,
            room,
            logs.split(records, room),
            rooms[room],
            intervals[profile, room],
            first,
        )
    check_repeats(found, streams, written, calms, RunningTime(stalls))
    check_places(found, tried, rooms)
    check_real_time(found, tried, acked, rooms)
    check_changes(found, made, changes, invitations, sends)
    check_invitations(found, asked.values(), changes, invitations)
    check_deletions(found, deleted, last, sends, rooms)
    return found.verdict()


def _take_out_lost(
    found: Findings,
    logs: Logs,
    log: Log,
    invoked: Mapping[int, Invoke],
    asked: dict[int, Change],
    acked: dict[int, Ok],
    unknown: dict[int, Unknown],
    changes: Iterable[Logged],
    invitations: Iterable[Logged],
) -> None:
    """An event that a restore has lost is named. From then on it was tried, and nobody was told
    what came of it."""
    events = {(room, seq, value[0]) for room, held in log.items() for seq, value in held.items()}
    moves = {
        (room, seq, f"{profile} {joins} {is_invitation}")
        for is_invitation, logged in ((False, changes), (True, invitations))
        for profile, room, seq, joins in logged
    }
    for op in logs.lost(invoked, acked, events):
        one = invoked[op]
        found.lost_by_restore.append(f"{one.event_id} at {one.room} {acked.pop(op).seq}")
    for op in logs.lost(asked, acked, moves):
        ok = acked.pop(op)
        if ok.seq == UNTOLD:
            unknown[op] = Unknown(ok.t, op)
        else:
            found.lost_by_restore.append(f"{name_of(asked.pop(op))} at {ok.seq}")


def _intervals(changes: Iterable[Logged]) -> dict[tuple[str, str], list[Span]]:
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
    own: Iterable[tuple[str, int]],
) -> dict[str, Room]:
    """The content of each room, by the log and by the acks, which have to agree. ``own``: rooms and
    seqs of the daemon's own events."""
    rooms: dict[str, Room] = defaultdict(Room)
    for invoke in tried:
        rooms[invoke.room].attempted.add((invoke.event_id, invoke.body_hash))
    for name, seq in own:
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
