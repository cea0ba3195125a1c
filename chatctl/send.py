"""chatctl send: one text, or a line of stdin for each event."""

import select
import sys
import time
from collections.abc import Iterator
from io import BufferedReader
from typing import Annotated, BinaryIO

import typer

from chatctl.connection import options, run
from chatctl.output import Output
from chatd.client import Client, message
from chatd.errors import ChatdError

BATCH = 64
"""Lines in a request: what one transaction of the daemon holds anyway."""


def send(
    context: typer.Context,
    room: Annotated[str, typer.Argument(metavar="ROOM", help="The room's id.")],
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT|-]", help="What to say; -, or nothing: a line of stdin for each event."),
    ] = None,
    event_id: Annotated[str, typer.Option("--id", help="The event's id: sent again with the same id, it is stored once.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each event.")] = False,
) -> None:
    """Send a text, or each line of stdin, and wait until it is stored for good.

    Example: chatctl --as alice send lobby "good morning"

    Example: tail -f /var/log/app.log | chatctl --as bot send alerts -
    """
    out = options(context).output(as_json)
    if text is None and sys.stdin.isatty():
        raise typer.BadParameter("nothing to send: give TEXT, or - and some input")
    if text is not None and text != "-":
        ack = run(context, lambda client: client.send(room, text, event_id=event_id or None))
        thing = {"room_id": ack.room_id, "seq": ack.seq, "event_id": ack.event_id, "sent_at_us": ack.sent_at_us, "duplicate": ack.duplicate}
        out.item(thing, (ack.room_id, ack.seq, ack.event_id))
        return
    if event_id:
        raise typer.BadParameter("--id is for a single TEXT")
    run(context, lambda client: _send_lines(client, room, sys.stdin.buffer, out))


async def _send_lines(client: Client, room: str, lines: BinaryIO, out: Output) -> None:
    """Send in order; the first line that is refused ends it, named by its number."""
    started = shown = time.monotonic()
    sent = blank = 0
    for batch in _batches(lines):
        events = [(number, message(room, text)) for number, text in batch if text.strip()]
        blank += len(batch) - len(events)
        if not events:
            continue
        try:
            acks = await client.send_events([event for _, event in events])
        except ChatdError as exc:
            numbers = f"line {events[0][0]}" if len(events) == 1 else f"lines {events[0][0]}-{events[-1][0]}"
            raise type(exc)(f"{numbers}: {exc} ({sent} sent before)") from exc
        sent += len(acks)
        if out.as_json:
            for ack in acks:
                out.item({"room_id": ack.room_id, "seq": ack.seq, "event_id": ack.event_id, "sent_at_us": ack.sent_at_us}, ())
        if sys.stderr.isatty() and time.monotonic() - shown > 1:
            shown = time.monotonic()
            sys.stderr.write(f"\r{sent:,} sent, {sent / (shown - started):,.0f}/s ")
            sys.stderr.flush()
    out.say(f"{sent:,} sent in {time.monotonic() - started:.1f} s" + (f", {blank:,} blank lines passed over" if blank else ""))


def _batches(lines: BinaryIO) -> Iterator[list[tuple[int, str]]]:
    """Numbered lines, at most BATCH at a time. What a slow source has written is sent at once, without waiting for more."""
    batch: list[tuple[int, str]] = []
    number = 0
    while line := lines.readline():
        number += 1
        batch.append((number, line.decode("utf-8", "replace").rstrip("\r\n").replace("\0", "\ufffd")))
        waiting = select.select([lines], [], [], 0)[0] or _buffered(lines)
        if len(batch) == BATCH or not waiting:
            yield batch
            batch = []
    if batch:
        yield batch


def _buffered(lines: BinaryIO) -> bool:
    """Whether a whole line has been read ahead already."""
    return isinstance(lines, BufferedReader) and b"\n" in lines.peek(0)
