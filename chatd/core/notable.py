"""Which events somebody said: those of people and applications. chatd's own (memberships, changes
of rooms, erased places) are none."""

from chatd.pb.events.v1.payloads_pb2 import EventType

FIRST_APPLICATION_TYPE = 16
"""Types below are chatd's (``events.v1.EventType``)."""


def is_notable(kind: int) -> bool:
    """True for a MESSAGE and for an application's own types: they count as unread, and they
    notify."""
    return kind == EventType.EVENT_TYPE_MESSAGE or kind >= FIRST_APPLICATION_TYPE
