"""chatctl read, unread: how far a profile has read its rooms."""

from typing import Annotated

import typer

from chatctl import completion
from chatctl.absent import Absent, absent_rooms
from chatctl.arguments import MAX_SEQ, AsJson, RoomId
from chatctl.columns import Column, Columns, list_only, unlisted
from chatctl.invocation import output, run
from chatctl.lists import lists
from chatctl.times import clock
from chatd.pb.chat.v1.chat_pb2 import Unread

COLUMNS: Columns[Unread] = (
    Column("room", "room_id"),
    list_only("unread", lambda room: room.unread),
    list_only("mentions", lambda room: room.mentions),
    list_only("read", lambda room: f"{room.read_seq} of {room.head_seq}"),
    unlisted("read_seq"),
    Column("last", "read_at_us", lambda at_us: clock(at_us) if at_us else "never"),
    unlisted("head_seq"),
    unlisted("unread"),
    unlisted("mentions"),
    unlisted("name"),
)

UpTo = Annotated[
    int | None,
    typer.Argument(metavar="SEQ", min=1, max=MAX_SEQ, help="The last event read; default: the newest."),
]


def read(context: typer.Context, room: RoomId, seq: UpTo = None, as_json: AsJson = False) -> None:
    """Mark a room as read; the profile's other devices and the room's members are told. The marker
    never moves backwards.

    Example: chatctl --as bob read lobby 17
    """
    done = run(context, lambda client: client.set_read_marker(room, seq or MAX_SEQ))
    output(context, as_json).one(
        {"room_id": room, "read_seq": done.seq, "unread": done.unread, "mentions": done.mentions}
    )


@lists
def unread(
    context: typer.Context,
    rooms: Annotated[
        list[str] | None,
        typer.Argument(metavar="ROOM", help="Only these rooms.", autocompletion=completion.rooms),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show for each of the profile's rooms how far it has been read, how many events are unread,
    and how many of them mention it.

    Example: chatctl --as bob unread
    """
    found = run(context, lambda client: client.unread(rooms or ()))
    output(context, as_json).rows(found, COLUMNS)
    absent = absent_rooms(rooms or (), [room.room_id for room in found])
    if absent:
        raise Absent(absent)
