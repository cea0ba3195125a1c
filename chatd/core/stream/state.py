"""The states of a device stream, the only ways between them, and the theory of the whole.

PROTOCOL.md shows the states as clients see them. The protocol's OPENING ends when the default node has given
the stream its epoch; there is no stream before that, so a stream of the core begins CATCHING_UP.

A CATCHING_UP stream has four more flags, each stored where it is written:

* pulling: a pull is under way, and no other may begin (``DeviceStream`` has a ``PendingPull``).
* missed: something came meanwhile that the pull's answer does not bring (``PendingPull.missed``).
* alone: a suspect, or an event that came after one, was sent; little may be in flight (``Redelivery.alone``).
* again: the oldest delivery in flight has failed, and is to be pulled once more (``Redelivery.again``).

Every situation a stream can be in:

|  # | state       | pulling | missed | alone | again | meaning                                           |
|----|-------------|---------|--------|-------|-------|---------------------------------------------------|
|  1 | LIVE        |         |        |       |       | nothing is owed: what is next and fits goes out   |
|  2 | CATCHING_UP |         |        |       |       | a pull may begin when half the window is free     |
|  3 | CATCHING_UP |         |        |       | yes   | a pull may begin at once                          |
|  4 | CATCHING_UP |         |        | yes   |       | a pull may begin when nothing is in flight        |
|  5 | CATCHING_UP |         |        | yes   | yes   | a pull may begin at once                          |
|  6 | CATCHING_UP | yes     |        |       |       | what is offered is held until the answer is there |
|  7 | CATCHING_UP | yes     |        |       | yes   | as 6; the answer brings the failed delivery too   |
|  8 | CATCHING_UP | yes     |        | yes   |       | as 6; urgent events are held too                  |
|  9 | CATCHING_UP | yes     |        | yes   | yes   | as 8; the answer brings the failed delivery too   |
| 10 | CATCHING_UP | yes     | yes    |       |       | as 6; another pull must follow                    |
| 11 | CATCHING_UP | yes     | yes    |       | yes   | as 10; this pull or the next brings what failed   |
| 12 | CATCHING_UP | yes     | yes    | yes   |       | as 8; another pull must follow                    |
| 13 | CATCHING_UP | yes     | yes    | yes   | yes   | as 12; this pull or the next brings what failed   |
| 14 | CLOSED      |         |        |       |       | nothing is taken or sent any more                 |

The situations that each call may lead to from there; an empty field leads nowhere else. ``close`` leads to 14
from everywhere.

|  # | offer | fall_behind | begin_pull | pulled  | pull_failed | ack | acks_written |
|----|-------|-------------|------------|---------|-------------|-----|--------------|
|  1 | 2     | 2           |            |         |             |     | 3            |
|  2 |       |             | 6          |         |             |     | 3            |
|  3 |       |             | 7          |         |             |     |              |
|  4 |       |             | 8          |         |             | 2   | 5            |
|  5 |       |             | 9          |         |             | 3   |              |
|  6 | 10    | 10          |            | 1 2 4   | 2           |     | 11           |
|  7 | 11    | 11          |            | 1 2 4   | 3           |     | 11           |
|  8 | 12    | 12          |            | 1 4     | 4           |     |              |
|  9 | 13    | 13          |            | 1 4     | 5           | 7   | 13           |
| 10 |       |             |            | 2 4     | 2           |     | 11           |
| 11 |       |             |            | 2 3 4 5 | 3           |     |              |
| 12 |       |             |            | 4       | 4           |     |              |
| 13 |       |             |            | 4 5     | 5           | 11  |              |
| 14 |       |             |            |         |             |     |              |

``tests/core/stream/test_state.py`` walks through the code and finds exactly these.
"""

from enum import Enum, auto


class StreamState(Enum):
    CATCHING_UP = auto()
    """Something may be owed that was not sent: the stream pulls from the outbox, a window at a time."""
    LIVE = auto()
    """Nothing is owed: a message that is offered goes straight through."""
    CLOSED = auto()
    """Nothing is taken or sent any more; pending acks may still be written."""


class StreamChange(Enum):
    CAUGHT_UP = auto()
    """A pull was answered, and nothing more is owed."""
    FELL_BEHIND = auto()
    """Something is owed that will not be offered, or may be."""
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
