"""chatctl room notifications: the notifications you want from a room while your devices are away."""

from typing import Annotated

import typer

from chatctl.arguments import AsJson, RoomId
from chatctl.invocation import output, run
from chatctl.times import now_us, parse_age
from chatd.pb.chat.v1 import chat_pb2

LEVELS = {
    "all": chat_pb2.NOTIFICATION_LEVEL_ALL,
    "mentions": chat_pb2.NOTIFICATION_LEVEL_MENTIONS,
    "none": chat_pb2.NOTIFICATION_LEVEL_NONE,
}

Level = Annotated[str, typer.Option("--level", help="all, mentions or none.")]
MuteFor = Annotated[
    str,
    typer.Option("--mute-for", metavar="AGE", help="No notifications for this long: 30d, 8h, 90m."),
]


def notifications(
    context: typer.Context,
    room: RoomId,
    level: Level = "all",
    mute_for: MuteFor = "",
    as_json: AsJson = False,
) -> None:
    """Set the events of a room that you are notified of while your devices are away. Sets both options anew.

    Example: chatctl --as bob room notifications lobby --level mentions --mute-for 8h
    """
    if level not in LEVELS:
        raise typer.BadParameter(f"--level must be one of {', '.join(LEVELS)}")
    until = now_us() + parse_age(mute_for) if mute_for else 0
    run(context, lambda client: client.set_room_notifications(room, LEVELS[level], muted_until_us=until))
    output(context, as_json).one({"room_id": room, "level": level, "muted_until_us": until})
