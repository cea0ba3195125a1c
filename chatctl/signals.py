"""What is said in passing, as tail shows it: a line each, among those of the events."""

from typing import Any

from chatctl.output import Output
from chatd.pb.events.v1.signals_pb2 import Signal


def show_signal(out: Output, signal: Signal, rooms: set[str], kinds: set[str]) -> None:
    """Those of the ``kinds`` wanted, of these rooms (empty: all). As JSON they have a "kind", which events have not."""
    kind = signal.WhichOneof("kind")
    if kind not in kinds:
        return
    said: Any = getattr(signal, kind)
    if rooms and said.room_id not in rooms:
        return
    row = {"kind": kind, **{field.name: getattr(said, field.name) for field in said.DESCRIPTOR.fields}}
    out.item(row, (said.room_id, "-", "-", said.profile_id, _sentence(kind, said)))


def _sentence(kind: str, said: Any) -> str:
    if kind == "typing":
        return "is writing" if said.typing else "has stopped writing"
    return f"received up to {said.seq} on {said.device_id}" if kind == "delivered" else f"read up to {said.seq}"
