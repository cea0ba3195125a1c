"""chatctl presence: whether profiles can be reached."""

import asyncio
from typing import Annotated

import typer

from chatctl import completion
from chatctl.columns import Column, Columns, list_only, unlisted
from chatctl.invocation import output, run
from chatctl.output import Output
from chatctl.times import clock, now_us
from chatd.client import Client
from chatd.pb.events.v1.signals_pb2 import Presence, PresenceState

POLL_SECONDS = 1.0

ProfileIds = Annotated[
    list[str],
    typer.Argument(
        metavar="PROFILE",
        help="Profiles that share a room with you (operators: any).",
        autocompletion=completion.profiles,
    ),
]
Watch = Annotated[
    bool,
    typer.Option("--watch", "-w", help="Go on and show each change; asks once a second. Ctrl-C ends it."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; with --watch one object a line.")]


def state_name(state: PresenceState) -> str:
    """offline, away, busy or online; the number of a state that only a later version knows."""
    try:
        return PresenceState.Name(state).removeprefix("PRESENCE_STATE_").lower()
    except ValueError:
        return str(int(state))


COLUMNS: Columns[Presence] = (
    Column("profile", "profile_id"),
    Column("state", "state", get=lambda one: state_name(one.state)),
)

CHANGES: Columns[Presence] = (
    unlisted("kind", get=lambda _: "presence"),
    list_only("time", lambda _: clock(now_us())),
    *COLUMNS,
    unlisted("at_us", get=lambda _: now_us()),
)


def presence(
    context: typer.Context,
    profiles: ProfileIds,
    watch: Watch = False,
    as_json: AsJson = False,
) -> None:
    """Show whether profiles are online, busy, away or offline.

    Example: chatctl --as alice presence bob carol
    """
    out = output(context, as_json)
    if watch:
        run(context, lambda client: _watch(client, out, profiles))
        return
    found = run(context, lambda client: client.presence(profiles))
    out.rows(found, COLUMNS)
    visible = {one.profile_id for one in found}
    hidden = [profile for profile in profiles if profile not in visible]
    if hidden:
        out.say(f"not visible to you: {', '.join(hidden)}")


async def _watch(client: Client, out: Output, profiles: list[str]) -> None:
    known: dict[str, PresenceState] = {}
    while True:
        for one in await client.presence(profiles):
            if known.get(one.profile_id) != one.state:
                known[one.profile_id] = one.state
                out.item(one, CHANGES)
        await asyncio.sleep(POLL_SECONDS)
