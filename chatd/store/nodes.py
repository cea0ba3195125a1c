"""Who serves this database: a row and a lease for each process. Whoever holds an address is the node there."""

from collections.abc import Sequence

from chatd.core.model import Lease
from chatd.store.commands import RenewLeases
from chatd.store.transaction import Transaction


def renew_leases(transaction: Transaction, commands: Sequence[RenewLeases]) -> list[tuple[Lease, ...]]:
    database = transaction.database
    newest = {node.uri: node for command in commands for node in command.nodes}
    if newest:
        values, parameters = database.values(
            "tttttii",
            [
                (uri, node.kind, node.node_id, node.queue_uri, node.version, node.started_at_us, node.lease_until_us)
                for uri, node in sorted(newest.items())
            ],
        )
        database.run(
            f"INSERT INTO node (uri, kind, node_id, queue_uri, version, started_at_us, lease_until_us) {values} "
            "ON CONFLICT (uri) DO UPDATE SET kind = excluded.kind, node_id = excluded.node_id, queue_uri = excluded.queue_uri, "
            "version = excluded.version, started_at_us = excluded.started_at_us, lease_until_us = excluded.lease_until_us",
            parameters,
        )
    database.run("DELETE FROM node WHERE lease_until_us < ?", (min(command.forget_before_us for command in commands),))
    rows = database.rows(
        "SELECT uri, kind, node_id, queue_uri, version, started_at_us, lease_until_us FROM node ORDER BY kind, node_id, uri"
    )
    known = tuple(Lease(*row) for row in rows)
    return [known] * len(commands)
