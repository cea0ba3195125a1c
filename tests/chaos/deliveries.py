"""The deliveries that one device was shown of one room, held against what it was owed: lost,
unexpected, out of order, twice, leaked, another value."""

from collections.abc import Iterable

from tests.chaos.history import Shown, Skipped
from tests.chaos.rooms import Ranges, Room, Span, within
from tests.chaos.verdict import Findings

NOWHERE: Span = (1, 0)
Records = list[Shown | Skipped]


def check_stream(
    found: Findings,
    who: str,
    profile: str,
    name: str,
    logs: list[tuple[Records, Records]],
    room: Room,
    spans: list[Span],
    first_owed: int | None,
) -> None:
    """``logs``: for each log that the database has held, the records of what the last one has too,
    and of what was lost by a restore; all in the order in which they came. ``first_owed`` None: the
    device is not known, nothing is owed to it, and in each log it may begin anew: a backup is
    restored that is older than the device.

    A dead letter that is shown after its marker is out of order by intent, as an operator replays
    it. An event that was shown outside of the membership, or as another, is reported as that and
    nothing else."""
    walk = _Walk(found, who, profile, name, room, spans)
    for kept, lost in logs:
        walk.of_one_log(kept)
        walk.lost_by_restore(lost)
    for record in walk.dropped:
        if record.seq in walk.covered or first_owed is None:  # else it is lost, and reported as that
            found.add("O", f"{who} dropped {name} {record.seq} as a repeat, which it was not", record)
    skipped = Ranges(walk.skips)
    unbroken = walk.by_log if first_owed is None else [walk.covered]
    for start, end in spans:
        if first_owed is not None:
            _check_owed(found, who, name, room, walk.covered, skipped, max(start, first_owed), end)
        for covered in unbroken:
            _check_holes(found, who, name, room, within(sorted(covered), start, end), skipped, first_owed)


class _Walk:
    """Goes through the records of one device and room. ``covered``: seqs that were shown, in
    whichever log; ``by_log``: in each."""

    def __init__(
        self, found: Findings, who: str, profile: str, name: str, room: Room, spans: list[Span]
    ) -> None:
        self._found = found
        self._who = who
        self._profile = profile
        self._name = name
        self._room = room
        self._spans = spans
        self.covered: set[int] = set()
        self.by_log: list[set[int]] = []
        self.skips: list[tuple[int, int]] = []
        self.dropped: list[Shown] = []

    def of_one_log(self, records: Records) -> None:
        """Order and duplicates count within a log: in another one events come again."""
        found, who, name = self._found, self._who, self._name
        covered: set[int] = set()
        last = 0
        span = NOWHERE
        for record in records:
            if isinstance(record, Skipped):
                found.markers += 1
                _check_marker(found, who, record, self._spans)
                self.skips.append((record.first_seq, record.last_seq))
                last = max(last, record.last_seq)
                continue
            found.shown += 1
            found.repeats += record.repeat
            seq = record.seq
            if seq not in self._room.trusted or self._room.values[seq] != (
                record.event_id,
                record.body_hash,
            ):
                _check_value(found, who, record, self._room)
            self._check_recipient(record)
            if not (span[0] <= seq and (span[1] is None or seq <= span[1])):
                span = _span_of(self._spans, seq)
                if span == NOWHERE:
                    found.add(
                        "X", f"{who} was shown {name} {seq}, outside of its memberships {self._spans}", record
                    )
                    continue
            if record.repeat:
                if seq > last:
                    self.dropped.append(record)
            elif seq > last:
                covered.add(seq)
                last = seq
            elif seq in covered:
                found.add("D", f"{who} was shown {name} {seq} twice", record)
            else:
                covered.add(seq)
                if not any(first <= seq <= end for first, end in self.skips):
                    found.add("O", f"{who} was shown {name} {seq} after {last}", record)
        self.covered |= covered
        self.by_log.append(covered)

    def lost_by_restore(self, records: Records) -> None:
        """Events that were shown and are lost were sent by somebody, and in order."""
        last = 0
        for record in records:
            if isinstance(record, Skipped):
                self._found.markers += 1
                continue
            self._found.shown += 1
            self._found.repeats += record.repeat
            self._check_recipient(record)
            value = record.event_id, record.body_hash
            was_tried = value in self._room.attempted or value in self._room.in_doubt
            if record.body_hash and not was_tried:
                self._found.add(
                    "U",
                    f"{self._who} was shown {record.event_id} at {self._name} {record.seq}, which nobody sent so",
                    record,
                )
            if not record.repeat and record.seq <= last:
                self._found.add("O", f"{self._who} was shown {self._name} {record.seq} after {last}", record)
            last = max(last, record.seq)

    def _check_recipient(self, record: Shown) -> None:
        if record.recipient and record.recipient != self._profile:
            self._found.add(
                "X",
                f"{self._who} was shown {self._name} {record.seq}, which was for {record.recipient}",
                record,
            )


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
        # Another body of an event that exists; or nothing that anybody sent.
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
    """Each event that is known to be there was shown, or is covered by a marker."""
    for seq in within(room.owed, start, end):
        if seq not in covered and seq not in skipped:
            event_id = room.values[seq][0] if seq in room.values else "a change of membership"
            found.add("L", f"{who} was never shown {name} {seq} ({event_id}), nor told that it will not come")
    found.checked += len(within(room.owed_acked, start, end))


def _check_holes(
    found: Findings, who: str, name: str, room: Room, mine: list[int], skipped: Ranges, first_owed: int | None
) -> None:
    """Within a membership no seq is left out, be it one of which nothing else is known. A seq that
    is known to be owed is reported as lost."""
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
