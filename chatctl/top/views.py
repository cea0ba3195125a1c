"""The views of ``chatctl top``, from all rooms down to one delivery. Each asks the service one
question."""

from collections.abc import Callable, Sequence

from chatctl import (
    audit,
    connections,
    dead_letters,
    devices,
    named,
    nodes,
    notifications,
    room_columns,
)
from chatctl.columns import counted
from chatctl.top import actions, outbox_actions
from chatctl.top.outbox_views import LIMIT, laggards, owed_to, replay, story
from chatctl.top.page import Page, View, page
from chatctl.top.streams import stages, streams, streams_of
from chatd.client import Client
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1 import admin_pb2 as admin


def all_rooms() -> View:
    """Rooms, by id."""

    async def fetch(client: Client) -> Page:
        found = await client.call(
            "AdminService/ListRooms", admin.ListRoomsRequest(limit=LIMIT), admin.ListRoomsResponse
        )
        return page(
            found.rooms,
            room_columns.COLUMNS,
            key=lambda room: room.room_id,
            open=lambda room: members(room.room_id),
            more=found.more,
        )

    return View("rooms", fetch, ("rooms",))


def members(room_id: str) -> View:
    """A room's members."""

    async def fetch(client: Client) -> Page:
        found = await client.call(
            "AdminService/GetRoom",
            admin.GetRoomRequest(room_id=room_id, limit=LIMIT),
            admin.GetRoomResponse,
            affinity=room_id,
        )
        published = "" if found.published_seq >= found.room.head_seq else ", not all of them published yet"
        return page(
            found.members,
            room_columns.MEMBERS,
            key=lambda member: member.profile_id,
            open=lambda member: of_profile(member.profile_id),
            more=found.more,
            lines=(f"{counted(found.room.head_seq, 'event')}{published}",),
        )

    return View(f"members of {room_id}", fetch, ("room", room_id))


def all_devices() -> View:
    """Devices of all profiles."""
    return _devices("devices", "", ("devices",))


def of_profile(profile_id: str) -> View:
    """One profile's devices."""
    return _devices(f"devices of {profile_id}", profile_id, ("devices", profile_id))


def _devices(title: str, profile_id: str, commands: tuple[str, ...]) -> View:
    async def fetch(client: Client) -> Page:
        found = await client.call(
            "AdminService/ListDevices",
            admin.ListDevicesRequest(profile_id=profile_id, limit=LIMIT),
            admin.ListDevicesResponse,
        )
        return page(
            found.devices,
            devices.COLUMNS,
            key=lambda device: f"{device.profile_id}:{device.device_id}",
            open=lambda device: owed_to(device.profile_id, device.device_id),
            actions=lambda device: (outbox_actions.skip_all(device), actions.forget(device)),
            more=found.more,
        )

    return View(title, fetch, commands)


def all_connections() -> View:
    """Devices that are connected now."""

    async def fetch(client: Client) -> Page:
        found = await client.call(
            "AdminService/ListConnections",
            admin.ListConnectionsRequest(limit=LIMIT),
            admin.ListConnectionsResponse,
        )
        return page(
            found.connections,
            connections.COLUMNS,
            key=lambda one: f"{one.profile_id}:{one.device_id}",
            open=lambda one: owed_to(one.profile_id, one.device_id),
            actions=lambda one: (actions.kick(one),),
            more=found.more,
        )

    return View("connections", fetch, ("connections",))


def all_letters() -> View:
    """Dead letters, the newest first."""

    async def fetch(client: Client) -> Page:
        found = await client.call(
            "AdminService/ListDeadLetters",
            admin.ListDeadLettersRequest(limit=LIMIT),
            admin.ListDeadLettersResponse,
        )
        return page(
            found.letters,
            dead_letters.COLUMNS,
            key=lambda letter: letter.letter_id,
            open=lambda letter: story(
                letter.event.room_id, letter.event.seq, letter.profile_id, letter.device_id
            ),
            actions=lambda letter: (
                actions.replay(letter),
                actions.drop(letter),
                actions.replay_all(letter),
                actions.drop_all(letter),
            ),
            more=found.more,
        )

    return View("dead letters", fetch, ("dead-letters",))


def all_notifications() -> View:
    """Notifications, the newest first."""

    async def fetch(client: Client) -> Page:
        found = await client.call(
            "AdminService/ListNotifications",
            admin.ListNotificationsRequest(limit=LIMIT),
            admin.ListNotificationsResponse,
        )
        return page(
            found.notifications,
            notifications.COLUMNS,
            key=lambda one: f"{one.profile_id}:{one.device_id}:{one.room_id}:{one.state}",
            open=lambda one: owed_to(one.profile_id, one.device_id),
            actions=lambda one: (actions.notify_again(one), actions.drop_notification(one)),
            more=found.more,
        )

    return View("notifications", fetch, ("notifications",))


def all_nodes() -> View:
    """Default nodes and gateways."""

    async def fetch(client: Client) -> Page:
        found = await client.call("AdminService/ListNodes", admin.ListNodesRequest(), admin.ListNodesResponse)
        return page(
            found.nodes,
            nodes.COLUMNS,
            key=lambda node: node.uri,
            actions=lambda node: (actions.resume(node) if node.drained else actions.drain(node),),
        )

    return View("nodes", fetch, ("nodes",))


def audit_lines() -> View:
    """The acts of operators, and refusals, the newest first."""

    async def fetch(client: Client) -> Page:
        found = await client.call(
            "AdminService/ListAudit", admin.ListAuditRequest(limit=LIMIT), admin.ListAuditResponse
        )
        return page(found.lines, audit.COLUMNS, key=lambda line: line.line_id, more=found.more)

    return View("audit", fetch, ("audit",))


TABS: tuple[Callable[[], View], ...] = (
    all_rooms,
    all_devices,
    laggards,
    all_connections,
    all_letters,
    all_notifications,
    all_nodes,
    audit_lines,
    streams,
)
"""The views at the keys 2 to 9 and 0; 1 is the overview."""


def opened_by(words: Sequence[str]) -> View:
    """The view that the words of a command name. Raises InvalidArgument, which lists them all."""
    tabs = {make().commands[0]: make for make in (*TABS, stages)}
    match list(words):
        case [name] if name in tabs:
            return tabs[name]()
        case ["room", room_id]:
            return members(room_id)
        case ["streams", gateway_id]:
            return streams_of(gateway_id)
        case ["devices", profile_id]:
            return of_profile(profile_id)
        case ["outbox", profile_id, device_id]:
            return owed_to(profile_id, device_id)
        case ["why", event, to]:
            asked, who = named.request(event, ""), named.recipient(to)
            if asked.room_id and who.device_id:
                return story(asked.room_id, asked.seq, who.profile_id, who.device_id)
        case ["replay", to, *since] if since:
            who = named.recipient(to)
            if who.device_id:
                return replay(who.profile_id, who.device_id, " ".join(since))
    raise InvalidArgument(
        f"commands: {', '.join(tabs)}, room ROOM, devices PROFILE, streams GATEWAY, outbox PROFILE DEVICE, "
        "why ROOM:SEQ PROFILE/DEVICE, replay PROFILE/DEVICE TIME, quit"
    )
