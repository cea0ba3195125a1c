"""A delivery as an application sees it."""

import math
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventType


class Delivery:
    """One event. ``sent_at_us`` is in microseconds since the Unix epoch; ``message`` is the protobuf message itself."""

    __slots__ = ("message", "room_id", "seq")

    def __init__(self, message: EventDelivery) -> None:
        self.message = message
        self.room_id = message.event.room_id
        self.seq = message.event.seq

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
    def retry_count(self) -> int:
        return self.message.retry_count

    @property
    def text(self) -> str:
        """What a MESSAGE says; of a membership change, who joined or left; else empty."""
        fields = self.message.payload.fields
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
        return _from_struct(self.message.payload)

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
