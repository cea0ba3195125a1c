"""The lines of a pipe, sent in order as events. The first line that is refused ends it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from chatctl.columns import Column, Columns, counted, unlisted
from chatctl.lines import Line, batches
from chatctl.outages import until_it_answers
from chatctl.output import Output
from chatd.client import Client, message
from chatd.errors import ChatdError, RateLimited
from chatd.pb.chat.v1.chat_pb2 import EventAck, RoomEvent

ACK: Columns[EventAck] = (
    Column("room", "room_id"),
    Column("seq", "seq"),
    Column("event", "event_id"),
    unlisted("sent_at_us"),
    unlisted("duplicate"),
)


class Meant(NamedTuple):
    """The urgency of texts, and the members whom they mention."""

    priority: int
    mentions: tuple[str, ...] = ()
    mention_all: bool = False

    def message(self, room: str, text: str, event_id: str = "") -> RoomEvent:
        """An event of such a text."""
        return message(
            room,
            text,
            event_id=event_id or None,
            priority=self.priority,
            mentions=self.mentions,
            mention_all=self.mention_all,
        )


class LineSender:
    """Sends lines to a room, one request after the other. ``waits``: it goes on after an outage."""

    def __init__(
        self,
        client: Client,
        room: str,
        out: Output,
        meant: Meant,
        *,
        waits: bool,
    ) -> None:
        self._client = client
        self._room = room
        self._out = out
        self._meant = meant
        self._waits = waits
        self._sent = 0
        self._under_way: Sequence[Line] = ()
        self._progress = Progress()
        self._slowed = False

    async def send(self, fd: int) -> None:
        """Send the lines of a file descriptor until its end.

        Raises the error that a line was refused with; its text names the line.
        """
        started = time.monotonic()
        blank = 0
        try:
            async for batch in self._read(fd):
                lines = [line for line in batch if line.text.strip()]
                blank += len(batch) - len(lines)
                if lines:
                    await self._send_batch(lines)
        except asyncio.CancelledError:
            self._progress.clear()
            unknown = f"; {_numbers(self._under_way)} not answered yet" if self._under_way else ""
            self._out.say(f"interrupted: {counted(self._sent, 'line')} stored{unknown}")
            raise
        finally:
            self._progress.clear()
        skipped = f", {counted(blank, 'blank line')} skipped" if blank else ""
        self._out.say(f"{self._sent:,} sent in {time.monotonic() - started:.1f} s{skipped}")

    async def _read(self, fd: int) -> AsyncIterator[list[Line]]:
        try:
            async for batch in batches(fd):
                yield batch
        except ChatdError as exc:
            raise self._with_sent(exc, str(exc)) from exc

    def _event(self, line: Line) -> RoomEvent:
        return self._meant.message(self._room, line.text)

    async def _send_batch(self, lines: Sequence[Line]) -> None:
        events = [self._event(line) for line in lines]
        try:
            await self._send_events(lines, events)
        except ChatdError as exc:
            if exc.retry or len(lines) == 1:
                raise self._with_lines(exc, lines) from exc
        else:
            return
        # Nothing of a refused batch is stored. One by one, the lines before the refused one are
        # sent.
        for line, event in zip(lines, events, strict=True):
            try:
                await self._send_events([line], [event])
            except ChatdError as exc:
                raise self._with_lines(exc, [line]) from exc

    def _with_lines(self, exc: ChatdError, lines: Sequence[Line]) -> ChatdError:
        return self._with_sent(exc, f"{_numbers(lines)}: {exc}")

    def _with_sent(self, exc: ChatdError, text: str) -> ChatdError:
        named = type(exc)(f"{text} ({self._sent:,} sent before)")
        named.retry_after_ms = exc.retry_after_ms
        return named

    async def _send_events(self, lines: Sequence[Line], events: list[RoomEvent]) -> None:
        acks = await self._send_when_allowed(lines, events)
        self._sent += len(acks)
        if self._out.structured:
            for ack in acks:
                self._out.item(ack, ACK)
        self._progress.show(self._sent)

    async def _send_when_allowed(self, lines: Sequence[Line], events: list[RoomEvent]) -> list[EventAck]:
        """Send, after waiting as long as a rate limit demands.

        Meanwhile the input is not read, so the program that writes it waits too.
        """
        while True:
            self._under_way = lines
            try:
                acks = await self._attempt(events)
            except RateLimited as exc:
                self._under_way = ()
                if not self._slowed:
                    self._slowed = True
                    self._out.say(f"slowing down: {exc}")
                await asyncio.sleep(exc.retry_after_ms / 1e3)
            else:
                self._under_way = ()
                return acks

    async def _attempt(self, events: list[RoomEvent]) -> list[EventAck]:
        """An attempt, or as many as it takes. An event that is sent again is stored once."""
        if self._waits:
            return await until_it_answers(self._out, lambda: self._client.send_events(events))
        return await self._client.send_events(events)


def _numbers(lines: Sequence[Line]) -> str:
    first, last = lines[0].number, lines[-1].number
    return f"line {first}" if len(lines) == 1 else f"lines {first}-{last}"


class Progress:
    """A count of sent events on stderr, if that is a terminal. It changes at most once a second."""

    def __init__(self) -> None:
        self._started = self._shown_at = time.monotonic()
        self._visible = False

    def show(self, sent: int) -> None:
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._shown_at > 1:
            self._shown_at = now
            self._visible = True
            sys.stderr.write(f"\r{sent:,} sent, {sent / (now - self._started):,.0f}/s ")
            sys.stderr.flush()

    def clear(self) -> None:
        if self._visible:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
