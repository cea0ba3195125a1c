"""chatctl send: one text, or one event for each line of stdin."""

import sys
from typing import Annotated

import typer

from chatctl import completion
from chatctl.arguments import JsonLines, RoomId
from chatctl.invocation import output, run
from chatctl.outages import until_it_answers
from chatctl.priority import parse_priority
from chatctl.send_lines import ACK, LineSender, Meant
from chatd.client import Client
from chatd.pb.chat.v1.chat_pb2 import EventAck

Text = Annotated[
    str | None,
    typer.Argument(metavar="TEXT|-", help="The text; - or nothing: send each line of stdin as an event."),
]
EventId = Annotated[
    str,
    typer.Option("--id", help="The event's id. An event sent again with the same id is stored once."),
]
Priority = Annotated[
    int,
    typer.Option(
        "--priority",
        parser=parse_priority,
        metavar="bulk|normal|urgent|highest|-1…3",
        help="Among several rooms, events of higher priority go first. Default: normal.",
        show_default=False,
    ),
]
Mentions = Annotated[
    list[str] | None,
    typer.Option(
        "--mention",
        metavar="PROFILE",
        help="A profile the event mentions; may be repeated.",
        autocompletion=completion.profiles,
    ),
]
MentionAll = Annotated[
    bool, typer.Option("--mention-all", help="The event mentions all members; the room's rules say who may.")
]
Wait = Annotated[
    bool, typer.Option("--wait", help="While chatd is away, wait and go on, instead of giving up.")
]


def send(
    context: typer.Context,
    room: RoomId,
    text: Text = None,
    event_id: EventId = "",
    priority: Priority = 0,
    mentions: Mentions = None,
    mention_all: MentionAll = False,
    wait: Wait = False,
    as_json: JsonLines = False,
) -> None:
    """Send a text, or each line of stdin, and wait until it is stored for good: once, also if an
    outage came between.

    Example: chatctl --as alice send lobby "good morning"

    Example: tail -f /var/log/app.log | chatctl --as bot send alerts - --priority bulk --wait

    Example: chatctl --as alice send lobby "bob, lunch?" --mention bob
    """
    out = output(context, as_json)
    meant = Meant(priority, tuple(mentions or ()), mention_all)
    piped = sys.stdin is not None and not sys.stdin.isatty()
    if (text is None and not piped) or (text == "-" and sys.stdin is None):
        raise typer.BadParameter("nothing to send: give TEXT, or - and some input")
    if text is not None and text != "-":
        event = meant.message(room, text, event_id)

        async def send_it(client: Client) -> EventAck:
            (ack,) = await client.send_events([event])
            return ack

        out.item(
            run(
                context,
                lambda client: until_it_answers(out, lambda: send_it(client)) if wait else send_it(client),
            ),
            ACK,
        )
        return
    if event_id:
        raise typer.BadParameter("--id is for a single TEXT")
    fd = sys.stdin.fileno()
    run(
        context,
        lambda client: LineSender(client, room, out, meant, waits=wait).send(fd),
    )
