"""A delivery as an application sees it."""

from typing import Any

from google.protobuf.json_format import MessageToDict

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
            payload = self.payload
            return "; ".join(f"{', '.join(payload[change])} {change}" for change in ("joined", "left") if change in payload)
        return fields["text"].string_value if "text" in fields else ""

    @property
    def payload(self) -> dict[str, Any]:
        """Everything the sender said."""
        return MessageToDict(self.message.payload)

    def __repr__(self) -> str:
        return f"Delivery({self.room_id!r}, {self.seq}, {self.sender_id!r}, {self.text!r})"
