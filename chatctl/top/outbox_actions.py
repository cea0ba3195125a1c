"""The things that can be done with what a device is owed. The questions say how much it is: the
service is asked first."""

from chatctl.columns import counted
from chatctl.delivery_story import Recipient
from chatctl.top.page import Action
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2 as admin
from chatd.pb.events.v1.payloads_pb2 import DeliveryState


def skip_all(device: admin.Device) -> Action:
    """Skip all that a device is owed."""
    return _skip("x", "skip all", Recipient(device.profile_id, device.device_id), admin.SkipOutboxRequest())


def skip_room(row: admin.OutboxSummary) -> Action:
    """Skip what a device is owed of one room."""
    request = admin.SkipOutboxRequest(room_id=row.room_id, until_seq=row.owed_until_seq)
    return _skip("x", "skip", Recipient(row.profile_id, row.device_id), request)


def skip_event(entry: admin.OutboxEntry) -> Action:
    """Skip one event."""
    request = admin.SkipOutboxRequest(room_id=entry.event.room_id, seq=entry.event.seq)
    return _skip("x", "skip", Recipient(entry.target.profile_id, entry.target.device_id), request)


def skip_up_to(entry: admin.OutboxEntry) -> Action:
    """Skip an event with those before it."""
    request = admin.SkipOutboxRequest(room_id=entry.event.room_id, until_seq=entry.event.seq)
    who = Recipient(entry.target.profile_id, entry.target.device_id)
    return _skip("u", "skip up to here", who, request)


def of_story(who: Recipient, room_id: str, seq: int, state: int) -> tuple[Action, ...]:
    """Skip the event that a device is owed, or owe it again, with those after it."""
    if state == DeliveryState.DELIVERY_STATE_OWED:
        return (_skip("x", "skip", who, admin.SkipOutboxRequest(room_id=room_id, seq=seq)),)
    if state in (DeliveryState.DELIVERY_STATE_ACKNOWLEDGED, DeliveryState.DELIVERY_STATE_SKIPPED):
        return (replay(who, admin.ReplayOutboxRequest(room_id=room_id, from_seq=seq)),)
    return ()


def _skip(key: str, label: str, who: Recipient, request: admin.SkipOutboxRequest) -> Action:
    request.profile_id, request.device_id = who.profile_id, who.device_id

    async def call(client: Client, *, dry_run: bool) -> str:
        request.dry_run = dry_run
        done = await client.call("AdminService/SkipOutbox", request, admin.SkipOutboxResponse)
        return _events(done.skipped, done.rooms)

    async def ask(client: Client) -> str:
        return f"Skip {await call(client, dry_run=True)} that {who} is owed?"

    async def run(client: Client) -> str:
        return f"{who} is no longer owed {await call(client, dry_run=False)}"

    return Action(key, label, ask, run)


def replay(who: Recipient, request: admin.ReplayOutboxRequest) -> Action:
    """Owe a device again what comes from a point on."""
    request.profile_id, request.device_id = who.profile_id, who.device_id

    async def call(client: Client, *, dry_run: bool) -> str:
        request.dry_run = dry_run
        done = await client.call("AdminService/ReplayOutbox", request, admin.ReplayOutboxResponse)
        gone = f"; {done.removed:,} more are no longer kept" if done.removed else ""
        return f"{_events(done.replayed, done.rooms)} again{gone}"

    async def ask(client: Client) -> str:
        return f"Owe {who} {await call(client, dry_run=True)}?"

    async def run(client: Client) -> str:
        return f"{who} is owed {await call(client, dry_run=False)}"

    return Action("r", "replay from here", ask, run)


def _events(events: int, rooms: int) -> str:
    return f"{counted(events, 'event')} of {counted(rooms, 'room')}"
