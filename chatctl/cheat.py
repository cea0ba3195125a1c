"""chatctl cheat: lines to copy."""

from typing import Annotated

import typer

from chatctl.arguments import AsJson
from chatctl.columns import Column, Columns
from chatctl.invocation import output

_Line = tuple[str, str]

LINES: tuple[_Line, ...] = (
    ("make a room of alice, bob and carol", "chatctl --as alice room create lobby bob carol"),
    ("let dave in, let carol go", "chatctl --as alice room add lobby dave"),
    ("", "chatctl --as alice room remove lobby carol"),
    ("who may do what there", "chatctl --as alice member role lobby moderator bob"),
    ("", "chatctl --as alice member ban lobby eve"),
    ("say yes to an invitation", "chatctl --as dave invitation accept lobby"),
    ("changes that wait for an owner", "chatctl --as alice proposal list lobby"),
    ("say something, first of all rooms", 'chatctl --as alice send lobby "lunch?" --priority urgent'),
    ("send each line of a log", "tail -f app.log | chatctl --as bot send alerts -"),
    ("talk", "chatctl --as bob chat"),
    ("be a device until it has caught up", "chatctl --as bob tail --device phone --until-caught-up"),
    ("look at a room without being a device", "chatctl watch lobby --last 20"),
    ("read what was said", "chatctl room history show lobby --limit 50"),
    ("who has read it", "chatctl receipts lobby 17"),
    ("is all well? what to do if not?", "chatctl check"),
    ("everything on one screen", "chatctl top"),
    ("a line of rates each second", "chatctl stat --every 1"),
    ("what has not arrived, and why", "chatctl outbox list --limit 20"),
    ("", "chatctl outbox show bob --device phone"),
    ("", "chatctl why lobby:17 bob/phone"),
    ("the frames of a device as they pass", "chatctl trace bob/phone"),
    ("what was given up; deliver it again", "chatctl dead-letter list --json"),
    ("", "chatctl dead-letter replay LETTER"),
    ("let a device go on behind what it cannot take", "chatctl outbox skip bob/phone lobby:17"),
    ("end a connection", "chatctl connection kick bob/phone"),
    ("take a gateway out of service and back", "chatctl gateway drain g1 --yes"),
    ("", "chatctl gateway resume g1"),
    ("see more in the logs, and read settings again", "chatctl log-level debug --gateway g1"),
    ("", "chatctl reload"),
    ("who did what", "chatctl audit --since 1d"),
    ("name a service, and use it", "chatctl context add prod --uri tcp://chat.example:7400#KEY"),
    ("", "chatctl context use prod"),
    ("a list for a program", "chatctl room list --output csv --no-headers"),
    ("complete words in this shell", "chatctl --install-completion"),
)
"""Tasks and lines. An empty task: the line belongs to the one before."""

COLUMNS: Columns[_Line] = (
    Column("task", "task", get=lambda line: line[0]),
    Column("line", "line", get=lambda line: line[1]),
)


def cheat(
    context: typer.Context,
    word: Annotated[
        str, typer.Argument(metavar="WORD", help="Only lines with this word.", show_default=False)
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show lines to copy, for what is done most.

    Example: chatctl cheat outbox
    """
    task, found = "", []
    for said, line in LINES:
        task = said or task
        if word.casefold() in f"{task} {line}".casefold():
            found.append((task, line))
    out = output(context, as_json)
    if out.structured:
        out.rows(found, COLUMNS)
        return
    task = ""
    for said, line in found:
        if said != task:
            out.text(f"# {said}")
        task = said
        out.text(line)
