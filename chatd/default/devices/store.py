"""Devices: registered by their first Hello, listed, forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.default.devices.model import Device, DeviceHello, Registered
from chatd.default.devices.start import begin, keep_delivered
from chatd.default.limits import MAX_NEW_ENTRIES
from chatd.default.notifications.push import count_devices, find_registered, forget_push
from chatd.store.command import Command, Locks, Query, Turn
from chatd.store.database import Database
from chatd.store.statements import chunks
from chatd.store.transaction import Transaction

_Key = tuple[str, str]
"""Profile and device."""
LATER = -1
"""In place of an epoch: open the stream in a transaction of its own."""
OVERTAKEN = -2
"""In place of an epoch: the device has a stream of a later Hello."""


@dataclass(frozen=True, slots=True)
class OpenStreams(Command[tuple[Registered, ...]]):
    """Raise the epochs of devices. The result: their streams, in order. A device that is seen for
    the first time has epoch 1, and gets an outbox entry for each of its profile's rooms, which
    begins where its Hello says (``start.begin``). It has 0 and is not registered if its profile has
    ``most`` devices already, and LATER if the new devices before it have made all entries that one
    transaction makes. It has OVERTAKEN if its Hello's ordinal is below that of its newest
    stream."""

    hellos: tuple[DeviceHello, ...]
    most: int

    def locks(self) -> Locks:
        return Locks(profiles=[hello.profile_id for hello in self.hellos])

    def turn(self) -> Turn:
        return Turn.BACKGROUND

    def weight(self) -> int:
        return len(self.hellos)

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[OpenStreams]) -> list[tuple[Registered, ...]]:
        hellos = [hello for command in commands for hello in command.hellos]
        wanted = [hello.device for hello in hellos]
        opened = [Registered(0)] * len(wanted)
        most = min((command.most for command in commands), default=0)  # the node's setting, in all of them
        too_many = _find_too_many(transaction, wanted, most)
        later = _find_later(transaction, [device for device in wanted if device not in too_many])
        waiting = [(index, device) for index, device in enumerate(wanted) if device not in too_many | later]
        while waiting:
            # One statement cannot touch a row twice: a device that is opened twice in a batch waits
            # for the next round.
            this_round = {device: index for index, device in reversed(waiting)}
            for chunk in chunks(sorted(this_round), columns=6):
                raised = raise_epochs(transaction, [hellos[this_round[device]] for device in chunk])
                for device, registered in raised.items():
                    opened[this_round[device]] = registered
            done = set(this_round.values())
            waiting = [(index, device) for index, device in waiting if index not in done]
        found = iter(
            Registered(LATER) if device in later else one for device, one in zip(wanted, opened, strict=True)
        )
        return [tuple(next(found) for _ in command.hellos) for command in commands]


def _find_too_many(transaction: Transaction, devices: Sequence[_Key], most: int) -> set[_Key]:
    """Those of the devices that are new to a profile which has ``most`` without them. The first
    come first."""
    registered = find_registered(transaction.database, devices)
    new = [device for device in dict.fromkeys(devices) if device not in registered]
    counts = count_devices(transaction.database, {profile_id for profile_id, _ in new})
    too_many = set()
    for device in new:
        if counts[device[0]] >= most:
            too_many.add(device)
        else:
            counts[device[0]] += 1
    return too_many


def _find_later(transaction: Transaction, devices: Sequence[_Key]) -> set[_Key]:
    """Those of the devices that connect for the first time, and whose outbox entries would be too
    many together with those of the devices before them. The first one's are never too many."""
    rooms: dict[_Key, int] = {}
    for chunk in chunks(sorted(set(devices)), columns=2):
        values, parameters = transaction.database.values("tt", chunk)
        rows = transaction.database.rows(
            f"""
            WITH v(profile_id, device_id) AS ({values})
            SELECT v.profile_id, v.device_id, profile.rooms
            FROM v
            JOIN profile ON profile.profile_id = v.profile_id
            WHERE NOT EXISTS (
                SELECT 1
                FROM device
                WHERE device.profile_id = v.profile_id AND device.device_id = v.device_id)
            """,
            parameters,
        )
        rooms.update(((profile_id, device_id), count) for profile_id, device_id, count in rows)
    later, entries = set(), 0
    for device in dict.fromkeys(devices):
        count = rooms.get(device, 0)
        if count and entries and entries + count > MAX_NEW_ENTRIES:
            later.add(device)
        else:
            entries += count
    return later


def raise_epochs(transaction: Transaction, hellos: Sequence[DeviceHello]) -> dict[_Key, Registered]:
    """Register devices, or raise their epochs; OVERTAKEN: the ordinal is too low. The command holds
    their profiles."""
    database = transaction.database
    values, parameters = database.values(
        "ttiiii",
        [(*hello.device, 1, transaction.now_us, transaction.now_us, hello.ordinal) for hello in hellos],
    )
    rows = database.rows(
        f"""
        INSERT INTO device (profile_id, device_id, epoch, created_at_us, seen_at_us, ordinal)
        {values}
        ON CONFLICT (profile_id, device_id)
        DO UPDATE SET epoch = device.epoch + 1, seen_at_us = excluded.seen_at_us, ordinal = excluded.ordinal
        WHERE excluded.ordinal = 0 OR excluded.ordinal >= device.ordinal
        RETURNING profile_id, device_id, epoch
        """,
        parameters,
    )
    epochs = {(profile_id, device_id): epoch for profile_id, device_id, epoch in rows}
    begun = begin(transaction, [hello for hello in hellos if epochs.get(hello.device) == 1])
    return {
        hello.device: Registered(epochs.get(hello.device, OVERTAKEN), begun.get(hello.device))
        for hello in hellos
    }


@dataclass(frozen=True, slots=True)
class ForgetDevice(Command[int]):
    """Delete a device and all that is kept for it. The result: its epoch, 0 if there was none."""

    profile_id: str
    device_id: str

    def locks(self) -> Locks:
        return Locks(
            profiles=(self.profile_id,), notifications=True, entries=((self.profile_id, self.device_id, ""),)
        )

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[ForgetDevice]) -> list[int]:
        return [delete_device(transaction, (command.profile_id, command.device_id)) for command in commands]


def delete_device(transaction: Transaction, device: _Key) -> int:
    """Delete a device and all that is kept for it; its epoch, 0 if it has never connected. The
    command holds its profile, its outbox entries and the notifications."""
    database = transaction.database
    keep_delivered(transaction, device)
    for table in ("outbox", "delivery_attempt", "dead_letter", "delivery_gap", "connection"):
        database.run(f"DELETE FROM {table} WHERE profile_id = ? AND device_id = ?", device)
    forget_push(transaction, *device)
    epochs = database.rows(
        "DELETE FROM device WHERE profile_id = ? AND device_id = ? RETURNING epoch", device
    )
    return int(epochs[0][0]) if epochs else 0


@dataclass(frozen=True, slots=True)
class FindUnusedDevices(Query[tuple[_Key, ...]]):
    """Devices unseen since before ``unseen_since_us``, and those registered for notifications
    before then that never connected; at most ``limit`` of each."""

    unseen_since_us: int
    limit: int

    def answer(self, database: Database) -> tuple[_Key, ...]:
        unseen = database.rows(
            """
            SELECT profile_id, device_id
            FROM device
            WHERE seen_at_us < ?
            ORDER BY profile_id, device_id
            LIMIT ?
            """,
            (self.unseen_since_us, self.limit),
        )
        never_connected = database.rows(
            """
            SELECT push.profile_id, push.device_id
            FROM push
            WHERE push.created_at_us < ?
                AND NOT EXISTS (
                    SELECT 1
                    FROM device
                    WHERE device.profile_id = push.profile_id AND device.device_id = push.device_id)
            ORDER BY push.profile_id, push.device_id
            LIMIT ?
            """,
            (self.unseen_since_us, self.limit),
        )
        return tuple((profile_id, device_id) for profile_id, device_id in (*unseen, *never_connected))


@dataclass(frozen=True, slots=True)
class ExpireDevices(Command[int]):
    """Delete those of ``devices`` (profile, device) that are still unseen since before
    ``unseen_since_us``. Those that are ``connected`` are seen now. The result: how many devices;
    one that never connected does not count."""

    devices: tuple[_Key, ...]
    unseen_since_us: int
    connected: tuple[_Key, ...] = ()

    def locks(self) -> Locks:
        return Locks(
            profiles=[profile_id for profile_id, _ in self.devices],
            notifications=True,
            entries=[(profile_id, device_id, "") for profile_id, device_id in self.devices],
        )

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[ExpireDevices]) -> list[int]:
        expired = []
        for command in commands:
            for device in command.connected:
                transaction.database.run(
                    "UPDATE device SET seen_at_us = ? WHERE profile_id = ? AND device_id = ?",
                    (transaction.now_us, *device),
                )
            unused = [device for device in command.devices if device not in command.connected]
            expired.append(sum(_expire(transaction, device, command.unseen_since_us) for device in unused))
        return expired


def _expire(transaction: Transaction, device: _Key, unseen_since_us: int) -> bool:
    rows = transaction.database.rows(
        "SELECT seen_at_us FROM device WHERE profile_id = ? AND device_id = ?", device
    )
    if rows and rows[0][0] >= unseen_since_us:
        return False  # it has come back since it was found
    return delete_device(transaction, device) > 0


@dataclass(frozen=True, slots=True)
class ListDevices(Query[tuple[tuple[Device, ...], bool]]):
    """Devices by profile and id, those after ``after``; and whether there are more. Empty ids match
    all."""

    profile_id: str
    device_id: str
    after: _Key
    limit: int

    def answer(self, database: Database) -> tuple[tuple[Device, ...], bool]:
        wanted = {"profile_id": self.profile_id, "device_id": self.device_id}
        given = {column: value for column, value in wanted.items() if value}
        rows = database.rows(
            f"""
            SELECT d.profile_id, d.device_id, d.epoch, d.created_at_us, d.seen_at_us,
                CAST(COALESCE(SUM(COALESCE(outbox.until_seq, room.head_seq) - outbox.acked_seq), 0) AS BIGINT),
                COUNT(outbox.room_id),
                COALESCE(push.notifier, '')
            FROM (
                SELECT *
                FROM device
                WHERE (profile_id, device_id) > (?, ?){"".join(f" AND {column} = ?" for column in given)}
                ORDER BY profile_id, device_id
                LIMIT ?
            ) d
            LEFT JOIN (outbox JOIN room ON room.room_id = outbox.room_id) ON outbox.profile_id = d.profile_id
                AND outbox.device_id = d.device_id
                AND outbox.acked_seq < COALESCE(outbox.until_seq, room.head_seq)
            LEFT JOIN push ON push.profile_id = d.profile_id AND push.device_id = d.device_id
            GROUP BY d.profile_id, d.device_id, d.epoch, d.created_at_us, d.seen_at_us, push.notifier
            ORDER BY d.profile_id, d.device_id
            """,
            (*self.after, *given.values(), self.limit + 1),
        )
        return tuple(Device(*row) for row in rows[: self.limit]), len(rows) > self.limit
