"""chatctl search: find messages by the words of their texts."""

from typing import Annotated

import typer

from chatctl import completion
from chatctl.arguments import AfterPlace, AsJson
from chatctl.columns import Column, Columns, counted, list_only, unlisted
from chatctl.invocation import output, run
from chatctl.lists import lists
from chatctl.paging import next_page
from chatctl.times import clock, parse_time
from chatd.client import Client
from chatd.client.reading import FoundMessage, FoundPage

PAGE = 50
"""Messages that the service returns at once."""

COLUMNS: Columns[FoundMessage] = (
    Column("room", "room_id", get=lambda one: one.delivery.room_id),
    Column("seq", "seq", get=lambda one: one.delivery.seq),
    unlisted("event_id", get=lambda one: one.delivery.event_id),
    list_only("time", lambda one: clock(one.delivery.sent_at_us)),
    unlisted("sent_at_us", get=lambda one: one.delivery.sent_at_us),
    Column("sender", "sender_id", get=lambda one: one.delivery.sender_id),
    list_only("text", lambda one: "".join(text for text, _ in one.snippet)),
    unlisted("text", get=lambda one: one.delivery.text),
    unlisted(
        "snippet", get=lambda one: [{"text": text, "matches": matches} for text, matches in one.snippet]
    ),
)

Query = Annotated[
    list[str],
    typer.Argument(
        metavar="WORD",
        help="Words that the text must have; several in one argument are a phrase, word* is a beginning.",
    ),
]
Rooms = Annotated[
    list[str] | None,
    typer.Option(
        "--room", metavar="ROOM", help="Only this room; may be repeated.", autocompletion=completion.rooms
    ),
]
Sender = Annotated[
    str, typer.Option("--sender", help="Only this sender.", autocompletion=completion.profiles)
]
Since = Annotated[
    str,
    typer.Option(
        "--since", metavar="TIME", help="Only messages from this time on: 12h, 2026-11-26, 14:05 of today."
    ),
]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Only messages from before this time.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="Show at most this many messages.")]


@lists
def search(
    context: typer.Context,
    words: Query,
    rooms: Rooms = None,
    sender: Sender = "",
    since: Since = "",
    until: Until = "",
    after: AfterPlace = "",
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Find messages in your rooms by their words, newest first; operators find them in all rooms.
    Only where SEARCH is on.

    Example: chatctl --as bob search deploy "next week" --room lobby --since 30d
    """
    query = " ".join(f'"{word}"' if len(word.split()) > 1 else word for word in words)
    since_us, until_us = (parse_time(text) if text else 0 for text in (since, until))

    async def find(client: Client) -> tuple[list[FoundMessage], FoundPage]:
        found: list[FoundMessage] = []
        place = after
        while True:
            page = await client.search(
                query,
                rooms or (),
                sender_id=sender,
                since_us=since_us,
                until_us=until_us,
                after=place,
                limit=min(PAGE, limit - len(found)),
            )
            found += page.messages
            place = page.next_after
            if not place or len(found) == limit:
                return found, page

    found, last = run(context, find)
    out = output(context, as_json)
    out.rows(found, COLUMNS, more=next_page(bool(last.next_after), last.next_after))
    if last.unindexed:
        out.say(f"the index is behind: {counted(last.unindexed, 'event')} not looked at yet")
