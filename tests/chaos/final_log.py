"""The log and the memberships after a round, as the database has them."""

from collections.abc import Callable, Iterator

from chatd.client import Delivery
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventType
from chatd.store.database import Database
from tests.chaos.checker import Log
from tests.chaos.clients import body_hash
from tests.chaos.history import Deleted, Invited, Joined, Left, OwnEvent, Record, Uninvited


def read_log(uri: str, rooms: list[str]) -> tuple[Log, list[Record]]:
    """The log and the memberships, as the database has them in the end."""
    database = Database(uri)
    log: dict[str, dict[int, tuple[str, str]]] = {room: {} for room in rooms}
    members: list[Record] = []
    with database.connection(readonly=True):
        for room in rooms:
            rows = database.rows(
                "SELECT seq, event_id, delivery FROM room_event WHERE room_id = ? ORDER BY seq", (room,)
            )
            for seq, event_id, stored in rows:
                delivery = Delivery(EventDelivery.FromString(bytes(stored)))
                log[room][seq] = event_id, body_hash(delivery)
                members += _changes(room, seq, delivery)
    return log, members


_KINDS: dict[str, Callable[[float, str, str, int], Record]] = {
    "joined": Joined,
    "left": Left,
    "invited": Invited,
    "uninvited": Uninvited,
}


def _changes(room: str, seq: int, delivery: Delivery) -> Iterator[Record]:
    if delivery.type == EventType.EVENT_TYPE_ROOM and "deleted" in delivery.payload:
        yield Deleted(0.0, room, seq)
    if delivery.type == EventType.EVENT_TYPE_MEMBERSHIP:
        yield OwnEvent(0.0, room, seq)
        fields = delivery.message.payload.fields
        for change, kind in _KINDS.items():
            if change in fields:
                yield from (
                    kind(0.0, room, who.string_value, seq) for who in fields[change].list_value.values
                )
