"""Devices and their outbox entries: registering, moving cursors, counting attempts."""

from collections.abc import Sequence

from chatd.store.commands import AckCursors, MarkPulled, OpenStreams
from chatd.store.rooms import lock_profiles
from chatd.store.transaction import Transaction


def open_streams(transaction: Transaction, commands: Sequence[OpenStreams]) -> list[tuple[int, ...]]:
    """Raise epochs. A device seen for the first time gets an entry, beginning at the head, for each of its profile's rooms."""
    wanted = [device for command in commands for device in command.devices]
    if not wanted:
        return [()] * len(commands)
    lock_profiles(transaction, {profile_id for profile_id, _ in wanted})
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
    values, parameters = database.values("ttii", [(*device, 1, transaction.now_us) for device in devices])
    rows = database.rows(
        f"INSERT INTO device (profile_id, device_id, epoch, created_at_us) {values} "
        "ON CONFLICT (profile_id, device_id) DO UPDATE SET epoch = device.epoch + 1 RETURNING profile_id, device_id, epoch",
        parameters,
    )
    epochs = {(profile_id, device_id): epoch for profile_id, device_id, epoch in rows}
    new = sorted(device for device, epoch in epochs.items() if epoch == 1)
    if new:
        values, parameters = database.values("tt", new)
        database.run(
            f"WITH v(profile_id, device_id) AS ({values}) "
            "INSERT INTO outbox (profile_id, device_id, room_id, start_seq, acked_seq, attempts, attempted_seq, created_at_us) "
            "SELECT v.profile_id, v.device_id, r.room_id, r.head_seq, r.head_seq, 0, 0, CAST(? AS BIGINT) FROM v "
            "JOIN subscription s ON s.profile_id = v.profile_id AND s.left_seq IS NULL JOIN room r ON r.room_id = s.room_id",
            (*parameters, transaction.now_us),
        )
    return epochs


def ack_cursors(transaction: Transaction, commands: Sequence[AckCursors]) -> list[tuple[int, ...]]:
    """Cursors only move forward, never past the membership's end, and only for the device's newest epoch."""
    epochs = _epochs(transaction, {(stream.profile_id, stream.device_id) for command in commands for stream, _ in command.acks})
    cursors: dict[tuple[str, str, str], int] = {}
    results = []
    for command in commands:
        superseded = []
        for index, (stream, rooms) in enumerate(command.acks):
            if epochs.get((stream.profile_id, stream.device_id)) != stream.epoch:
                superseded.append(index)
                continue
            for room_id, seq in rooms.items():
                key = (stream.profile_id, stream.device_id, room_id)
                cursors[key] = max(seq, cursors.get(key, 0))
        results.append(tuple(superseded))
    rows = [(*key, seq) for key, seq in sorted(cursors.items())]
    for start in range(0, len(rows), 5_000):
        _move(transaction, rows[start : start + 5_000])
    return results


def _epochs(transaction: Transaction, devices: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    epochs: dict[tuple[str, str], int] = {}
    wanted = sorted(devices)
    for start in range(0, len(wanted), 10_000):
        values, parameters = transaction.database.values("tt", wanted[start : start + 10_000])
        rows = transaction.database.rows(
            f"WITH v(profile_id, device_id) AS ({values}) SELECT d.profile_id, d.device_id, d.epoch FROM v "
            "JOIN device d ON d.profile_id = v.profile_id AND d.device_id = v.device_id",
            parameters,
        )
        epochs.update({(profile_id, device_id): epoch for profile_id, device_id, epoch in rows})
    return epochs


def _move(transaction: Transaction, rows: Sequence[tuple[str, str, str, int]]) -> None:
    values, parameters = transaction.database.values("ttti", rows)
    moved = transaction.database.rows(
        f"WITH v(profile_id, device_id, room_id, seq) AS ({values}) "
        "UPDATE outbox SET attempts = 0, "
        "acked_seq = CASE WHEN outbox.until_seq < v.seq THEN outbox.until_seq ELSE v.seq END "
        "FROM v WHERE outbox.profile_id = v.profile_id AND outbox.device_id = v.device_id AND outbox.room_id = v.room_id "
        "AND outbox.start_seq < v.seq AND outbox.acked_seq < v.seq "
        "RETURNING outbox.profile_id, outbox.device_id, outbox.room_id, outbox.start_seq, outbox.acked_seq, outbox.until_seq",
        parameters,
    )
    for *key, acked_seq, until_seq in moved:
        if acked_seq == until_seq:
            transaction.database.run("DELETE FROM outbox WHERE profile_id = ? AND device_id = ? AND room_id = ? AND start_seq = ?", key)


def mark_pulled(transaction: Transaction, commands: Sequence[MarkPulled]) -> list[None]:
    """Attempts say how often the oldest owed event was pulled: a pull that begins after it does not count, an ack resets them."""
    latest: dict[tuple[str, str, str], tuple[int, int]] = {}
    for command in commands:
        for profile_id, device_id, room_id, first_seq, last_seq in command.runs:
            known = latest.get((profile_id, device_id, room_id))
            if known is None or first_seq <= known[0]:
                latest[profile_id, device_id, room_id] = (first_seq, last_seq)
    rows = [(*key, *run) for key, run in sorted(latest.items())]
    for start in range(0, len(rows), 5_000):
        values, parameters = transaction.database.values("tttii", rows[start : start + 5_000])
        transaction.database.run(
            f"WITH v(profile_id, device_id, room_id, first_seq, last_seq) AS ({values}) "
            "UPDATE outbox SET attempts = outbox.attempts + 1, attempted_seq = v.last_seq "
            "FROM v WHERE outbox.profile_id = v.profile_id AND outbox.device_id = v.device_id AND outbox.room_id = v.room_id "
            "AND outbox.acked_seq = v.first_seq - 1",
            parameters,
        )
    return [None] * len(commands)
