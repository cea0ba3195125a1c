"""chatctl room notifications: the notifications you want from a room while your devices are
away."""

from typing import Annotated

import typer

from chatctl.arguments import AsJson, RoomId
from chatctl.columns import Columns, unlisted
from chatctl.invocation import output, run
from chatctl.times import clock, now_us, parse_age
from chatd.client import Client
from chatd.pb.chat.v1 import chat_pb2

LEVELS: dict[str, chat_pb2.NotificationLevel] = {
    "all": chat_pb2.NOTIFICATION_LEVEL_ALL,
    "mentions": chat_pb2.NOTIFICATION_LEVEL_MENTIONS,
    "none": chat_pb2.NOTIFICATION_LEVEL_NONE,
}


def level_name(level: int) -> str:
    """all, mentions or none; the number of a level that only a later version knows."""
    return next((name for name, number in LEVELS.items() if number == level), str(level))


COLUMNS: Columns[chat_pb2.GetRoomNotificationsResponse] = (
    unlisted("level", get=lambda found: level_name(found.level)),
    unlisted("muted_until_us", detail=lambda at_us: clock(at_us) if at_us > now_us() else "not muted"),
)

Level = Annotated[
    str,
    typer.Option("--level", help="all, mentions or none; default: as it is.", show_default=False),
]
MuteFor = Annotated[
    str,
    typer.Option(
        "--mute-for",
        metavar="AGE",
        help="No notifications for this long: 30d, 8h, 90m; 0s: no longer muted; default: as it is.",
        show_default=False,
    ),
]


def notifications(
    context: typer.Context,
    room: RoomId,
    level: Level = "",
    mute_for: MuteFor = "",
    as_json: AsJson = False,
) -> None:
    """Show the events of a room that you are notified of while your devices are away; with options,
    set them first. An option that is not given stays as it is.

    Example: chatctl --as bob room notifications lobby --level mentions --mute-for 8h
    """
    if level and level not in LEVELS:
        raise typer.BadParameter(f"--level must be one of {', '.join(LEVELS)}")
    until = now_us() + parse_age(mute_for) if mute_for else None
    found = run(context, lambda client: _set_and_get(client, room, LEVELS.get(level), until))
    output(context, as_json).details(found, (unlisted("room_id", get=lambda _: room), *COLUMNS))


async def _set_and_get(
    client: Client,
    room: str,
    level: chat_pb2.NotificationLevel | None,
    until_us: int | None,
) -> chat_pb2.GetRoomNotificationsResponse:
    """Set what is not None; the settings afterwards."""
    found = await client.room_notifications(room)
    if level is None and until_us is None:
        return found
    level = found.level if level is None else level
    until_us = found.muted_until_us if until_us is None else until_us
    await client.set_room_notifications(room, level, muted_until_us=until_us)
    return await client.room_notifications(room)
