"""How long to wait for the ack of the oldest delivery in flight. Times in seconds of any steady clock."""

LONGEST = 300.0
"""The timeout doubles up to this."""


class AckTimer:
    """Compares, each time it is asked, how far the device has acknowledged with how far it had before."""

    __slots__ = ("_acked", "_since", "_tries")

    def __init__(self) -> None:
        self._acked = -1
        self._since = 0.0
        self._tries = 0

    def is_over(self, *, acked: int, in_flight: bool, now: float, first: float) -> bool:
        """True if no ack has arrived for the current timeout: ``first`` seconds, doubled after each timeout up to LONGEST."""
        if not in_flight:
            self._acked = -1
            return False
        if self._acked != acked:
            self._acked, self._since, self._tries = acked, now, 0
            return False
        if now - self._since < min(first * 2.0**self._tries, LONGEST):
            return False
        self._since = now
        self._tries = min(self._tries + 1, 20)
        return True
