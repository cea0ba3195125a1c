"""A frame as a trace shows it: its kind, its numbers and, if an operator has asked for them, the
payloads of its deliveries. Tokens are never shown."""

from collections.abc import Iterable, Iterator

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct

from chatd.core.compression import decompress
from chatd.core.stream import DeviceStream
from chatd.core.wire import error_from_pb
from chatd.errors import ChatdError
from chatd.pb.admin.v1.admin_pb2 import TracedFrame, TracedRun
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.pb.events.v1.signals_pb2 import PresenceState
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Error, ServerFrame

MAX_TEXT = 200
"""Characters kept of what a client calls itself, and so on."""
MAX_PAYLOAD = 1_000
"""Characters kept of each payload."""
MAX_PAYLOADS = 20
"""Payloads kept of one frame."""


def received(frame: bytes) -> TracedFrame:
    """The account of an encoded ClientFrame."""
    shown = TracedFrame(from_device=True, size=len(frame))
    try:
        read = ClientFrame.FromString(frame)
    except DecodeError:
        shown.kind = "unreadable"
        return shown
    shown.kind = kind = read.WhichOneof("kind") or "unknown"
    match kind:
        case "hello":
            shown.text = read.hello.client
        case "ack":
            shown.up_to = read.ack.up_to
        case "reject":
            shown.up_to, shown.text = read.reject.delivery, read.reject.reason
        case "call":
            shown.text = f"{read.call.method} {read.call.call_id}"
        case "presence":
            shown.text = _state(read.presence.state)
    shown.text = shown.text[:MAX_TEXT]
    return shown


def sent(frame: bytes, *, payloads: bool) -> TracedFrame:
    """The account of an encoded ServerFrame."""
    shown = TracedFrame(size=len(frame))
    read = ServerFrame.FromString(frame)
    if read.deliveries:
        shown.kind, shown.deliveries = "deliveries", len(read.deliveries)
        shown.runs.extend(_runs(read.deliveries))
        if payloads:
            shown.payloads.extend(map(_payload, read.deliveries[:MAX_PAYLOADS]))
    elif read.signals:
        shown.kind, shown.text = "signals", f"{len(read.signals)}"
    else:
        fields = [field.name for field, _ in read.ListFields()]
        shown.kind = kind = fields[0] if fields else "unknown"
        match kind:
            case "welcome":
                shown.text = f"epoch {read.welcome.epoch}, new device" if read.welcome.new_device else ""
            case "reply" if read.reply.HasField("error"):
                shown.text = f"{read.reply.call_id}: {_error(read.reply.error)}"
            case "reply":
                shown.text = f"{read.reply.call_id}: done"
            case "closed":
                shown.text = _error(read.closed.error)
            case "error":
                shown.text = _error(read.error)
            case "token_expires":
                shown.text = f"in {read.token_expires.in_ms} ms"
    shown.text = shown.text[:MAX_TEXT]
    return shown


def with_stream(shown: TracedFrame, stream: DeviceStream | None) -> TracedFrame:
    """The frame with the state of the stream that it belongs to: with an ack's effect, which is yet
    to come."""
    if stream is not None:
        window = stream.window
        acked = window.acked
        if shown.kind == "ack":
            acked = max(acked, min(shown.up_to, window.sent))
        shown.epoch = stream.key.epoch
        shown.in_flight, shown.window = window.sent - acked, window.max_messages
    return shown


def _runs(deliveries: Iterable[EventDelivery]) -> Iterator[TracedRun]:
    """Neighbours of one room that follow each other are one run."""
    run: TracedRun | None = None
    for delivery in deliveries:
        room_id, last_seq = delivery.event.room_id, delivery.event.seq
        first_seq = delivery.skipped.first_seq if delivery.HasField("skipped") else last_seq
        if run is not None and (run.room_id, run.last_seq + 1) == (room_id, first_seq):
            run.last_seq = last_seq
            continue
        if run is not None:
            yield run
        run = TracedRun(room_id=room_id, first_seq=first_seq, last_seq=last_seq)
    if run is not None:
        yield run


def _payload(delivery: EventDelivery) -> str:
    struct = delivery.payload
    try:
        if delivery.is_compressed:
            struct = Struct.FromString(decompress(delivery.compressed_payload))
        return MessageToJson(struct, indent=None)[:MAX_PAYLOAD]
    except (ChatdError, DecodeError, ValueError):  # ValueError: a number that JSON does not have
        return "unreadable"


def _error(error: Error) -> str:
    return "goodbye" if not error.code else f"{error_from_pb(error).name}: {error.message}"


def _state(state: int) -> str:
    try:
        return PresenceState.Name(state).removeprefix("PRESENCE_STATE_").lower()
    except ValueError:
        return str(state)
