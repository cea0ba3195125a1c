"""The one writer: takes all that has queued up, one transaction, one fsync, then says what became of each command.

Whoever waits for a command is told after COMMIT and never before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import peewee

from chatd.core.model import CommittedRun
from chatd.errors import ChatdError, Internal, StoreFailed, Unavailable
from chatd.store import commands as c
from chatd.store.connections import forget_connections, register_connections, touch_connections
from chatd.store.database import CommitUnknown, Database
from chatd.store.events import store_events
from chatd.store.nodes import renew_leases
from chatd.store.notifications import (
    claim_notifications,
    drop_notifications,
    enqueue_notifications,
    retry_notifications,
    settle_notifications,
)
from chatd.store.outbox import ack_cursors, open_streams
from chatd.store.push import set_push, set_room_notifications
from chatd.store.read_markers import set_read_markers
from chatd.store.retention import erase_profiles, expire_devices, forget_devices, purge_logs
from chatd.store.rooms import add_subscriptions, create_rooms, mark_published, remove_subscriptions
from chatd.store.transaction import MembersCache, Transaction
from chatd.store.undelivered import drop_letters, replay_letters
from chatd.store.worker import BatchWorker, Completed
from chatd.store.write_queue import MAX_BACKGROUND, WriteQueue, weight_of

APPLY: dict[type, Callable[[Transaction, Any], Sequence[Any]]] = {
    c.StoreEvents: store_events,
    c.CreateRoom: create_rooms,
    c.AddSubscriptions: add_subscriptions,
    c.RemoveSubscriptions: remove_subscriptions,
    c.OpenStreams: open_streams,
    c.AckCursors: ack_cursors,
    c.SetReadMarker: set_read_markers,
    c.MarkPublished: mark_published,
    c.ReplayLetters: replay_letters,
    c.DropLetters: drop_letters,
    c.PurgeLog: purge_logs,
    c.ExpireDevices: expire_devices,
    c.ForgetDevice: forget_devices,
    c.EraseProfile: erase_profiles,
    c.RenewLeases: renew_leases,
    c.RegisterConnections: register_connections,
    c.TouchConnections: touch_connections,
    c.ForgetConnections: forget_connections,
    c.SetPush: set_push,
    c.SetRoomNotifications: set_room_notifications,
    c.EnqueueNotifications: enqueue_notifications,
    c.ClaimNotifications: claim_notifications,
    c.SettleNotifications: settle_notifications,
    c.RetryNotifications: retry_notifications,
    c.DropNotifications: drop_notifications,
}
"""Command type → what applies a group of them, giving a result or a ChatdError for each."""

Item = tuple[c.Command, object | None]


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """One transaction's results, and the events it committed."""

    completed: list[Completed]
    runs: list[CommittedRun]


class Writer:
    """``deliver`` is called on the writer's thread, once a transaction; so is ``stop_node``, when the database can no longer be trusted: every
    command from then on is refused. ``clock`` gives microseconds since the Unix epoch."""

    def __init__(
        self,
        database: Database,
        deliver: Callable[[WriteBatch], object],
        clock: Callable[[], int],
        stop_node: Callable[[ChatdError], object],
    ) -> None:
        self._database = database
        self._deliver = deliver
        self._stop_node = stop_node
        self._broken: ChatdError | None = None
        self._clock = clock
        self._cache = MembersCache()
        self._turns = WriteQueue()
        self._lane = BatchWorker("writer", self._work, closed=database.disconnect, weigh=weight_of, max_background=MAX_BACKGROUND)
        self.start = self._lane.start
        self.stop = self._lane.stop

    def submit(self, command: c.Command, tag: object | None) -> None:
        """Queue a command; its result comes back with ``tag`` (None: only a failure is reported). To be called from one thread."""
        self._lane.submit(command, tag, self._turns.turn_of(command, self._lane.taken))

    def _work(self, batch: list[Item]) -> None:
        if self._broken is not None:
            self._failed(batch, Unavailable(f"the node is stopping: {self._broken}"))
            return
        try:
            self._deliver(self._transact(batch))
        except peewee.IntegrityError:
            # Two nodes at once stored the same event id: alone, each command finds what the other node committed.
            for item in batch:
                self._alone(item)
        except peewee.OperationalError:
            # A deadlock or serialization failure: PostgreSQL has rolled it back, nothing of it happened.
            for item in batch:
                self._alone(item)
        except ChatdError as exc:
            self._judge(exc)
            self._failed(batch, exc)
        except Exception as exc:  # noqa: BLE001  whatever it is, every command is answered and the writer lives on
            self._failed(batch, Internal(f"the writer failed: {type(exc).__name__}: {exc}"))

    def _alone(self, item: Item) -> None:
        try:
            self._deliver(self._transact([item]))
        except ChatdError as exc:
            self._judge(exc)
            self._failed([item], exc)
        except (peewee.IntegrityError, peewee.OperationalError) as exc:
            self._failed([item], StoreFailed(f"the database refused: {exc}"))

    def _judge(self, error: ChatdError) -> None:
        if isinstance(error, CommitUnknown):
            self._broken = error
            self._stop_node(error)

    def _failed(self, batch: list[Item], error: ChatdError) -> None:
        self._deliver(WriteBatch([Completed(tag, error) for _, tag in batch], []))

    def _transact(self, batch: list[Item]) -> WriteBatch:
        database = self._database
        if database.db.is_closed():
            database.connect(readonly=False)
        transaction = Transaction(database, self._cache, self._clock())
        completed: list[Completed] = []
        self._begin()
        try:
            # Rooms, profiles, entries, the queue of notifications, each in sorted order: two nodes never wait for each other.
            transaction.lock_rooms({room_id for command, _ in batch for room_id in c.rooms_of(command)})
            transaction.lock_profiles({profile_id for command, _ in batch for profile_id in c.profiles_of(command)})
            transaction.lock_entries({entry for command, _ in batch for entry in c.entries_of(command)})
            if any(isinstance(command, c.NOTIFYING) for command, _ in batch):
                transaction.lock_notifications()
            for kind, group in groupby(batch, key=lambda item: type(item[0])):
                items = list(group)
                results = APPLY[kind](transaction, [command for command, _ in items])
                transaction.flush()
                completed += [
                    Completed(tag, result)
                    for (_, tag), result in zip(items, results, strict=True)
                    if tag is not None or isinstance(result, ChatdError)
                ]
            database.commit()
        except BaseException:
            self._roll_back()
            raise
        return WriteBatch(completed, transaction.committed())

    def _begin(self) -> None:
        try:
            self._database.run("BEGIN IMMEDIATE" if self._database.engine == "sqlite" else "BEGIN")
        except Unavailable:
            # A connection that died while idle: nothing has been done on it, a new one will do.
            self._database.disconnect()
            self._database.connect(readonly=False)
            self._database.run("BEGIN IMMEDIATE" if self._database.engine == "sqlite" else "BEGIN")

    def _roll_back(self) -> None:
        try:
            self._database.db.rollback()
        except (peewee.PeeweeException, OSError):
            self._database.disconnect()  # the connection is gone, and the transaction with it
