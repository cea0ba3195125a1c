"""Which events somebody said: those of people and applications. chatd's own (memberships, changes
of rooms, erased places) are none, nor are types that an application chose for what nobody has to
read (reactions, states)."""

from chatd.pb.events.v1.payloads_pb2 import EventType

MESSAGE = int(EventType.EVENT_TYPE_MESSAGE)
"""A plain number: to look up a name of protobuf's takes as long as to serialise an event."""
FIRST_APPLICATION_TYPE = 16
"""Types below are chatd's (``events.v1.EventType``)."""
FIRST_UNCOUNTED_TYPE = 32_768
"""An application's types from here on do not count."""


def is_sent(kind: int) -> bool:
    """True for what clients send: a MESSAGE and an application's own types."""
    return kind == MESSAGE or kind >= FIRST_APPLICATION_TYPE


def is_notable(kind: int) -> bool:
    """True for a MESSAGE and for an application's types that count: they are unread until they are
    read, and they notify."""
    return kind == MESSAGE or FIRST_APPLICATION_TYPE <= kind < FIRST_UNCOUNTED_TYPE
