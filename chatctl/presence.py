"""chatctl presence: how reachable profiles are."""

import asyncio
import time
from typing import Annotated

import typer

from chatctl.connection import options, run
from chatctl.output import Output, clock
from chatd.client import Client
from chatd.pb.events.v1.signals_pb2 import Presence, PresenceState

POLL_SECONDS = 1.0


def state_name(state: PresenceState) -> str:
    """offline, away, busy, online; a later version's state as its number."""
    try:
        return PresenceState.Name(state).removeprefix("PRESENCE_STATE_").lower()
    except ValueError:
        return str(int(state))


def presence(
    context: typer.Context,
    profiles: Annotated[list[str], typer.Argument(metavar="PROFILE…", help="Who; those you share a room with (operators: anybody).")],
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on, and show each change; asks once a second. Ctrl-C ends it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --watch an object a line.")] = False,
) -> None:
    """Show whether profiles are online, busy, away or offline.

    Example: chatctl --as alice presence bob carol
    """
    out = options(context).output(as_json)
    if watch:
        run(context, lambda client: _watch(client, out, profiles))
        return
    found = run(context, lambda client: client.presence(profiles))
    rows = [{"profile_id": one.profile_id, "state": state_name(one.state)} for one in found]
    out.rows(rows)
    unseen = [one for one in profiles if one not in {row["profile_id"] for row in rows}]
    if unseen:
        out.say(f"not to be seen: {', '.join(unseen)}")


async def _watch(client: Client, out: Output, profiles: list[str]) -> None:
    known: dict[str, PresenceState] = {}
    while True:
        for one in await client.presence(profiles):
            if known.get(one.profile_id) != one.state:
                known[one.profile_id] = one.state
                _show(out, one)
        await asyncio.sleep(POLL_SECONDS)


def _show(out: Output, one: Presence) -> None:
    now_us = time.time_ns() // 1000
    row = {"kind": "presence", "profile_id": one.profile_id, "state": state_name(one.state), "at_us": now_us}
    out.item(row, (clock(now_us), one.profile_id, state_name(one.state)))
