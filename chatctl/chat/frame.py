"""The frame of the lines: the title, the lists of rooms and members, the status. Texts of
strangers are made harmless here."""

import time

from rich.text import Text

from chatctl.chat.acts import label, listed
from chatctl.chat.talk import Talk
from chatctl.columns import counted
from chatd.pb.events.v1.signals_pb2 import PresenceState
from chatd.text import escaped

PRESENCE_MARKS: dict[int, str] = {
    PresenceState.PRESENCE_STATE_ONLINE: "+",
    PresenceState.PRESENCE_STATE_BUSY: "!",
    PresenceState.PRESENCE_STATE_AWAY: "~",
}
SHOWN_NAMES = 5


def rooms(talk: Talk, height: int) -> Text:
    """As many rooms as there is place for, around the one in view."""
    all_rooms = [talk.rooms[room_id] for room_id in sorted(talk.rooms)]
    at = next((at for at, room in enumerate(all_rooms) if room is talk.current), 0)
    first = max(0, min(at - height // 2, len(all_rooms) - height))
    shown = _line()
    for room in all_rooms[first : first + max(1, height)]:
        style = "reverse" if room is talk.current else "bold" if room.unread else ""
        shown.append(escaped(label(room)), style).append("\n")
    return shown


def members(talk: Talk, height: int) -> Text:
    """The members of the room in view, those who can be reached before the others."""
    presence = talk.presence
    shown = _line()
    for member in sorted(talk.current.members or (), key=lambda one: (-presence.get(one, 0), one))[
        : max(1, height)
    ]:
        shown.append(f"{PRESENCE_MARKS.get(presence.get(member, 0), ' ')}{escaped(member)}\n")
    return shown


def title(talk: Talk) -> Text:
    """The room in view, and what happens in others."""
    room = talk.current
    parts = [room.room_id or "chatd"]
    if room.name:
        parts.append(f"“{room.name}”")
    if room.members:
        online = sum(talk.presence.get(one, 0) in PRESENCE_MARKS for one in room.members)
        parts.append(f"{online:,} of {len(room.members):,} online")
    elsewhere = sum(one.unread for one in talk.rooms.values() if one is not room)
    if elsewhere:
        parts.append(f"{elsewhere:,} unread elsewhere")
    return _line(" · ".join([*parts, talk.me]))


def status(talk: Talk, *, follows: bool) -> Text:
    """The most important of what there is to say: an outage, who writes, who has read.
    ``follows``: the newest line is seen."""
    room = talk.current
    waiting = f"{counted(len(talk.outbox), 'text')} waiting; " if len(talk.outbox) else ""
    trouble = talk.trouble or talk.outbox.delayed
    if trouble:
        return _line(f"! {waiting}{trouble}")
    writing = room.typing(time.monotonic())
    if writing:
        return _line(f"{listed(writing[:SHOWN_NAMES])} {'is' if len(writing) == 1 else 'are'} writing …")
    if not follows:
        return _line("-- Esc: to the newest line")
    own = room.newest_own()
    readers = room.readers(own) if own else []
    more = f" and {len(readers) - SHOWN_NAMES:,} more" if len(readers) > SHOWN_NAMES else ""
    return _line(f"read by {listed(readers[:SHOWN_NAMES])}{more}" if readers else "")


def _line(text: str = "") -> Text:
    return Text(escaped(text), no_wrap=True, overflow="ellipsis")
