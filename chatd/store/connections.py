"""Connection metadata, for operators' eyes."""

from collections.abc import Sequence

from chatd.core.model import StreamKey
from chatd.store.commands import ForgetConnections, RegisterConnections, TouchConnections
from chatd.store.transaction import Transaction


def register_connections(transaction: Transaction, commands: Sequence[RegisterConnections]) -> list[None]:
    newest = {(row.profile_id, row.device_id): row for command in commands for row in command.connections}
    if newest:
        values, parameters = transaction.database.values(
            "ttittii",
            [(row.profile_id, row.device_id, row.epoch, row.gateway_id, row.client, row.since_us, row.seen_us) for row in newest.values()],
        )
        transaction.database.run(
            f"INSERT INTO connection (profile_id, device_id, epoch, gateway_id, client, since_us, seen_us) {values} "
            "ON CONFLICT (profile_id, device_id) DO UPDATE SET epoch = excluded.epoch, gateway_id = excluded.gateway_id, "
            "client = excluded.client, since_us = excluded.since_us, seen_us = excluded.seen_us WHERE connection.epoch <= excluded.epoch",
            parameters,
        )
    return [None] * len(commands)


def touch_connections(transaction: Transaction, commands: Sequence[TouchConnections]) -> list[None]:
    seen = {(*_key(stream), command.seen_us) for command in commands for stream in command.streams}
    if seen:
        values, parameters = transaction.database.values("ttii", sorted(seen))
        transaction.database.run(
            f"WITH v(profile_id, device_id, epoch, seen_us) AS ({values}) UPDATE connection SET seen_us = v.seen_us FROM v "
            "WHERE connection.profile_id = v.profile_id AND connection.device_id = v.device_id AND connection.epoch = v.epoch",
            parameters,
        )
    return [None] * len(commands)


def forget_connections(transaction: Transaction, commands: Sequence[ForgetConnections]) -> list[None]:
    """Only the named epochs: a newer stream's registration stays."""
    for key in sorted({_key(stream) for command in commands for stream in command.streams}):
        transaction.database.run("DELETE FROM connection WHERE profile_id = ? AND device_id = ? AND epoch = ?", key)
    return [None] * len(commands)


def _key(stream: StreamKey) -> tuple[str, str, int]:
    return stream.profile_id, stream.device_id, stream.epoch
