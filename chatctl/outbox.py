"""chatctl outbox …: the events that devices are owed. Their contents are never shown."""

import typer

from chatctl.arguments import (
    AfterDevice,
    AfterPlace,
    AsJson,
    Limit,
    OnlyDevice,
    OnlyProfile,
    OnlyRoom,
    ProfileId,
    RoomId,
    Seq,
)
from chatctl.columns import Column, Columns, list_only, unlisted, yes_no
from chatctl.invocation import call, output
from chatctl.lists import lists
from chatctl.outbox_changes import replay, skip
from chatctl.paging import next_page
from chatctl.times import age, age_since
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1.chat_pb2 import RecipientStatus
from chatd.pb.events.v1.payloads_pb2 import DeliveryState, EventReceipt

app = typer.Typer(
    no_args_is_help=True, help="See which events devices are owed; skip or replay some. Operators only."
)

SUMMARIES: Columns[admin_pb2.OutboxSummary] = (
    Column("profile", "profile_id"),
    Column("device", "device_id"),
    Column("room", "room_id"),
    Column("owed", "owed"),
    unlisted("acked_seq"),
    unlisted("owed_until_seq"),
    list_only("events", lambda row: f"{row.acked_seq + 1}-{row.owed_until_seq}"),
    Column("oldest", "oldest_at_us", age_since),
    Column("attempts", "attempts", bad=lambda row: row.attempts > 0),
    Column("online", "online", yes_no),
)

ORDERS = {"oldest_at_us": "oldest_at_us", "owed": "owed", "attempts": "attempts"}
"""Columns by which the service sorts all rows."""

ENTRIES: Columns[admin_pb2.OutboxEntry] = (
    Column("device", "device_id", get=lambda entry: entry.target.device_id),
    Column("room", "room_id", get=lambda entry: entry.event.room_id),
    Column("seq", "seq", get=lambda entry: entry.event.seq),
    Column("event", "event_id", get=lambda entry: entry.event.event_id),
    Column("sender", "sender_id", get=lambda entry: entry.event.sender_id),
    Column("age", "owed_for_us", age, get=lambda entry: entry.target.owed_for_us),
    Column("attempts", "attempts", get=lambda entry: entry.target.attempts),
)


def state(receipt: EventReceipt | RecipientStatus | admin_pb2.DeviceStory) -> str:
    """owed, acknowledged, rejected, undeliverable or removed; unspecified from an older chatd."""
    return DeliveryState.Name(receipt.state).removeprefix("DELIVERY_STATE_").lower()


TARGETS: Columns[EventReceipt] = (
    Column("profile", "profile_id"),
    Column("device", "device_id"),
    unlisted("acked"),
    Column("state", "state", get=state),
    Column("attempts", "attempts", bad=lambda target: target.attempts > 0 and not target.acked),
    unlisted("owed_for_us"),
    list_only("owed for", lambda target: age(target.owed_for_us) if target.owed_for_us else ""),
)


@app.command(name="list")
@lists
def list_(
    context: typer.Context,
    profile: OnlyProfile = "",
    device: OnlyDevice = "",
    room: OnlyRoom = "",
    after: AfterPlace = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List devices and rooms with events owed, one row for each pair, the longest owed first.
    --sort by oldest, owed or attempts sorts all of them.

    Example: chatctl outbox list --sort owed:desc
    """
    out = output(context, as_json)
    order = out.order_by(SUMMARIES, ORDERS)
    request = admin_pb2.ListOutboxRequest(
        profile_id=profile, device_id=device, room_id=room, limit=limit, order_by=order, after=after
    )
    page = call(context, "AdminService/ListOutbox", request, admin_pb2.ListOutboxResponse)
    out.rows(page.rows, SUMMARIES, more=next_page(page.more, page.next_after), ordered=bool(order))


@app.command()
@lists
def show(
    context: typer.Context,
    profile: ProfileId,
    device: OnlyDevice = "",
    room: OnlyRoom = "",
    after: AfterPlace = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the events owed to a profile's devices, one row for each device and event.

    Example: chatctl outbox show bob --device laptop
    """
    request = admin_pb2.ListOutboxEntriesRequest(
        profile_id=profile,
        device_id=device,
        room_id=room,
        limit=limit,
        after=after,
    )
    page = call(context, "AdminService/ListOutboxEntries", request, admin_pb2.ListOutboxEntriesResponse)
    output(context, as_json).rows(page.entries, ENTRIES, more=next_page(page.more, page.next_after))


@app.command()
@lists
def event(
    context: typer.Context,
    room: RoomId,
    seq: Seq,
    after: AfterDevice = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show how far one event has come, one row for each device it is for.

    Example: chatctl outbox event lobby 17
    """
    after_profile, _, after_device = after.partition(":")
    request = admin_pb2.GetBroadcastRequest(
        room_id=room,
        seq=seq,
        after_profile_id=after_profile,
        after_device_id=after_device,
        limit=limit,
    )
    found = call(context, "AdminService/GetBroadcast", request, admin_pb2.GetBroadcastResponse)
    targets = found.broadcast.targets
    last = f"{targets[-1].profile_id}:{targets[-1].device_id}" if targets else ""
    output(context, as_json).rows(targets, TARGETS, more=next_page(found.more, last))


app.command()(skip)
app.command()(replay)
