"""What one device was shown of one room, held against what it was owed: lost, unexpected, out of
order, twice, leaked, another value."""

from collections.abc import Iterable

from tests.chaos.history import Shown, Skipped
from tests.chaos.rooms import Ranges, Room, Span, within
from tests.chaos.verdict import Findings

NOWHERE: Span = (1, 0)


def check_stream(
    found: Findings,
    who: str,
    profile: str,
    name: str,
    records: list[Shown | Skipped],
    room: Room,
    spans: list[Span],
    first_owed: int | None,
) -> None:
    """``records`` in the order they came; ``first_owed`` None: the device is not known, and nothing
    is owed to it.

    A dead letter that is shown after its marker is out of order by intent, as an operator replays
    it. An event that was shown outside of the membership, or as another, is reported as that and
    nothing else."""
    covered: set[int] = set()
    skips: list[tuple[int, int]] = []
    dropped: list[Shown] = []
    last = 0
    span = NOWHERE
    for record in records:
        if isinstance(record, Skipped):
            found.markers += 1
            _check_marker(found, who, record, spans)
            skips.append((record.first_seq, record.last_seq))
            last = max(last, record.last_seq)
            continue
        found.shown += 1
        found.repeats += record.repeat
        seq = record.seq
        if seq not in room.trusted or room.values[seq] != (record.event_id, record.body_hash):
            _check_value(found, who, record, room)
        if record.recipient and record.recipient != profile:
            found.add("X", f"{who} was shown {name} {seq}, which was for {record.recipient}", record)
        if not (span[0] <= seq and (span[1] is None or seq <= span[1])):
            span = _span_of(spans, seq)
            if span == NOWHERE:
                found.add("X", f"{who} was shown {name} {seq}, outside of its memberships {spans}", record)
                continue
        if record.repeat:
            if seq > last:
                dropped.append(record)
        elif seq > last:
            covered.add(seq)
            last = seq
        elif seq in covered:
            found.add("D", f"{who} was shown {name} {seq} twice", record)
        else:
            covered.add(seq)
            if not any(first <= seq <= end for first, end in skips):
                found.add("O", f"{who} was shown {name} {seq} after {last}", record)
    for record in dropped:
        if record.seq in covered or first_owed is None:  # else it is lost, and reported as that
            found.add("O", f"{who} dropped {name} {record.seq} as a repeat, which it was not", record)
    ordered, skipped = sorted(covered), Ranges(skips)
    for start, end in spans:
        if first_owed is not None:
            _check_owed(found, who, name, room, covered, skipped, max(start, first_owed), end)
        _check_holes(found, who, name, room, within(ordered, start, end), skipped, first_owed)


def _check_marker(found: Findings, who: str, marker: Skipped, spans: list[Span]) -> None:
    if not marker.reason or marker.first_seq > marker.last_seq:
        found.add(
            "S",
            f"{who} was not told why {marker.room} {marker.first_seq} to {marker.last_seq} will not come",
            marker,
        )
    if _span_of(spans, marker.last_seq) == NOWHERE:
        found.add(
            "X",
            f"{who} was told of {marker.room} {marker.last_seq}, outside of its memberships {spans}",
            marker,
        )


def _check_value(found: Findings, who: str, record: Shown, room: Room) -> None:
    value = record.event_id, record.body_hash
    known = room.values.get(record.seq)
    if value not in room.attempted and not (
        record.seq in room.changes and (known == value or not room.from_log)
    ):
        # Of an event that exists, another body; or nothing that anybody sent.
        letter = "V" if known is not None and known != value and known[0] == record.event_id else "U"
        found.add(
            letter,
            f"{who} was shown {record.event_id} at {record.room} {record.seq}, which nobody sent so",
            record,
        )
    elif known is None:
        if room.from_log and record.seq >= room.lowest:
            found.add(
                "V",
                f"{who} was shown {record.event_id} at {record.room} {record.seq}, where the log has nothing",
                record,
            )
        else:
            room.values[record.seq] = value
    elif known != value:
        found.add(
            "V",
            f"{who} was shown {record.event_id} at {record.room} {record.seq}, which is {known[0]}",
            record,
        )


def _span_of(spans: Iterable[Span], seq: int) -> Span:
    return next((span for span in spans if span[0] <= seq and (span[1] is None or seq <= span[1])), NOWHERE)


def _check_owed(
    found: Findings,
    who: str,
    name: str,
    room: Room,
    covered: set[int],
    skipped: Ranges,
    start: int,
    end: int | None,
) -> None:
    """What is known to be there was shown, or is covered by a marker."""
    for seq in within(room.owed, start, end):
        if seq not in covered and seq not in skipped:
            event_id = room.values[seq][0] if seq in room.values else "a change of membership"
            found.add("L", f"{who} was never shown {name} {seq} ({event_id}), nor told that it will not come")
    found.checked += len(within(room.owed_acked, start, end))


def _check_holes(
    found: Findings, who: str, name: str, room: Room, mine: list[int], skipped: Ranges, first_owed: int | None
) -> None:
    """Within a membership no seq is left out, be it one of which nothing else is known. What is
    known to be owed is reported as lost."""
    before = mine[0] - 1 if mine else 0
    for seq in mine:
        if seq > before + 1:
            for first, last in skipped.outside(before + 1, seq - 1):
                lost = [] if first_owed is None else within(room.owed, max(first, first_owed), last)
                if last - first + 1 > len(lost):
                    found.add(
                        "O", f"{who} was shown {name} {seq} with a hole before it, from {first} to {last}"
                    )
        before = seq
