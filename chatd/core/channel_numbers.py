"""Numbers of the messages from one process to one gateway: whoever hears them notices when one is
missing. Pure; for any driver of the queue.

A channel is what one process publishes to one gateway while the gateway's subscriptions are there.
Its name is its publisher's start and some random bytes, so that no process, started again or
beside this one, continues another's numbers. A message carries a stamp: the channel and its number
there, from 1.
"""

import secrets

_RANDOM = 4
_CHANNEL = 8 + _RANDOM
STAMP_BYTES = _CHANNEL + 8


class SentNumbers:
    """A publisher's half of one channel. ``started_at_us`` names the process."""

    __slots__ = ("_channel", "_number")

    def __init__(self, started_at_us: int) -> None:
        self._channel = started_at_us.to_bytes(8, "big") + secrets.token_bytes(_RANDOM)
        self._number = 0

    def stamp(self) -> bytes:
        """The stamp of the next message."""
        self._number += 1
        return self._channel + self._number.to_bytes(8, "big")


class HeardNumbers:
    """A gateway's half: the channels of all publishers."""

    def __init__(self) -> None:
        self._last: dict[bytes, int] = {}

    def own(self, stamp: bytes) -> bool:
        """A message to this gateway itself has come. True: one before it is missing."""
        channel, number = stamp[:_CHANNEL], int.from_bytes(stamp[_CHANNEL:], "big")
        last = self._last.get(channel, 0)
        if number <= last:
            return False  # over an older connection
        self._last[channel] = number
        return number != last + 1

    def other(self, stamp: bytes) -> bool:
        """The same of a message to a topic: it may be meant for another gateway, and its channel
        that one's. A channel is known by a message to this gateway itself."""
        return stamp[:_CHANNEL] in self._last and self.own(stamp)

    @property
    def publishers(self) -> frozenset[int]:
        """The starts of the processes that have published."""
        return frozenset(map(publisher_of, self._last))

    def forget(self, started_at_us: int) -> None:
        """This process publishes no more."""
        publisher = started_at_us.to_bytes(8, "big")
        self._last = {channel: last for channel, last in self._last.items() if channel[:8] != publisher}


def publisher_of(stamp: bytes) -> int:
    """The start of the process that published the message."""
    return int.from_bytes(stamp[:8], "big")
