"""The end of a round: everything heals, and devices are given what they are still owed."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from chatd.errors import ChatdError
from chatd.store.database import Database
from chatd.store.statements import placeholders
from tests.chaos.clients import Device
from tests.chaos.restores import Logs
from tests.chaos.starts import Starts

DRAIN_SECONDS = 60.0
"""A drain ends when nothing has come for so long: a machine under load may need longer in all, and
what would still have come is not lost."""


async def drain(
    uri: str, devices: Sequence[Device], rooms: Sequence[str], logs: Logs, starts: Starts
) -> tuple[float, dict[str, int]]:
    """Wait until every device has shown whatever it is owed: the seconds that this took, and what
    is missing when nothing has come for DRAIN_SECONDS."""
    began = moved = time.monotonic()
    missing, least = {"?": 1}, 1 << 60
    while missing and time.monotonic() - moved < DRAIN_SECONDS:
        await asyncio.sleep(0.25)
        try:
            wanted = await asyncio.to_thread(_owed, uri, rooms)
        except ChatdError:
            continue
        missing = {
            f"{device.profile}/{device.name} {room}": left
            for device in devices
            for room in rooms
            if (left := wanted[device.profile, room] - logs.covered(device.covered, room)) > 0
        } | starts.missing(wanted)
        if (left := sum(missing.values())) < least:
            moved, least = time.monotonic(), left
    return time.monotonic() - began, missing


def _owed(uri: str, rooms: Sequence[str]) -> Counter[tuple[str, str]]:
    """(profile, room) → how many events are its own."""
    database = Database(uri)
    with database.connection(readonly=True):
        rows = database.rows(
            f"""
            SELECT s.profile_id, s.room_id, COALESCE(s.left_seq, r.head_seq) - s.joined_seq + 1
            FROM subscription s
            JOIN room r ON r.room_id = s.room_id
            WHERE s.room_id IN ({placeholders(len(rooms))})
            """,
            rooms,
        )
    found: Counter[tuple[str, str]] = Counter()
    for profile, room, count in rows:
        found[profile, room] += int(count)
    return found
