"""Signals (typing and receipts) as ``tail`` prints them: a line each, in the same columns as
events."""

from collections.abc import Callable, Collection
from typing import TypeVar

from chatctl.columns import Column, Columns, list_only, unlisted
from chatctl.output import Output
from chatd.pb.events.v1.signals_pb2 import DeliveredReceipt, ReadReceipt, Signal, Typing

S = TypeVar("S")
InRoom = TypeVar("InRoom", Typing, DeliveredReceipt, ReadReceipt)


def _columns(kind: str, text: Callable[[S], str], *more: Column[S]) -> Columns[S]:
    """The columns of a kind of signal. The "kind" in JSON tells signals from events, which have
    none."""
    return (
        unlisted("kind", get=lambda _: kind),
        Column("room", "room_id"),
        list_only("seq", lambda _: "-"),
        list_only("time", lambda _: "-"),
        Column("sender", "profile_id"),
        list_only("text", text),
        *more,
    )


TYPING: Columns[Typing] = _columns(
    "typing",
    lambda one: "is writing" if one.typing else "has stopped writing",
    unlisted("typing"),
)
DELIVERED: Columns[DeliveredReceipt] = _columns(
    "delivered",
    lambda one: f"received {one.first_seq} to {one.seq}" + (f" on {one.device_id}" if one.device_id else ""),
    unlisted("device_id"),
    unlisted("first_seq"),
    unlisted("seq"),
)
READ: Columns[ReadReceipt] = _columns(
    "read",
    lambda one: f"read up to {one.seq}",
    unlisted("seq"),
    unlisted("read_at_us"),
)


def show_signal(out: Output, signal: Signal, rooms: Collection[str], kinds: Collection[str]) -> None:
    """Print a signal of one of ``kinds`` ("typing", "delivered", "read") in one of ``rooms``
    (empty: all)."""
    kind = signal.WhichOneof("kind")
    if kind not in kinds:
        return
    match kind:
        case "typing":
            _show(out, signal.typing, TYPING, rooms)
        case "delivered":
            _show(out, signal.delivered, DELIVERED, rooms)
        case "read":
            _show(out, signal.read, READ, rooms)


def _show(out: Output, one: InRoom, columns: Columns[InRoom], rooms: Collection[str]) -> None:
    if not rooms or one.room_id in rooms:
        out.item(one, columns)
