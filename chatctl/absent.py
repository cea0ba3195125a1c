"""Things that a command names and that are not there."""

from collections.abc import Collection, Iterable

from chatd.errors import ClientError
from chatd.text import nfc


class Absent(ClientError):
    """Its text names the thing. The error has no name: those of the protocol are about rooms and
    events."""

    name = ""


def absent_rooms(named: Iterable[str], rooms: Collection[str]) -> str:
    """A sentence about those that are named and are none of the profile's ``rooms``, or nothing."""
    absent = [room for room in map(nfc, named) if room not in rooms]
    return f"not a member, or there is no such room: {', '.join(absent)}" if absent else ""
