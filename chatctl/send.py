"""chatctl send: one text, or a line of stdin for each event."""

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from chatctl.connection import options, run
from chatctl.lines import Line, batches
from chatctl.output import Output
from chatctl.priority import parse_priority
from chatd.client import Client, message
from chatd.errors import ChatdError, RateLimited
from chatd.pb.chat.v1.chat_pb2 import EventAck, RoomEvent


def send(
    context: typer.Context,
    room: Annotated[str, typer.Argument(metavar="ROOM", help="The room's id.")],
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT|-]", help="What to say; -, or nothing: a line of stdin for each event."),
    ] = None,
    event_id: Annotated[str, typer.Option("--id", help="The event's id: sent again with the same id, it is stored once.")] = "",
    priority: Annotated[
        int,
        typer.Option(
            "--priority", parser=parse_priority, metavar="bulk|normal|urgent|highest|-1…3", help="What goes first, between rooms."
        ),
    ] = 0,
    mentions: Annotated[list[str] | None, typer.Option("--mention", metavar="PROFILE", help="Who is meant; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each event.")] = False,
) -> None:
    """Send a text, or each line of stdin, and wait until it is stored for good.

    Example: chatctl --as alice send lobby "good morning"

    Example: tail -f /var/log/app.log | chatctl --as bot send alerts - --priority bulk

    Example: chatctl --as alice send lobby "bob, lunch?" --mention bob
    """
    out = options(context).output(as_json)
    piped = sys.stdin is not None and not sys.stdin.isatty()
    if (text is None and not piped) or (text == "-" and sys.stdin is None):
        raise typer.BadParameter("nothing to send: give TEXT, or - and some input")
    if text is not None and text != "-":
        ack = run(context, lambda client: client.send(room, text, event_id=event_id or None, priority=priority, mentions=mentions or ()))
        out.item(_row_of(ack), (ack.room_id, ack.seq, ack.event_id))
        return
    if event_id:
        raise typer.BadParameter("--id is for a single TEXT")
    run(context, lambda client: _Lines(client, room, out, priority, mentions or ()).send(sys.stdin.fileno()))


def _row_of(ack: EventAck) -> dict[str, Any]:
    return {"room_id": ack.room_id, "seq": ack.seq, "event_id": ack.event_id, "sent_at_us": ack.sent_at_us, "duplicate": ack.duplicate}


class _Lines:
    """Sends lines in order, one request after the other; the first line that is refused ends it."""

    def __init__(self, client: Client, room: str, out: Output, priority: int, mentions: Sequence[str]) -> None:
        self._priority = priority
        self._mentions = mentions
        self._client = client
        self._room = room
        self._out = out
        self._sent = 0
        self._started = self._shown_at = time.monotonic()
        self._progress = False
        self._slowed = False

    async def send(self, fd: int) -> None:
        """Until the end of the input. Raises what a line was refused with, naming the line."""
        blank = 0
        try:
            async for batch in batches(fd):
                said = [line for line in batch if line.text.strip()]
                blank += len(batch) - len(said)
                if said:
                    await self._send_batch(said)
        finally:
            self._clear_progress()
        seconds = time.monotonic() - self._started
        self._out.say(f"{self._sent:,} sent in {seconds:.1f} s" + (f", {blank:,} blank lines passed over" if blank else ""))

    async def _send_batch(self, lines: Sequence[Line]) -> None:
        events = [message(self._room, line.text, priority=self._priority, mentions=self._mentions) for line in lines]
        try:
            await self._send_events(events)
        except ChatdError as exc:
            if exc.retry or len(lines) == 1:
                raise self._named(exc, lines) from exc
        else:
            return
        # Refused as a whole, nothing stored: one by one shows which line it is, and what comes before it is sent.
        for line, event in zip(lines, events, strict=True):
            try:
                await self._send_events([event])
            except ChatdError as exc:
                raise self._named(exc, [line]) from exc

    def _named(self, exc: ChatdError, lines: Sequence[Line]) -> ChatdError:
        where = f"line {lines[0].number}" if len(lines) == 1 else f"lines {lines[0].number}-{lines[-1].number}"
        named = type(exc)(f"{where}: {exc} ({self._sent:,} sent before)")
        named.retry_after_ms = exc.retry_after_ms
        return named

    async def _send_events(self, events: list[RoomEvent]) -> None:
        acks = await self._send_when_allowed(events)
        self._sent += len(acks)
        if self._out.as_json:
            for ack in acks:
                self._out.item(_row_of(ack), ())
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._shown_at > 1:
            self._shown_at = now
            self._progress = True
            sys.stderr.write(f"\r{self._sent:,} sent, {self._sent / (now - self._started):,.0f}/s ")
            sys.stderr.flush()

    async def _send_when_allowed(self, events: list[RoomEvent]) -> list[EventAck]:
        """However long that takes: meanwhile the input is not read, and whoever writes it waits too."""
        while True:
            try:
                return await self._client.send_events(events)
            except RateLimited as exc:
                if not self._slowed:
                    self._slowed = True
                    self._out.say(f"going on more slowly: {exc}")
                await asyncio.sleep(exc.retry_after_ms / 1e3)

    def _clear_progress(self) -> None:
        if self._progress:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
