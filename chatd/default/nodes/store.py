"""Leases in the database: a row for each process that serves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.default.nodes.model import Lease
from chatd.store.command import NO_LOCKS, Command, Locks
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class RenewLeases(Command[tuple[Lease, ...]]):
    """Record that nodes live, delete leases that ended before ``forget_before_us``. The result: all leases there are."""

    nodes: tuple[Lease, ...]
    forget_before_us: int

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence[RenewLeases]) -> list[tuple[Lease, ...]]:
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
                f"""
                INSERT INTO node (uri, kind, node_id, queue_uri, version, started_at_us, lease_until_us)
                {values}
                ON CONFLICT (uri)
                DO UPDATE SET kind = excluded.kind, node_id = excluded.node_id, queue_uri = excluded.queue_uri,
                    version = excluded.version, started_at_us = excluded.started_at_us,
                    lease_until_us = excluded.lease_until_us
                """,
                parameters,
            )
        forget_before_us = min(one.forget_before_us for one in commands)
        # As far ahead as that no lease is: its holder's clock was. One that lives writes it again.
        forget_after_us = transaction.now_us + (transaction.now_us - forget_before_us)
        database.run("DELETE FROM node WHERE lease_until_us < ? OR lease_until_us > ?", (forget_before_us, forget_after_us))
        rows = database.rows(
            """
            SELECT uri, kind, node_id, queue_uri, version, started_at_us, lease_until_us
            FROM node
            ORDER BY kind, node_id, uri
            """
        )
        known = tuple(Lease(*row) for row in rows)
        return [known] * len(commands)
