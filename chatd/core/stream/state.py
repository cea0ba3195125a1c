"""The states of a device stream and the only ways between them; PROTOCOL.md section 3 shows the same table.

OPENING ends when the default node has given the stream its epoch; only then is there a stream to speak of,
so the machine here starts in CATCHING_UP.
"""

from enum import Enum, auto


class StreamState(Enum):
    CATCHING_UP = auto()
    """Something may be owed that was not sent: the outbox is pulled, at most a window at a time."""
    LIVE = auto()
    """Nothing is owed: what is published goes straight through."""
    CLOSED = auto()


class StreamChange(Enum):
    CAUGHT_UP = auto()
    FELL_BEHIND = auto()
    ENDED = auto()


TRANSITIONS: dict[tuple[StreamState, StreamChange], StreamState] = {
    (StreamState.CATCHING_UP, StreamChange.CAUGHT_UP): StreamState.LIVE,
    (StreamState.CATCHING_UP, StreamChange.FELL_BEHIND): StreamState.CATCHING_UP,
    (StreamState.CATCHING_UP, StreamChange.ENDED): StreamState.CLOSED,
    (StreamState.LIVE, StreamChange.FELL_BEHIND): StreamState.CATCHING_UP,
    (StreamState.LIVE, StreamChange.ENDED): StreamState.CLOSED,
    (StreamState.CLOSED, StreamChange.ENDED): StreamState.CLOSED,
}
"""A pair that is not here is a bug and raises KeyError."""
