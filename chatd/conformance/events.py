"""Deliveries that the played gateway sends, and the lines that a client shows them by."""

from typing import Any

from google.protobuf.struct_pb2 import Struct

from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, EventType, Skipped, SkipReason

ROOM = "lobby"
EPOCH_US = 1_795_464_916_000_000


def event(
    seq: int, text: str = "", *, room: str = ROOM, type_: int = EventType.EVENT_TYPE_MESSAGE, **fields: Any
) -> EventDelivery:
    """A MESSAGE of alice's."""
    payload = Struct()
    payload["text"] = text or text_of(seq)
    link = EventLink(
        event_id=event_id(room, seq),
        room_id=room,
        seq=seq,
        sender_id="alice",
        sent_at_us=EPOCH_US + seq,
        priority=fields.pop("priority", 0),
    )
    link.type = type_  # type: ignore[assignment]
    return EventDelivery(event=link, payload=payload, **fields)


def marker(first: int, last: int, *, room: str = ROOM) -> EventDelivery:
    """In place of these events."""
    skipped = Skipped(first_seq=first, last_seq=last, reason=SkipReason.SKIP_REASON_RETENTION)
    return EventDelivery(event=EventLink(room_id=room, seq=last), skipped=skipped)


def event_id(room: str, seq: int) -> str:
    return f"{room}-{seq}"


def text_of(seq: int) -> str:
    return f"text {seq}"


def shown(*seqs: int, room: str = ROOM) -> list[tuple[str, ...]]:
    """The lines of these events."""
    return [("event", room, str(seq), text_of(seq)) for seq in seqs]
