"""Until when a node may execute a gateway's call: never once the gateway has given it up, and may
have told its client that nobody knows the outcome.

Everything is a time of the node's own steady clock in microseconds, as the gateway knows it from
the node's descriptions (``NodeClock``).
"""

from typing import NamedTuple

DRIFT = 0.001
"""Share by which two machines' steady clocks may differ in speed; each is slewed by at most half of
it."""


class SilenceLimit:
    """The time before which a gateway does not give up its calls for the node's silence. It moves
    on while the gateway hears the node. When the gateway has given up the calls that there were,
    later ones have a limit of their own, and this one stays where it is."""

    __slots__ = ("at_us",)

    def __init__(self, at_us: int) -> None:
        self.at_us = at_us

    def move(self, at_us: int) -> None:
        """The gateway has heard the node since."""
        self.at_us = max(self.at_us, at_us)


class Deadline(NamedTuple):
    """A call's time is up at ``at_us``, or at its gateway's ``silence`` if that comes first."""

    at_us: int
    silence: SilenceLimit

    def has_passed(self, now_us: int) -> bool:
        return now_us >= self.at_us or now_us >= self.silence.at_us


class NodeClock:
    """A node's steady clock, seen from a gateway: never ahead of the real one, so that the node
    reads a time computed from it before the gateway does. Times of the gateway's own steady clock
    are in seconds."""

    def __init__(self) -> None:
        self._read_us = 0
        self._received_at: float | None = None

    @property
    def is_known(self) -> bool:
        return self._received_at is not None

    def read(self, node_us: int, received_at: float) -> None:
        """The node's clock showed ``node_us`` some time before ``received_at``. An answer that was
        long under way says less than an earlier one that was not."""
        if self._received_at is None or node_us > self.at(received_at):
            self._read_us, self._received_at = node_us, received_at

    def at(self, when: float) -> int:
        """The least that the node's clock shows at ``when``."""
        assert self._received_at is not None, "the node has not been read yet"
        return self._read_us + int((when - self._received_at) * 1e6 * (1 - DRIFT))
