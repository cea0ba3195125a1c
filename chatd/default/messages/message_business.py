"""MessageBusiness: the entry point for sending. It validates; the store checks access, finds
duplicates and commits with a seq."""

from dataclasses import dataclass
from hashlib import blake2b

from google.protobuf.message import DecodeError

from chatd.core.compression import Compressor, decompress
from chatd.core.ids import check_id
from chatd.core.notable import FIRST_APPLICATION_TYPE, MESSAGE
from chatd.core.payload import MAX_VALUES, check_payload
from chatd.default.answer import Answer, Call, Caller, Role, Write
from chatd.default.messages.model import NewEvent, StoredEvent
from chatd.default.messages.priority import validate_priority
from chatd.default.messages.store import StoreEvents
from chatd.default.part import Part
from chatd.errors import InvalidArgument, InvalidText, MalformedFrame, PayloadTooLarge
from chatd.pb.chat.v1.chat_pb2 import (
    EventAck,
    RoomEvent,
    SendEventsRequest,
    SendEventsResponse,
)

MAX_EVENTS = 256


@dataclass(slots=True)
class _Left:
    """The room that is left for the events of one request together."""

    size: int
    values: int


class MessageBusiness:
    """ChatService's method that sends events. ``max_payload``: of one event, ``max_together``: of
    one request; both in bytes, encoded and not compressed."""

    def __init__(self, *, max_payload: int, max_together: int, compressor: Compressor) -> None:
        self._max_payload = max_payload
        self._max_together = max_together
        self._compressor = compressor
        self.part = Part(
            calls=(
                # The events' own ids are remembered.
                Call(
                    "ChatService/SendEvents",
                    SendEventsRequest,
                    Role.USER,
                    self.send_events,
                    is_remembered=False,
                ),
            )
        )

    def send_events(self, caller: Caller, request: SendEventsRequest) -> Answer:
        """Store 1 to 256 events, all or none."""
        events = request.events
        if not 1 <= len(events) <= MAX_EVENTS:
            raise InvalidArgument(f"{len(events)} events; a request has 1 to {MAX_EVENTS}")
        left = _Left(size=self._max_together, values=MAX_VALUES)
        return Write(
            StoreEvents(caller.profile_id, tuple(self._validate(event, left) for event in events)),
            _encode_acks,
        )

    def _validate(self, event: RoomEvent, left: "_Left") -> NewEvent:
        """Take what the event needs from ``left``."""
        check_id("event_id", event.event_id)
        check_id("room_id", event.room_id)
        if event.compressed_payload:
            self._unpack(event, left.size)
        event.payload.DiscardUnknownFields()  # a Struct is JSON: they say nothing, and may nest too deep
        if event.type == MESSAGE:
            if "text" not in event.payload.fields or not event.payload.fields["text"].string_value:
                raise InvalidText("a MESSAGE needs a non-empty string payload.text")
        elif event.type < FIRST_APPLICATION_TYPE:
            raise InvalidArgument(
                f"type {event.type} is not for clients: use MESSAGE or an application's own, "
                f"{FIRST_APPLICATION_TYPE} and up"
            )
        # Deterministic: the same content has the same hash whatever order a client's map came in.
        payload = event.payload.SerializeToString(deterministic=True)
        if len(payload) > self._max_payload:
            raise PayloadTooLarge(f"the payload has {len(payload)} bytes; the limit is {self._max_payload}")
        left.size -= len(payload)
        if left.size < 0:
            raise PayloadTooLarge(f"the payloads of one request have more than {self._max_together} bytes")
        left.values -= check_payload(event.payload, payload, left.values)
        priority, mentions = validate_priority(event)
        # Ids hold neither NUL, white space nor ":": no two contents make the same line.
        content = b"%b\0%d\0%d\0%b\0%b" % (
            event.room_id.encode(),
            event.type,
            priority,
            " ".join((":all", *mentions) if event.mention_all else mentions).encode(),
            payload,
        )
        digest = blake2b(content, digest_size=16).digest()
        frame = self._compressor.compress(payload)
        return NewEvent(
            event.event_id,
            event.room_id,
            event.type,
            frame or payload,
            digest,
            compressed=frame is not None,
            priority=priority,
            mentions=mentions,
            mention_all=event.mention_all,
        )

    def _unpack(self, event: RoomEvent, most: int) -> None:
        """A payload that came compressed, as if it had not."""
        if event.HasField("payload"):
            raise InvalidArgument("either payload or compressed_payload")
        try:
            event.payload.ParseFromString(decompress(event.compressed_payload, min(most, self._max_payload)))
        except DecodeError as exc:
            raise MalformedFrame("the compressed payload is not a Struct") from exc
        event.ClearField("compressed_payload")


def _encode_acks(stored: tuple[StoredEvent, ...]) -> SendEventsResponse:
    return SendEventsResponse(
        acks=[
            EventAck(
                event_id=one.event_id,
                room_id=one.room_id,
                seq=one.seq,
                sent_at_us=one.sent_at_us,
                duplicate=one.duplicate,
            )
            for one in stored
        ]
    )
