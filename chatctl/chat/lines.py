"""The lines of a room: who said what and when, and as paragraphs in a width of cells."""

import re
import time
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from rich.console import Console
from rich.text import Text

from chatd.client import Delivery
from chatd.errors import ChatdError
from chatd.pb.chat.v1.chat_pb2 import EventAck
from chatd.pb.events.v1.payloads_pb2 import EventType
from chatd.text import escaped

ACTION = "/me "
"""A text that begins so tells what its sender does; so it is written in XMPP (XEP-0245) too."""
APPLICATION_TYPES = 16
"""Types from here on are the applications' own."""
UNCOUNTED_TYPES = 32_768
"""Those from here on are not meant to be read (PROTOCOL.md)."""
_MINUTE_US = 60_000_000
MIN_TEXT_CELLS = 24
"""Cells that a text has beside its time and sender; on a narrower screen it stands below them."""


class Kind(Enum):
    SAID = "said"
    ACTION = "action"
    NEWS = "news"
    """Members, names, markers: nobody's words."""


@dataclass(frozen=True, slots=True)
class Line:
    """An event as people read it. ``text`` is as it was sent: harmful characters and all."""

    seq: int
    event_id: str
    at_us: int
    sender: str
    text: str
    kind: Kind = Kind.SAID
    mentions: tuple[str, ...] = ()
    mention_all: bool = False

    def is_for(self, profile: str) -> bool:
        """True if it mentions the profile, or all members."""
        return self.mention_all or profile in self.mentions


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Something to show. ``key`` names it from one look to the next; ``mark`` stands before the
    sender."""

    key: str
    text: str
    time: str = ""
    mark: str = ""
    sender: str = ""
    style: str = ""


def line_of(delivery: Delivery) -> Line:
    """The line of a delivery."""
    kind, text = Kind.NEWS, _text(delivery)
    if delivery.skipped is None and counts(delivery):
        kind = Kind.SAID
        if text.startswith(ACTION):
            kind, text = Kind.ACTION, text.removeprefix(ACTION)
    return Line(
        delivery.seq,
        delivery.event_id,
        delivery.sent_at_us,
        delivery.sender_id,
        text,
        kind,
        delivery.mentions,
        delivery.mention_all,
    )


def stored(ack: EventAck, sender: str, text: str, mentions: tuple[str, ...]) -> Line:
    """The line of a text that was stored, before the stream brings it."""
    kind = Kind.ACTION if text.startswith(ACTION) else Kind.SAID
    shown = text.removeprefix(ACTION) if kind is Kind.ACTION else text
    return Line(ack.seq, ack.event_id, ack.sent_at_us, sender, shown, kind, mentions)


def counts(delivery: Delivery) -> bool:
    """True for what somebody says: a MESSAGE or an application's own event that counts."""
    return (
        delivery.type == EventType.EVENT_TYPE_MESSAGE or APPLICATION_TYPES <= delivery.type < UNCOUNTED_TYPES
    )


def _text(delivery: Delivery) -> str:
    try:
        text = delivery.text
    except ChatdError as exc:
        return f"cannot be read: {exc}"
    if delivery.skipped is not None:
        return text
    match delivery.type:
        case EventType.EVENT_TYPE_MEMBERSHIP:
            alone = text in (f"{delivery.sender_id} joined", f"{delivery.sender_id} left")
            return text if alone else f"{text} (by {delivery.sender_id})"
        case EventType.EVENT_TYPE_ROOM:
            return f"{text} (by {delivery.sender_id})"
        case EventType.EVENT_TYPE_ERASED:
            return "this event was erased"
    return text or f"an event of type {delivery.type}"


def paragraph(line: Line, *, me: str, mark: str = "") -> Paragraph:
    """The line with its time. An @ marks what mentions ``me``."""
    key, at = str(line.seq), clock(line.at_us) if line.at_us else ""
    if line.kind is Kind.NEWS:
        return Paragraph(key, f"-- {line.text}", at, style="dim")
    mentioned = line.is_for(me)
    mark = "@" if mentioned else mark
    style = "bold" if mentioned else ""
    if line.kind is Kind.ACTION:
        return Paragraph(key, f"* {line.sender} {line.text}", at, mark, style=f"italic {style}".strip())
    return Paragraph(key, line.text, at, mark, line.sender, style)


def clock(at_us: int) -> str:
    """The local time of the day."""
    return _times(at_us // _MINUTE_US)[0]


def day(at_us: int) -> str:
    """The local date."""
    return _times(at_us // _MINUTE_US)[1]


@lru_cache(maxsize=4_096)  # all lines are looked at with each change
def _times(minute: int) -> tuple[str, str]:
    local = time.localtime(minute * 60)
    return time.strftime("%H:%M", local), time.strftime("%A, %Y-%m-%d", local)


_ENDS = re.compile(r"\r\n|\r|\n")


def wrapped(one: Paragraph, width: int, console: Console) -> list[Text]:
    """The paragraph in lines of ``width`` cells. Strangers' text cannot look like another
    paragraph: a text's own lines are indented, and harmful characters are escaped."""
    head = Text(f"{one.time} " if one.time else "")
    head.stylize("dim")
    head.append(f"{one.mark:<2} " if one.time else "", "bold")
    if one.sender:
        head.append(escaped(one.sender), "bold")
        head.append("  ")
    indent = head.cell_len
    shown: list[Text] = []
    if one.sender and width - indent < MIN_TEXT_CELLS:
        shown.extend(head.wrap(console, width, overflow="fold"))
        indent = 2
        head = Text(" " * indent)
    for text in _ENDS.split(one.text):
        body = Text(escaped(text.replace("\t", "    ")), one.style)
        for part in body.wrap(console, max(1, width - indent), overflow="fold") or [Text()]:
            shown.append(Text.assemble(head, part))
            head = Text(" " * indent)
    return shown
