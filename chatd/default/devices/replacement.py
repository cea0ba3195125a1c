"""A device takes the place of another when its profile has as many as it may have: of the longest
unseen that is owed nothing and is not connected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.default.devices.model import DeviceHello, Registered
from chatd.default.devices.store import delete_device, raise_epochs
from chatd.default.notifications.push import count_devices, find_registered
from chatd.store.command import Command, Locks, Query, Turn
from chatd.store.database import Database
from chatd.store.transaction import Transaction

CANDIDATES = 100
"""Devices of one profile that are looked at: a database may be older than the limit."""


LONGEST_UNSEEN = """
    SELECT device_id, seen_at_us
    FROM device
    WHERE profile_id = ? AND seen_at_us < ?
    UNION ALL
    SELECT device_id, created_at_us
    FROM push
    WHERE profile_id = ? AND created_at_us < ?
        AND NOT EXISTS (
            SELECT 1
            FROM device
            WHERE device.profile_id = push.profile_id AND device.device_id = push.device_id)
    ORDER BY 2, 1
    LIMIT ?
"""
OWED = """
    SELECT 1
    FROM outbox
    WHERE profile_id = ? AND device_id = ?
        AND acked_seq < COALESCE(until_seq, (SELECT head_seq FROM room WHERE room.room_id = outbox.room_id))
    LIMIT 1
"""
"""A join with the rooms would read all of them where PostgreSQL has no statistics."""
REPLAYED = "SELECT 1 FROM dead_letter WHERE profile_id = ? AND device_id = ? AND state = 'replaying' LIMIT 1"
UNTOLD = "SELECT 1 FROM delivery_gap WHERE profile_id = ? AND device_id = ? AND told = 0 LIMIT 1"


@dataclass(frozen=True, slots=True)
class FindReplaceable(Query[str]):
    """The device of a profile that may go, empty if none may. Those seen since ``unseen_since_us``
    or ``connected`` stay."""

    profile_id: str
    connected: frozenset[str]
    unseen_since_us: int

    def answer(self, database: Database) -> str:
        rows = database.rows(
            LONGEST_UNSEEN,
            (*(self.profile_id, self.unseen_since_us) * 2, len(self.connected) + CANDIDATES),
        )
        return next(
            (
                device_id
                for device_id, _ in rows
                if device_id not in self.connected and not _is_owed(database, self.profile_id, device_id)
            ),
            "",
        )


def _is_owed(database: Database, profile_id: str, device_id: str) -> bool:
    """True if the device is owed an event, a marker or a replay."""
    device = (profile_id, device_id)
    return any(database.rows(sql, device) for sql in (OWED, REPLAYED, UNTOLD))


@dataclass(frozen=True, slots=True)
class ReplaceDevice(Command[tuple[Registered, int]]):
    """Open a stream; if its profile has ``most`` devices, in the place of ``replaceable``, which is
    deleted. The result is the stream and the epoch of the deleted device. The stream's epoch is 0
    if the other device may not go any more, that of the device if none went."""

    hello: DeviceHello
    most: int
    replaceable: str
    unseen_since_us: int

    def locks(self) -> Locks:
        return Locks(
            profiles=(self.hello.profile_id,),
            notifications=True,
            entries=((self.hello.profile_id, self.replaceable, ""),),
        )

    def turn(self) -> Turn:
        return Turn.BACKGROUND

    @classmethod
    def apply(
        cls, transaction: Transaction, commands: Sequence[ReplaceDevice]
    ) -> list[tuple[Registered, int]]:
        return [_replace(transaction, command) for command in commands]


def _replace(transaction: Transaction, command: ReplaceDevice) -> tuple[Registered, int]:
    database, device = transaction.database, command.hello.device
    went = 0
    if (
        not find_registered(database, [device])
        and count_devices(database, {device[0]})[device[0]] >= command.most
    ):
        if not _may_go(database, command):
            return Registered(0), 0
        went = delete_device(transaction, (device[0], command.replaceable))
    return raise_epochs(transaction, [command.hello])[device], went


def _may_go(database: Database, command: ReplaceDevice) -> bool:
    """True if the device is there and still unseen and owed nothing."""
    device = (command.hello.profile_id, command.replaceable)
    seen = database.rows(
        "SELECT seen_at_us FROM device WHERE profile_id = ? AND device_id = ?", device
    ) or database.rows("SELECT created_at_us FROM push WHERE profile_id = ? AND device_id = ?", device)
    return bool(seen) and seen[0][0] < command.unseen_since_us and not _is_owed(database, *device)
