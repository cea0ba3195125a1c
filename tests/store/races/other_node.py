"""Another node of the same PostgreSQL, as a bare transaction that stays open for as long as a test
wants."""

import time

from chatd.core.wire import encode_delivery
from chatd.pb.events.v1.payloads_pb2 import EventLink
from chatd.store.database import Database

_WAITING = (
    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


class OtherNode:
    """A transaction that is open until ``commit``."""

    def __init__(self, uri: str) -> None:
        self.database = Database(uri)
        self.database.connect(readonly=False)
        self.database.run("BEGIN")

    def commit(self) -> None:
        self.database.run("COMMIT")

    def wait_until_it_holds_somebody_up(self, uri: str) -> None:
        watcher = Database(uri)
        deadline = time.monotonic() + 20
        with watcher.connection(readonly=True):
            while watcher.rows(_WAITING) == [(0,)]:
                assert time.monotonic() < deadline, "nobody waits for the other node"
                time.sleep(0.01)

    def insert_event(self, room: str, event_id: str, seq: int, content_hash: bytes) -> None:
        """An event of alice's, as if the other node had stored it."""
        delivery = encode_delivery(
            EventLink(event_id=event_id, room_id=room, seq=seq, sender_id="alice"), b""
        )
        self.database.run(
            "INSERT INTO room_event (room_id, seq, event_id, sender_id, type, sent_at_us, content_hash, delivery) "
            "VALUES (?, ?, ?, 'alice', 1, 7, ?, ?)",
            (room, seq, event_id, content_hash, delivery),
        )
        self.database.run("UPDATE room SET head_seq = ? WHERE room_id = ?", (seq, room))
