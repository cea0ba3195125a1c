"""Texts on their way out: each is one event, sent until it is stored or refused. An outage only
makes it wait; its id makes sure that it is stored once."""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from chatctl.chat.lines import Paragraph
from chatd.client import Client
from chatd.errors import ChatdError
from chatd.pb.chat.v1.chat_pb2 import EventAck

PAUSE_SECONDS = 1.0
"""Between two attempts at a text during an outage. An attempt lasts as long as a call may."""

NO_TIME = " " * 5
"""Beside what is not stored."""


@dataclass(slots=True)
class Outgoing:
    """``refused``: the reason why it will never be stored; ``delayed``: why it is not yet.
    ``arrived``: the stream brought it."""

    event_id: str
    room_id: str
    text: str
    mentions: tuple[str, ...]
    refused: str = ""
    delayed: str = ""
    arrived: bool = False


class Outbox:
    """Sends texts in the order in which they were given, one after the other. ``on_stored`` is
    called with each text and its acknowledgement, ``on_change`` with each change otherwise."""

    def __init__(
        self,
        client: Client,
        *,
        on_stored: Callable[[Outgoing, EventAck], None],
        on_change: Callable[[], None],
    ) -> None:
        self._client = client
        self._on_stored = on_stored
        self._on_change = on_change
        self._waiting: deque[Outgoing] = deque()
        self._refused: list[Outgoing] = []
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        """The number of texts that are not known to be stored."""
        return len(self.unsent())

    def unsent(self) -> list[str]:
        """The texts that are not known to be stored."""
        return [one.text for one in self._waiting if not one.arrived]

    @property
    def delayed(self) -> str:
        """The reason why the oldest text is not stored yet; empty if it is only on its way."""
        return self._waiting[0].delayed if len(self) else ""

    def put(self, room_id: str, text: str, mentions: tuple[str, ...]) -> None:
        """Send a text to a room, as soon as it can be."""
        self._waiting.append(Outgoing(uuid.uuid4().hex, room_id, text, mentions))
        self._wake.set()
        self._on_change()

    def arrived(self, event_id: str) -> None:
        """The stream has brought an event, perhaps before the answer to the send."""
        for one in self._waiting:
            one.arrived = one.arrived or one.event_id == event_id

    async def run(self) -> None:
        """Send, until cancelled."""
        while True:
            while self._waiting:
                one = self._waiting[0]
                ack = await self._send(one)
                self._waiting.popleft()
                if ack is not None:
                    self._on_stored(one, ack)
                self._on_change()
            self._wake.clear()
            await self._wake.wait()

    async def _send(self, one: Outgoing) -> EventAck | None:
        """None if it was refused."""
        while True:
            try:
                return await self._client.send(
                    one.room_id, one.text, event_id=one.event_id, mentions=one.mentions
                )
            except ChatdError as exc:
                if not exc.retry:
                    one.refused = f"{exc} ({exc.name})"
                    self._refused.append(one)
                    return None
                one.delayed = str(exc)
                self._on_change()
                await asyncio.sleep(max(PAUSE_SECONDS, exc.retry_after_ms / 1e3))

    def paragraphs(self, room_id: str, me: str) -> list[Paragraph]:
        """Texts that are not stored in a room, behind its lines. A text that was refused stays
        until ``forget_refused``."""
        refused = [
            Paragraph(one.event_id, f"{one.text}\nnot sent: {one.refused}", NO_TIME, "!", me)
            for one in self._refused
            if one.room_id == room_id
        ]
        waiting = [
            Paragraph(one.event_id, one.text, NO_TIME, "…", me, "dim")
            for one in self._waiting
            if one.room_id == room_id and not one.arrived
        ]
        return refused + waiting

    def forget_refused(self, room_id: str) -> None:
        """The refusals there have been seen."""
        self._refused = [one for one in self._refused if one.room_id != room_id]
