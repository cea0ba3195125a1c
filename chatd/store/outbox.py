"""DeviceSender and their outbox entries: registering, moving cursors."""

from collections.abc import Sequence

from chatd.store.commands import AckCursors, OpenStreams
from chatd.store.transaction import Transaction
from chatd.store.undelivered import end_replay, record_failure, reject

SEEN_EVERY_US = 3_600_000_000
"""A device is noted as seen this often; it expires after days."""


def open_streams(transaction: Transaction, commands: Sequence[OpenStreams]) -> list[tuple[int, ...]]:
    """Raise epochs. A device seen for the first time gets an entry, beginning at the head, for each of its profile's rooms."""
    wanted = [device for command in commands for device in command.devices]
    if not wanted:
        return [()] * len(commands)
    epochs: list[int] = [0] * len(wanted)
    waiting = list(enumerate(wanted))
    while waiting:
        # One statement cannot touch a row twice: a device that is opened twice in a batch waits for the next round.
        this_round = {device: index for index, device in reversed(waiting)}
        for device, epoch in _raise_epochs(transaction, sorted(this_round)).items():
            epochs[this_round[device]] = epoch
        done = set(this_round.values())
        waiting = [(index, device) for index, device in waiting if index not in done]
    found = iter(epochs)
    return [tuple(next(found) for _ in command.devices) for command in commands]


def _raise_epochs(transaction: Transaction, devices: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    database = transaction.database
    values, parameters = database.values("ttiii", [(*device, 1, transaction.now_us, transaction.now_us) for device in devices])
    rows = database.rows(
        f"INSERT INTO device (profile_id, device_id, epoch, created_at_us, seen_at_us) {values} ON CONFLICT (profile_id, device_id) "
        "DO UPDATE SET epoch = device.epoch + 1, seen_at_us = excluded.seen_at_us RETURNING profile_id, device_id, epoch",
        parameters,
    )
    epochs = {(profile_id, device_id): epoch for profile_id, device_id, epoch in rows}
    new = sorted(device for device, epoch in epochs.items() if epoch == 1)
    if new:
        values, parameters = database.values("tt", new)
        database.run(
            f"WITH v(profile_id, device_id) AS ({values}) "
            "INSERT INTO outbox (profile_id, device_id, room_id, start_seq, acked_seq, created_at_us) "
            "SELECT v.profile_id, v.device_id, r.room_id, r.head_seq, r.head_seq, CAST(? AS BIGINT) FROM v "
            "JOIN subscription s ON s.profile_id = v.profile_id AND s.left_seq IS NULL JOIN room r ON r.room_id = s.room_id",
            (*parameters, transaction.now_us),
        )
    return epochs


def ack_cursors(transaction: Transaction, commands: Sequence[AckCursors]) -> list[tuple[int, ...]]:
    """Cursors only move forward, never past the membership's end, and only for the device's newest epoch."""
    epochs = _epochs(transaction, {(one.stream.profile_id, one.stream.device_id) for command in commands for one in command.acks})
    cursors: dict[tuple[str, str, str], int] = {}
    results = []
    for command in commands:
        superseded = []
        for index, acks in enumerate(command.acks):
            stream = acks.stream
            if epochs.get((stream.profile_id, stream.device_id)) != stream.epoch:
                superseded.append(index)
                continue
            for room_id, seq, text in acks.rejected:
                reject(transaction, stream, room_id, seq, text)
            for room_id, seq in acks.replayed:
                end_replay(transaction, stream, room_id, seq)
            for room_id, seq in acks.cursors.items():
                key = (stream.profile_id, stream.device_id, room_id)
                cursors[key] = max(seq, cursors.get(key, 0))
        results.append(tuple(superseded))
    rows = [(*key, seq) for key, seq in sorted(cursors.items())]
    for start in range(0, len(rows), 5_000):
        _move(transaction, rows[start : start + 5_000])
    for command in commands:
        for acks in command.acks:
            if acks.failed is not None:
                record_failure(transaction, acks.stream, *acks.failed, command.rule)
    return results


def _epochs(transaction: Transaction, devices: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The devices' epochs; that they live is noted on the way."""
    epochs: dict[tuple[str, str], int] = {}
    long_unseen = []
    wanted = sorted(devices)
    for start in range(0, len(wanted), 10_000):
        values, parameters = transaction.database.values("tt", wanted[start : start + 10_000])
        rows = transaction.database.rows(
            f"WITH v(profile_id, device_id) AS ({values}) SELECT d.profile_id, d.device_id, d.epoch, d.seen_at_us FROM v "
            "JOIN device d ON d.profile_id = v.profile_id AND d.device_id = v.device_id",
            parameters,
        )
        for profile_id, device_id, epoch, seen_at_us in rows:
            epochs[profile_id, device_id] = epoch
            if seen_at_us < transaction.now_us - SEEN_EVERY_US:
                long_unseen.append((profile_id, device_id))
    for device in long_unseen:
        transaction.database.run("UPDATE device SET seen_at_us = ? WHERE profile_id = ? AND device_id = ?", (transaction.now_us, *device))
    return epochs


def _move(transaction: Transaction, rows: Sequence[tuple[str, str, str, int]]) -> None:
    values, parameters = transaction.database.values("ttti", rows)
    moved = transaction.database.rows(
        f"WITH v(profile_id, device_id, room_id, seq) AS ({values}) "
        "UPDATE outbox SET acked_seq = CASE WHEN outbox.until_seq < v.seq THEN outbox.until_seq ELSE v.seq END "
        "FROM v WHERE outbox.profile_id = v.profile_id AND outbox.device_id = v.device_id AND outbox.room_id = v.room_id "
        "AND outbox.start_seq < v.seq AND outbox.acked_seq < v.seq "
        "RETURNING outbox.profile_id, outbox.device_id, outbox.room_id, outbox.start_seq, outbox.acked_seq, outbox.until_seq",
        parameters,
    )
    for *key, acked_seq, until_seq in moved:
        if acked_seq == until_seq:
            transaction.database.run("DELETE FROM outbox WHERE profile_id = ? AND device_id = ? AND room_id = ? AND start_seq = ?", key)
