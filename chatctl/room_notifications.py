"""chatctl room notifications: what you are notified of in a room while your devices are away."""

import time
from typing import Annotated

import typer

from chatctl.connection import options, run
from chatctl.history import age_us
from chatd.pb.chat.v1 import chat_pb2

LEVELS = {
    "all": chat_pb2.NOTIFICATION_LEVEL_ALL,
    "mentions": chat_pb2.NOTIFICATION_LEVEL_MENTIONS,
    "none": chat_pb2.NOTIFICATION_LEVEL_NONE,
}


def notifications(
    context: typer.Context,
    room: Annotated[str, typer.Argument(metavar="ROOM", help="The room's id.")],
    level: Annotated[str, typer.Option("--level", help="all, mentions or none.")] = "all",
    mute_for: Annotated[str, typer.Option("--mute-for", metavar="AGE", help="Nothing for so long: 30d, 8h, 90m.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what you want to be notified of in a room while your devices are away. Both options are set anew each time.

    Example: chatctl --as bob room notifications lobby --level mentions --mute-for 8h
    """
    if level not in LEVELS:
        raise typer.BadParameter(f"--level must be one of {', '.join(LEVELS)}")
    until = time.time_ns() // 1000 + age_us(mute_for) if mute_for else 0
    run(context, lambda client: client.set_room_notifications(room, LEVELS[level], muted_until_us=until))
    options(context).output(as_json).one({"room_id": room, "level": level, "muted_until_us": until})
