"""Deliveries as applications see them."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct, Value

from chatd.core.compression import decompress
from chatd.errors import MalformedFrame
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventType, Skipped, SkipReason

_REASONS = defaultdict(
    lambda: "for a reason this version does not know",
    {
        SkipReason.SKIP_REASON_REJECTED: "rejected by this device",
        SkipReason.SKIP_REASON_UNDELIVERABLE: "tried too often",
        SkipReason.SKIP_REASON_RETENTION: "no longer kept",
        SkipReason.SKIP_REASON_UNREADABLE: "damaged where it was stored",
        SkipReason.SKIP_REASON_OPERATOR: "skipped by an operator",
    },
)


class Delivery:
    """One event, or the marker of events that will not come (``skipped``).

    ``sent_at_us`` is in microseconds since the Unix epoch. ``message`` is the protobuf message.
    ``number`` counts the deliveries of the ``connection``, which has this ``epoch``. ``log`` names
    the log that ``seq`` belongs to. A compressed payload is decompressed when it is first used:
    ``text`` and ``payload`` raise MalformedFrame or PayloadTooLarge if it is damaged.
    """

    __slots__ = ("_said", "connection", "epoch", "log", "message", "number", "room_id", "seq")

    def __init__(
        self, message: EventDelivery, epoch: int = 0, number: int = 0, *, connection: int = 0, log: str = ""
    ) -> None:
        self.message = message
        self.room_id = message.event.room_id
        self.seq = message.event.seq
        self.epoch = epoch
        self.number = number
        self.connection = connection
        self.log = log
        self._said: Struct | None = None

    @property
    def event_id(self) -> str:
        return self.message.event.event_id

    @property
    def sender_id(self) -> str:
        return self.message.event.sender_id

    @property
    def type(self) -> int:
        return self.message.event.type

    @property
    def sent_at_us(self) -> int:
        return self.message.event.sent_at_us

    @property
    def priority(self) -> int:
        """-1 bulk, 0 normal, 1 to 3 urgent."""
        return self.message.event.priority

    @property
    def mentions(self) -> tuple[str, ...]:
        """Profiles that the sender addresses in particular."""
        return tuple(self.message.event.mentions)

    @property
    def mention_all(self) -> bool:
        """True if the sender addresses all members."""
        return self.message.event.mention_all

    def is_for(self, profile_id: str) -> bool:
        """True if the sender addresses the profile in particular, or all members."""
        return self.mention_all or profile_id in self.mentions

    @property
    def retry_count(self) -> int:
        """The number of earlier attempts that this device did not acknowledge."""
        return self.message.retry_count

    @property
    def skipped(self) -> Skipped | None:
        """The range that will not come and the reason, if this is a marker; else None."""
        return self.message.skipped if self.message.HasField("skipped") else None

    @property
    def replay(self) -> bool:
        """True for an event that an operator replays: show it, although later events have been
        shown."""
        return self.message.replay

    @property
    def text(self) -> str:
        """The text of a MESSAGE; a sentence for a change of members or of the room, or a marker;
        else empty."""
        if self.skipped is not None:
            first, last = self.skipped.first_seq, self.skipped.last_seq
            seqs = f"{first} to {last}" if first < last else f"{first}"
            return f"{seqs} will not come: {_REASONS[self.skipped.reason]}"
        fields = self._content().fields
        if self.type == EventType.EVENT_TYPE_MEMBERSHIP:
            return "; ".join(_member_changes(fields))
        if self.type == EventType.EVENT_TYPE_ROOM:
            return "; ".join(_room_changes(fields))
        return fields["text"].string_value if "text" in fields else ""

    @property
    def payload(self) -> dict[str, Any]:
        """The whole payload, fit for JSON.

        Numbers without a fraction are ints. NaN and the infinities become the strings of protobuf's
        JSON.
        """
        return _from_struct(self._content())

    def _content(self) -> Struct:
        if not self.message.is_compressed:
            return self.message.payload
        if self._said is None:
            try:
                self._said = Struct.FromString(decompress(self.message.compressed_payload))
            except DecodeError as exc:
                raise MalformedFrame("the compressed payload is not a Struct") from exc
        return self._said

    def __repr__(self) -> str:
        return f"Delivery({self.room_id!r}, {self.seq}, {self.sender_id!r}, {self.text!r})"


def _listed(value: Value) -> str:
    return ", ".join(one.string_value for one in value.list_value.values)


def _member_changes(fields: Mapping[str, Value]) -> Iterator[str]:
    for change in ("joined", "left", "banned", "unbanned", "invited"):
        if change in fields:
            yield f"{_listed(fields[change])} {change}"
    if "uninvited" in fields:
        yield f"{_listed(fields['uninvited'])} no longer invited"
    if "changed" in fields:
        yield f"{_listed(fields['changed'])} now {fields['role'].string_value}"
    if "owner" in fields and "joined" not in fields:
        yield f"{fields['owner'].string_value} now owner"


def _room_changes(fields: Mapping[str, Value]) -> Iterator[str]:
    if "name" in fields:
        name = fields["name"].string_value
        yield f"the room is now called {name}" if name else "the room has no name now"
    if "hide_previews" in fields:
        yield f"previews are {'hidden' if fields['hide_previews'].bool_value else 'shown'} now"
    if "public" in fields:
        yield "everybody may join now" if fields["public"].bool_value else "nobody may just join now"
    if "description" in fields:
        what = fields["description"].string_value
        yield f"the room is for: {what}" if what else "the room has no description now"
    if "rules" in fields:
        rules = sorted(fields["rules"].struct_value.fields.items())
        yield "; ".join(_rule(name, value) for name, value in rules)
    if "metadata" in fields:
        yield f"changed: {', '.join(sorted(fields['metadata'].struct_value.fields))}"
    if "deleted" in fields:
        yield "the room is deleted"


def _rule(name: str, value: Value) -> str:
    number = int(value.number_value)
    match name:
        case "requires_approval":
            return "changes need approval now" if value.bool_value else "changes need no approval now"
        case "keep_days":
            return (
                f"days that events are kept: {number:,}" if number else "events are kept for as long as usual"
            )
        case "keep_events":
            return f"events that are kept: {number:,}" if number else "as many events are kept as usual"
    return f"{name} from {value.string_value} up"


def _from_struct(struct: Struct) -> dict[str, Any]:
    return {name: _from_value(value) for name, value in struct.fields.items()}


def _from_value(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _from_struct(value.struct_value)
    if kind == "list_value":
        return [_from_value(one) for one in value.list_value.values]
    if kind == "number_value":
        return _from_number(value.number_value)
    return None if kind in (None, "null_value") else getattr(value, kind)


def _from_number(number: float) -> float | int | str:
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return int(number) if number.is_integer() else number
