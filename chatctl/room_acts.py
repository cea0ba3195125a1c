"""chatctl room direct, find, join, leave, delete."""

from typing import Annotated

import typer

from chatctl.arguments import AsJson, Limit, ProfileId, RoomId, Yes
from chatctl.confirmation import confirm
from chatctl.invocation import output, run
from chatctl.lists import lists
from chatctl.room_choices import Metadata, parse_metadata
from chatctl.room_columns import COLUMNS
from chatd.client import Client
from chatd.pb.chat.v1.chat_pb2 import Room


def direct(context: typer.Context, profile: ProfileId, as_json: AsJson = False) -> None:
    """Show the direct room of you and another profile; if there is none, it is made.

    Example: chatctl --as alice room direct bob
    """
    output(context, as_json).details(run(context, lambda client: client.direct_room(profile)), COLUMNS)


@lists
def find(
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(metavar="[QUERY]", help="Parts of the name, whatever their case.")
    ] = "",
    metadata: Metadata = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Find public rooms, and your own, by name and metadata. --meta KEY= takes any value. Operators
    find all rooms.

    Example: chatctl --as bob room find garden --meta city=Graz
    """
    facts = parse_metadata(metadata or ())

    async def first(client: Client) -> list[Room]:
        found = []
        async for room in client.find_rooms(query, metadata=facts, page=limit):
            found.append(room)
            if len(found) == limit:
                break
        return found

    output(context, as_json).rows(run(context, first), COLUMNS)


def join(context: typer.Context, room: RoomId, as_json: AsJson = False) -> None:
    """Become a member of a public room.

    Example: chatctl --as bob room join plaza
    """
    joined = run(context, lambda client: client.join_room(room))
    output(context, as_json).one({"room_id": room, "joined": joined})


def leave(context: typer.Context, room: RoomId, as_json: AsJson = False) -> None:
    """Leave a room. If you are its last owner, the member with the highest role that has been there
    longest becomes the owner.

    Example: chatctl --as bob room leave lobby
    """
    seq = run(context, lambda client: client.leave_room(room))
    output(context, as_json).one({"room_id": room, "left_seq": seq})


def delete(context: typer.Context, room: RoomId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Close a room for ever, and show the seq of its last event. All that is left of it is removed
    when everything in it has been delivered. Owners and operators may.

    Example: chatctl --as alice room delete lobby
    """
    confirm(f"Delete room {room} with all that was said in it?", yes=yes)
    seq = run(context, lambda client: client.delete_room(room))
    output(context, as_json).one({"room_id": room, "deleted_seq": seq})
