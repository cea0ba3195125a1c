"""Deliveries of events, as ``tail`` and ``room history show`` print them."""

from chatctl.columns import Column, Columns, list_only, or_dash, unlisted
from chatctl.times import clock
from chatd.client import Delivery
from chatd.pb.events.v1.payloads_pb2 import SkipReason


def fields(reader: str = "") -> Columns[Delivery]:
    """All columns but the room's. An @ before the time marks an event that mentions ``reader``, a
    profile."""
    return (
        Column("seq", "seq"),
        unlisted("event_id"),
        list_only("time", lambda delivery: _time(delivery, reader)),
        Column("sender", "sender_id", or_dash),
        unlisted("type"),
        unlisted("sent_at_us"),
        Column("text", "text"),
        unlisted("payload"),
        unlisted("retry_count"),
        unlisted("replay"),
        unlisted("priority"),
        unlisted("mentions", get=lambda delivery: list(delivery.mentions)),
        unlisted("mention_all"),
        unlisted("skipped", get=_skipped),
    )


def reason_name(reason: SkipReason) -> str:
    """REJECTED, UNDELIVERABLE or RETENTION; the number of a reason that only a later version
    knows."""
    try:
        return SkipReason.Name(reason).removeprefix("SKIP_REASON_")
    except ValueError:
        return str(int(reason))


def _time(delivery: Delivery, reader: str) -> str:
    when = clock(delivery.sent_at_us) if delivery.skipped is None else "-"
    # The sender writes nothing left of the text, so nobody can forge the mark.
    return f"@ {when}" if delivery.is_for(reader) else when


def _skipped(delivery: Delivery) -> dict[str, object] | None:
    gap = delivery.skipped
    if gap is None:
        return None
    return {"first_seq": gap.first_seq, "last_seq": gap.last_seq, "reason": reason_name(gap.reason)}
