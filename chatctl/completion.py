"""Words that a shell completes: rooms, profiles and devices, as the service knows them, and
contexts. If it does not answer soon, refuses, or cannot be asked, there are none, and nothing is
said."""

import re
from collections.abc import Awaitable, Callable, Container, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from chatd.client import Client

DEADLINE_SECONDS = 0.3
"""A person waits for the answer."""
ROWS = 1000

_PLAIN = re.compile(r"[\w@.+][\w@./+-]*")
"""Words that no shell takes for more than that: ids are strangers' words, and shells evaluate what
they are told."""


def _named(incomplete: str, words: Iterable[str]) -> list[str]:
    found = {word for word in words if word.startswith(incomplete) and _PLAIN.fullmatch(word)}
    return sorted(found)


def contexts(incomplete: str) -> list[str]:
    """Names of contexts."""
    from chatctl import contexts  # here: this module belongs to every start

    try:
        return _named(incomplete, contexts.read().held)
    except typer.BadParameter:
        return []


def rooms(context: typer.Context, incomplete: str) -> list[str]:
    """Rooms of the profile that chatctl acts for; an operator's own words are about all rooms."""

    async def ask(client: "Client") -> Iterable[str]:
        from chatd.errors import PermissionDenied
        from chatd.pb.admin.v1 import admin_pb2 as admin

        if not _given(context, "profile"):
            # Rooms after the text without its end, for the text may be a whole id.
            request = admin.ListRoomsRequest(after_room_id=incomplete[:-1], limit=ROWS)
            try:
                page = await client.call("AdminService/ListRooms", request, admin.ListRoomsResponse)
                return [room.room_id for room in page.rooms]
            except PermissionDenied:
                pass  # a user's token
        return [one.room_id for one in await client.unread()]

    return _asked(context, incomplete, ask)


def profiles(context: typer.Context, incomplete: str) -> list[str]:
    """Profiles that have devices. Operators are told."""

    async def ask(client: "Client") -> Iterable[str]:
        return [profile for profile, _ in await _devices(client, "", incomplete)]

    return _asked(context, incomplete, ask)


def devices(context: typer.Context, incomplete: str) -> list[str]:
    """Devices of the profile that stands before, or that chatctl acts for. Operators are told."""

    async def ask(client: "Client") -> Iterable[str]:
        profile = str(context.params.get("profile") or _given(context, "profile"))
        return [device for _, device in await _devices(client, profile, "")] if profile else []

    return _asked(context, incomplete, ask)


def recipients(context: typer.Context, incomplete: str) -> list[str]:
    """Devices as PROFILE/DEVICE. Operators are told."""

    async def ask(client: "Client") -> Iterable[str]:
        profile, _, _ = incomplete.partition("/")
        return [f"{one}/{device}" for one, device in await _devices(client, "", profile)]

    return _asked(context, incomplete, ask)


def gateways(context: typer.Context, incomplete: str) -> list[str]:
    """Ids of gateways. Operators are told."""
    return _processes(context, incomplete, {"gateway", "all"})


def nodes(context: typer.Context, incomplete: str) -> list[str]:
    """Ids of default nodes. Operators are told."""
    return _processes(context, incomplete, {"default", "all"})


def _processes(context: typer.Context, incomplete: str, kinds: Container[str]) -> list[str]:
    async def ask(client: "Client") -> Iterable[str]:
        from chatd.pb.admin.v1 import admin_pb2 as admin

        found = await client.call("AdminService/ListNodes", admin.ListNodesRequest(), admin.ListNodesResponse)
        return [node.node_id for node in found.nodes if node.kind in kinds]

    return _asked(context, incomplete, ask)


async def _devices(client: "Client", profile: str, begin: str) -> list[tuple[str, str]]:
    """Profiles and their devices. ``begin``: from about this profile on."""
    from chatd.pb.admin.v1 import admin_pb2 as admin

    request = admin.ListDevicesRequest(profile_id=profile, after_profile_id=begin[:-1], limit=ROWS)
    page = await client.call("AdminService/ListDevices", request, admin.ListDevicesResponse)
    return [(device.profile_id, device.device_id) for device in page.devices]


def _given(context: typer.Context, option: str) -> str:
    """A global option, as far as the line is written."""
    return str(context.find_root().params.get(option) or "")


def _asked(
    context: typer.Context, incomplete: str, ask: "Callable[[Client], Awaitable[Iterable[str]]]"
) -> list[str]:
    import asyncio

    from chatctl.invocation import Options, options

    async def soon() -> Iterable[str]:
        async with asyncio.timeout(DEADLINE_SECONDS), client:
            return await ask(client)

    token_file, key_file = _given(context, "token_file"), _given(context, "key_file")
    context.obj = Options(
        uri=_given(context, "uri"),
        token=_given(context, "token"),
        token_file=Path(token_file) if token_file else None,
        key_file=Path(key_file) if key_file else None,
        profile=_given(context, "profile"),
        timeout=DEADLINE_SECONDS,
        as_json=False,
        form=None,
        headers=False,
        context=_given(context, "context_name"),
    )
    try:
        client = options(context).client()
        return _named(incomplete, asyncio.run(soon()))
    except Exception:  # noqa: BLE001  whatever it is, somebody is in the middle of a line
        return []
