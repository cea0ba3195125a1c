"""Marks: how far a device has shown each room, for applications that go on after a restart.

The application adds each delivery that it has handled, keeps ``dumps()`` on disk before it asks for
the next one, and gives the marks to ``Client.stream`` when it runs again.
"""

import json
from typing import Self

from chatd.client.delivery import Delivery
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink


class Marks:
    """``log`` names the log that the seqs belong to. The stream empties the marks when the log is
    another one."""

    def __init__(self) -> None:
        self.log = ""
        self.shown: dict[str, int] = {}
        """The last seq shown of each room."""
        self.ids: dict[str, str] = {}
        """The id of the event there; a room whose last delivery was a marker has none."""
        self.newest: Delivery | None = None
        """The newest event shown, as far as its place; markers and replays are none."""
        self._since = 0  # the first connection to this log

    @classmethod
    def loads(cls, text: str) -> Self:
        """Read the text that ``dumps`` returned. Raises ValueError for anything else."""
        made = cls()
        try:
            kept = json.loads(text)
            made.log = str(kept["log"])
            made.shown = {str(room): int(seq) for room, seq in kept["shown"].items()}
            made.ids = {str(room): str(event_id) for room, event_id in kept["ids"].items()}
            if kept["newest"]:
                made.newest = Delivery(EventDelivery(event=EventLink(**kept["newest"])), log=made.log)
        except (AttributeError, KeyError, TypeError) as exc:
            raise ValueError("these are no marks") from exc
        return made

    def dumps(self) -> str:
        """As JSON, in one line."""
        one = self.newest
        newest = one and {
            "room_id": one.room_id,
            "seq": one.seq,
            "event_id": one.event_id,
            "sent_at_us": one.sent_at_us,
        }
        return json.dumps({"log": self.log, "shown": self.shown, "ids": self.ids, "newest": newest})

    def add(self, delivery: Delivery) -> None:
        """The delivery was handled."""
        if delivery.connection < self._since or delivery.replay:
            return  # of another log, or of an older place
        self.log = delivery.log
        if delivery.seq > self.shown.get(delivery.room_id, 0):
            self.shown[delivery.room_id] = delivery.seq
            keep_id(self.ids, delivery)
        if is_newer(delivery, self.newest):
            self.newest = delivery

    def forget(self, connection: int) -> None:
        """From this connection on it is another log."""
        self._since = connection
        self.log, self.newest = "", None
        self.shown.clear()
        self.ids.clear()


def keep_id(ids: dict[str, str], delivery: Delivery) -> None:
    """``ids``: room → the id of its newest event that was shown."""
    if delivery.event_id:
        ids[delivery.room_id] = delivery.event_id
    else:
        ids.pop(delivery.room_id, None)


def is_newer(delivery: Delivery, newest: Delivery | None) -> bool:
    """True for an event that was stored after all that was shown before. A room's seqs say so, and
    between rooms the clocks that stored the events."""
    return bool(delivery.event_id) and (
        newest is None or newest.room_id == delivery.room_id or newest.sent_at_us <= delivery.sent_at_us
    )
