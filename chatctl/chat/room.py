"""A room as this screen knows it: its newest lines, what is unread, who is in it, who writes, who
has received and read. No I/O; ``now`` is in seconds of any steady clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chatctl.chat.lines import Line, Paragraph, clock, counts, day, line_of, paragraph
from chatctl.chat.stretches import Stretches
from chatd.client import Delivery
from chatd.pb.chat.v1.chat_pb2 import GetDeliveryStatusResponse, Unread
from chatd.pb.events.v1.payloads_pb2 import DeliveryState, EventType

TYPING_SECONDS = 5.0
"""Seconds after which somebody has stopped writing if nobody says so (PROTOCOL.md)."""
KEPT_LINES = 2_000
"""Lines of a room in memory; older ones are read again when somebody scrolls to them."""
KEPT_NOTES = 50
"""The screen's own words in a room."""
KEPT_CHANGES = 100
"""Changes of members that may happen while the service is asked who they are."""
RECEIVED, READ = "✓", "✓✓"


@dataclass(frozen=True, slots=True)
class Note:
    """The screen's own words, which stand behind the line ``seq``. They are in no log."""

    seq: int
    number: int
    text: str
    at_us: int


class Room:
    """``room_id``: empty for the place where no room is in view."""

    def __init__(self, room_id: str, me: str = "") -> None:
        self.room_id = room_id
        self.me = me
        self.name = ""
        self.head_seq = 0
        self.read_seq = 0
        self.asked_seq = 0
        """The service was told that all is read up to here; perhaps in vain."""
        self.unread = 0
        self.mentioned = False
        """True if something unread mentions the reader."""
        self.members: set[str] | None = None
        """None: not known yet."""
        self.marker_seq: int | None = None
        """A rule stands behind this line: what follows was new when the room came into view."""
        self.first_seq = 0
        """The log is known from here on; 0: nothing of it was read yet."""
        self.has_older = False
        self.is_loading = False
        self.lines: dict[int, Line] = {}
        self._changes: list[Delivery] = []
        self._notes: list[Note] = []
        self._noted = 0
        self._typing: dict[str, float] = {}
        self._received = Stretches()
        self._read: dict[str, int] = {}

    @property
    def is_loaded(self) -> bool:
        return self.first_seq > 0

    def at(self, unread: Unread) -> None:
        """The service says how far the room is read."""
        self.name = unread.name
        self.head_seq = max(self.head_seq, unread.head_seq)
        if unread.read_seq >= self.read_seq:
            self.read_seq, self.unread = unread.read_seq, unread.unread
            self.mentioned = unread.mentions > 0

    def take(self, delivery: Delivery) -> bool:
        """An event has arrived; True if it is new."""
        is_new = delivery.seq > self.head_seq
        self.head_seq = max(self.head_seq, delivery.seq)
        line = line_of(delivery)
        self._typing.pop(line.sender, None)
        self.add(line)
        self._note_changes(delivery)
        if is_new and line.sender != self.me and delivery.skipped is None and counts(delivery):
            self.unread += 1
            self.mentioned = self.mentioned or line.is_for(self.me)
        return is_new

    def add(self, line: Line) -> None:
        """Keep a line if it belongs to the part of the log that is known."""
        if self.is_loading or (self.is_loaded and line.seq >= self.first_seq):
            if line.event_id or line.seq not in self.lines:  # a marker replaces nothing
                self.lines[line.seq] = line
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        if len(self.lines) <= KEPT_LINES + KEPT_LINES // 10 or self.is_loading:
            return
        kept = sorted(self.lines)[-KEPT_LINES:]
        self.lines = {seq: self.lines[seq] for seq in kept}
        self.first_seq, self.has_older = kept[0], True

    def _note_changes(self, delivery: Delivery) -> None:
        """The members and the room's name, as the newest event says."""
        if delivery.skipped is not None or delivery.seq < self.head_seq:
            return
        if delivery.type == EventType.EVENT_TYPE_MEMBERSHIP:
            self._changes = [*self._changes, delivery][-KEPT_CHANGES:]
            if self.members is not None:
                self.members = changed(self.members, delivery)
        if delivery.type == EventType.EVENT_TYPE_ROOM and "name" in delivery.payload:
            self.name = delivery.payload["name"]

    def set_members(self, members: set[str], at_seq: int) -> None:
        """The members were these at ``at_seq``; what has changed since then is known."""
        for delivery in self._changes:
            if delivery.seq > at_seq:
                members = changed(members, delivery)
        self.members = members

    def load(self, page: Sequence[Delivery], *, more: bool) -> None:
        """The newest page of the log; what has arrived since it was asked for is kept."""
        self.is_loading = False
        first = page[0].seq if page else self.head_seq + 1
        self.lines = {seq: line for seq, line in self.lines.items() if seq >= first}
        self.first_seq, self.has_older = max(1, first), more
        for delivery in page:
            self.head_seq = max(self.head_seq, delivery.seq)
            self.add(line_of(delivery))

    def load_older(self, page: Sequence[Delivery], *, more: bool) -> None:
        """The page before what is known."""
        self.has_older = more and bool(page)
        for delivery in page:
            if delivery.seq < self.first_seq:
                self.lines.setdefault(delivery.seq, line_of(delivery))
        if page:
            self.first_seq = min(self.first_seq, page[0].seq)

    def forget(self) -> None:
        """The log is another one, or events were missed: read it anew."""
        self.lines, self.first_seq, self.head_seq, self.read_seq = {}, 0, 0, 0
        self.marker_seq, self.members = None, None
        self._received, self._read = Stretches(), {}
        self._notes = [replace(one, seq=0) for one in self._notes]

    def note(self, text: str, at_us: int) -> None:
        """The screen says something here."""
        self._noted += 1
        self._notes = [*self._notes, Note(self.head_seq, self._noted, text, at_us)][-KEPT_NOTES:]

    def take_notes(self, other: "Room") -> None:
        """Events from before this room came into view are to be seen here."""
        for one in other._notes:
            self.note(one.text, one.at_us)
        other._notes = []

    def heard_typing(self, profile: str, typing: bool, now: float) -> None:
        if typing and profile != self.me:
            self._typing[profile] = now + TYPING_SECONDS
        else:
            self._typing.pop(profile, None)

    def typing(self, now: float) -> list[str]:
        """Those who write now."""
        self._typing = {profile: until for profile, until in self._typing.items() if until > now}
        return sorted(self._typing)

    def received(self, first_seq: int, seq: int) -> None:
        """Somebody else has received this stretch."""
        self._received.add(first_seq, seq)

    def was_read(self, profile: str, seq: int) -> None:
        """Somebody else has read up to ``seq``."""
        self._read[profile] = max(seq, self._read.get(profile, 0))

    def told(self, seq: int, status: GetDeliveryStatusResponse) -> None:
        """The way that the event ``seq`` has come."""
        for one in status.profiles:
            if one.read:
                self.was_read(one.profile_id, seq)
            if one.state == DeliveryState.DELIVERY_STATE_ACKNOWLEDGED:
                self.received(seq, seq)

    def readers(self, seq: int) -> list[str]:
        """Those of whom it is known that they have read up to ``seq``."""
        return sorted(profile for profile, up_to in self._read.items() if up_to >= seq)

    def newest_own(self) -> int:
        """The seq of the reader's own newest line; 0: none is known."""
        return max((seq for seq, line in self.lines.items() if line.sender == self.me), default=0)

    def people(self) -> list[str]:
        """Members and those who have spoken, but not the reader; who spoke last comes first."""
        spoke = [self.lines[seq].sender for seq in sorted(self.lines, reverse=True)]
        everybody = dict.fromkeys([*spoke, *sorted(self.members or ())])
        return [one for one in everybody if one and one != self.me]

    def paragraphs(self) -> Iterator[Paragraph]:
        """The room from its oldest known line on, with days, notes, and a rule before what is
        new."""
        read_up_to = max(self._read.values(), default=0)
        notes = iter(self._notes)
        note = next(notes, None)
        shown_day = ""
        for seq in sorted(self.lines):
            while note is not None and note.seq < seq:
                yield _noted(note)
                note = next(notes, None)
            line = self.lines[seq]
            if line.at_us and day(line.at_us) != shown_day:
                shown_day = day(line.at_us)
                yield Paragraph(f"day {seq}", f"── {shown_day}", style="dim")
            if self.marker_seq is not None and self.marker_seq < seq and self._is_first_new(seq):
                yield Paragraph("new", "── new", style="bold")
            yield paragraph(line, me=self.me, mark=self._mark(line, read_up_to))
        yield from (_noted(one) for one in ([note] if note is not None else []))
        yield from map(_noted, notes)

    def _is_first_new(self, seq: int) -> bool:
        return seq - 1 == self.marker_seq or (seq == self.first_seq and not self.has_older)

    def _mark(self, line: Line, read_up_to: int) -> str:
        if line.sender != self.me:
            return ""
        return READ if line.seq <= read_up_to else RECEIVED if line.seq in self._received else ""


def changed(members: set[str], delivery: Delivery) -> set[str]:
    """The members after an event about members."""
    payload = delivery.payload
    return (members | set(payload.get("joined", ()))) - set(payload.get("left", ()))


def _noted(note: Note) -> Paragraph:
    return Paragraph(f"note {note.number}", note.text, clock(note.at_us), "-", style="dim")
