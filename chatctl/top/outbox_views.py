"""The views of ``chatctl top`` of what devices are owed: from the laggards down to one delivery."""

from chatctl import delivery_story, outbox, why
from chatctl.times import now_us, parse_time
from chatctl.top import outbox_actions
from chatctl.top.page import Page, Row, View, page
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2 as admin
from chatd.text import escaped

LIMIT = 200
"""Rows of one look; filters and commands narrow it."""


def laggards() -> View:
    """Devices and rooms with events owed, the longest owed first."""

    async def fetch(client: Client) -> Page:
        found = await client.call(
            "AdminService/ListOutbox", admin.ListOutboxRequest(limit=LIMIT), admin.ListOutboxResponse
        )
        return page(
            found.rows,
            outbox.SUMMARIES,
            key=lambda row: f"{row.profile_id}:{row.device_id}:{row.room_id}",
            open=lambda row: owed_to(row.profile_id, row.device_id),
            actions=lambda row: (outbox_actions.skip_room(row),),
            more=found.more,
        )

    return View("laggards", fetch, ("laggards",))


def owed_to(profile_id: str, device_id: str) -> View:
    """The events that one device is owed."""

    async def fetch(client: Client) -> Page:
        found = await client.call(
            "AdminService/ListOutboxEntries",
            admin.ListOutboxEntriesRequest(profile_id=profile_id, device_id=device_id, limit=LIMIT),
            admin.ListOutboxEntriesResponse,
        )
        return page(
            found.entries,
            outbox.ENTRIES,
            key=lambda entry: f"{entry.event.room_id}:{entry.event.seq}",
            open=lambda entry: story(entry.event.room_id, entry.event.seq, profile_id, device_id),
            actions=lambda entry: (outbox_actions.skip_event(entry), outbox_actions.skip_up_to(entry)),
            more=found.more,
        )

    return View(f"owed to {profile_id}/{device_id}", fetch, ("outbox", profile_id, device_id))


def story(room_id: str, seq: int, profile_id: str, device_id: str) -> View:
    """Why one event has or has not reached one device."""
    who = delivery_story.Recipient(profile_id, device_id)

    async def fetch(client: Client) -> Page:
        asked = admin.ExplainDeliveryRequest(
            room_id=room_id, seq=seq, profile_id=profile_id, device_id=device_id
        )
        told, open_ones = await why.ask(client, asked)
        answer = delivery_story.why_nobody(who, told, now_us())
        if answer:
            return Page(("time", "what"), (), lines=(escaped(answer),))
        (device,) = told.devices
        connection = open_ones.get(device_id) if device.online else None
        answer = delivery_story.why(who, told, device, connection, now_us())
        steps = list(delivery_story.steps(told, device, connection))
        what = outbox_actions.of_story(who, room_id, seq, device.state)
        rows = [
            Row(str(number), delivery_story.cells(step), (step.at_us, step.what), actions=what)
            for number, step in enumerate(steps)
        ]
        return Page(("time", "what"), tuple(rows), lines=(escaped(answer),))

    return View(f"{room_id}:{seq} for {who}", fetch, ("why", f"{room_id}:{seq}", str(who)))


def replay(profile_id: str, device_id: str, since: str) -> View:
    """The events that a device would be owed again from a time on."""
    who = delivery_story.Recipient(profile_id, device_id)
    from_us = parse_time(since)

    async def fetch(client: Client) -> Page:
        request = admin.ReplayOutboxRequest(
            profile_id=profile_id, device_id=device_id, from_us=from_us, dry_run=True
        )
        found = await client.call("AdminService/ReplayOutbox", request, admin.ReplayOutboxResponse)
        counts = (found.replayed, found.rooms, found.removed)
        action = outbox_actions.replay(who, admin.ReplayOutboxRequest(from_us=from_us))
        row = Row("replay", tuple(f"{count:,}" for count in counts), counts, actions=(action,))
        return Page(("events", "rooms", "no longer kept"), (row,))

    return View(f"replay to {who} since {since}", fetch, ("replay", str(who), since))
