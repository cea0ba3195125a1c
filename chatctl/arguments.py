"""Arguments and options that several commands share."""

from typing import Annotated

import typer

from chatctl import completion

MAX_SEQ = 2**63 - 1
"""The largest seq a database can hold."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as --output json does.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object for each event.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="List at most this many rows.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]

OnlyProfile = Annotated[
    str, typer.Option("--profile", help="Only this profile.", autocompletion=completion.profiles)
]
OnlyDevice = Annotated[
    str, typer.Option("--device", help="Only this device.", autocompletion=completion.devices)
]
OnlyRoom = Annotated[str, typer.Option("--room", help="Only this room.", autocompletion=completion.rooms)]

AfterDevice = Annotated[
    str, typer.Option("--after", metavar="PROFILE:DEVICE", help="Only devices after this one.")
]
AfterPlace = Annotated[
    str,
    typer.Option("--after", metavar="PLACE", help="Only rows after this place, which the page before names."),
]
ProfileId = Annotated[
    str, typer.Argument(metavar="PROFILE", help="The profile's id.", autocompletion=completion.profiles)
]
DeviceId = Annotated[
    str,
    typer.Argument(metavar="DEVICE", help="The id of one of its devices.", autocompletion=completion.devices),
]
RoomId = Annotated[
    str, typer.Argument(metavar="ROOM", help="The room's id.", autocompletion=completion.rooms)
]
Seq = Annotated[int, typer.Argument(metavar="SEQ", min=1, max=MAX_SEQ, help="The event's seq in the room.")]
