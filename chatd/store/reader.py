"""Readers answer queries on connections that cannot write. Each query is short: SQLite's checkpoints wait for the oldest reader."""

from collections.abc import Callable
from typing import Any

from chatd.errors import ChatdError, Internal, StoreFailed, Unavailable
from chatd.store import notices, reading
from chatd.store import queries as q
from chatd.store.audiences import Audiences, share_room
from chatd.store.database import Database
from chatd.store.find_unpublished import find_unpublished
from chatd.store.owed import pull_owed
from chatd.store.read_markers import get_delivery_status, list_unread
from chatd.store.retention_cuts import retention_cuts
from chatd.store.worker import BatchWorker, Completed

ANSWER: dict[type, Callable[[Database, Any], Any]] = {
    q.PullOwed: pull_owed,
    q.FindUnpublished: find_unpublished,
    q.History: reading.history,
    q.ListRooms: reading.list_rooms,
    q.GetRoom: reading.get_room,
    q.ListOutbox: reading.list_outbox,
    q.ListOutboxEntries: reading.list_outbox_entries,
    q.GetBroadcast: reading.get_broadcast,
    q.ListConnections: reading.list_connections,
    q.ListDevices: reading.list_devices,
    q.ListDeadLetters: reading.list_dead_letters,
    q.RetentionCuts: retention_cuts,
    q.NotificationWork: notices.notification_work,
    q.GetNotificationContents: notices.notices,
    q.GetPush: notices.get_push,
    q.ListNotifications: notices.list_notifications,
    q.ShareRoom: share_room,
    q.ListUnread: list_unread,
    q.GetDeliveryStatus: get_delivery_status,
    q.Ping: lambda database, query: database.rows("SELECT 1") == [(1,)],
}
"""Query type → what answers it."""


class Reader:
    """``deliver`` is called on a reader's thread, once a batch. SQLite has one thread, PostgreSQL ``threads``."""

    def __init__(self, database: Database, deliver: Callable[[list[Completed]], object], *, threads: int = 1) -> None:
        self._database = database
        self._deliver = deliver
        self._answers: dict[type, Callable[[Database, Any], Any]] = {**ANSWER, q.Audience: Audiences().find}
        count = threads if database.engine == "postgres" else 1
        self._lane = BatchWorker("reader", self._work, closed=database.disconnect, threads=count, max_batch=16)
        self.start = self._lane.start
        self.stop = self._lane.stop

    def submit(self, query: q.Query, tag: object) -> None:
        """Queue a query; its result comes back with ``tag``."""
        self._lane.submit(query, tag)

    def _work(self, batch: list[tuple[q.Query, object | None]]) -> None:
        self._deliver([Completed(tag, self._answer(query)) for query, tag in batch])

    def _answer(self, query: q.Query) -> Any:
        try:
            if self._database.db.is_closed():
                self._database.connect(readonly=True)
            return self._answers[type(query)](self._database, query)
        except (StoreFailed, Unavailable) as exc:
            self._database.disconnect()  # the next query gets a new connection
            return exc
        except ChatdError as exc:
            return exc
        except Exception as exc:  # noqa: BLE001  whatever it is, the query is answered and the reader lives on
            return Internal(f"a reader failed: {type(exc).__name__}: {exc}")
