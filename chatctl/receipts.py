"""chatctl receipts: the profiles that an event has reached."""

from typing import Annotated

import typer

from chatctl.arguments import AsJson, RoomId, Seq
from chatctl.columns import Column, Columns, counted, list_only, unlisted
from chatctl.invocation import output, run
from chatctl.lists import lists
from chatctl.outbox import state
from chatctl.paging import next_page
from chatctl.times import clock
from chatd.pb.chat.v1.chat_pb2 import RecipientStatus
from chatd.pb.events.v1.payloads_pb2 import DeliveryState

_PLAIN = (DeliveryState.DELIVERY_STATE_OWED, DeliveryState.DELIVERY_STATE_ACKNOWLEDGED)


def _devices(one: RecipientStatus, *, acked: bool) -> str:
    """Devices; the state of those that will not get the event is behind them. A user, who may not
    know the devices of others, is shown the profile's state alone."""
    if not one.devices and one.state:
        has_it = one.state == DeliveryState.DELIVERY_STATE_ACKNOWLEDGED
        return "-" if has_it != acked else "yes" if acked else state(one)
    named = (
        device.device_id if device.state in _PLAIN else f"{device.device_id} ({state(device)})"
        for device in one.devices
        if device.acked == acked
    )
    return ", ".join(named) or "-"


COLUMNS: Columns[RecipientStatus] = (
    Column("profile", "profile_id"),
    list_only("received", lambda one: _devices(one, acked=True)),
    list_only("not yet", lambda one: _devices(one, acked=False)),
    unlisted("state", get=lambda one: state(one) if one.state else ""),
    unlisted("read"),
    unlisted("read_at_us"),
    list_only("read", lambda one: clock(one.read_at_us) if one.read else "no"),
    unlisted("devices", get=lambda one: {device.device_id: state(device) for device in one.devices}),
)

Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="List at most this many profiles.")]


@lists
def receipts(
    context: typer.Context,
    room: RoomId,
    seq: Seq,
    after: Annotated[
        str,
        typer.Option("--after", metavar="PROFILE", help="Only profiles after this one."),
    ] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show which profiles have received an event and which have read it. For members and operators.

    Example: chatctl --as alice receipts lobby 17
    """
    found = run(
        context, lambda client: client.delivery_status(room, seq, after_profile_id=after, limit=limit)
    )
    out = output(context, as_json)
    received, read = (f"{one:,} {'has' if one == 1 else 'have'}" for one in (found.delivered, found.read))
    out.say(f"{counted(found.recipients, 'recipient')}: {received} received it, {read} read it")
    out.rows(
        found.profiles,
        COLUMNS,
        more=next_page(found.more, found.profiles[-1].profile_id if found.profiles else ""),
    )
