"""A delivery as an application sees it."""

import math
from collections import defaultdict
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
    },
)


class Delivery:
    """One event, or the marker of events that will not come (``skipped``). ``sent_at_us`` is in microseconds since the Unix epoch; ``message``
    is the protobuf message itself; ``epoch`` and ``number`` say which delivery of which of the stream's connections it was.

    What came compressed is undone when it is first looked at: ``text`` and ``payload`` raise MalformedFrame or PayloadTooLarge if it is damaged.
    """

    __slots__ = ("_said", "epoch", "message", "number", "room_id", "seq")

    def __init__(self, message: EventDelivery, epoch: int = 0, number: int = 0) -> None:
        self.message = message
        self.room_id = message.event.room_id
        self.seq = message.event.seq
        self.epoch = epoch
        self.number = number
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
        """Profiles its sender means in particular."""
        return tuple(self.message.event.mentions)

    @property
    def retry_count(self) -> int:
        """How often it was tried before in vain."""
        return self.message.retry_count

    @property
    def skipped(self) -> Skipped | None:
        """What will not come and why, if this is a marker; else None."""
        return self.message.skipped if self.message.HasField("skipped") else None

    @property
    def replay(self) -> bool:
        """Whether this is a dead letter that an operator replays: older than what was shown, and meant to be shown."""
        return self.message.replay

    @property
    def text(self) -> str:
        """What a MESSAGE says; of a membership change, who joined or left; of a marker, what is missing; else empty."""
        if self.skipped is not None:
            first, last = self.skipped.first_seq, self.skipped.last_seq
            return f"{f'{first} to {last}' if first < last else first} will not come: {_REASONS[self.skipped.reason]}"
        fields = self._content().fields
        if self.type == EventType.EVENT_TYPE_MEMBERSHIP:
            changes = {
                change: [who.string_value for who in fields[change].list_value.values] for change in ("joined", "left") if change in fields
            }
            return "; ".join(f"{', '.join(who)} {change}" for change, who in changes.items())
        return fields["text"].string_value if "text" in fields else ""

    @property
    def payload(self) -> dict[str, Any]:
        """Everything the sender said. Numbers without a fraction are ints; NaN and the infinities, which have no place in JSON but may be
        sent, are the strings that protobuf's JSON uses for them."""
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
