"""Things that others cause as often as they like, and that a log tells once in a while."""

SECONDS = 60.0
MOST = 100
"""Different things that are told in that time."""


class Seldom:
    """Remembers what was told. No clock."""

    def __init__(self) -> None:
        self._told: dict[object, float] = {}

    def is_due(self, what: object, now: float) -> bool:
        """True if it is to be told now: it was not in the last minute, nor was too much else.
        ``now`` in seconds."""
        if now - self._told.get(what, now - SECONDS) < SECONDS:
            return False
        self._told = {one: at for one, at in self._told.items() if now - at < SECONDS}
        if len(self._told) >= MOST:
            return False
        self._told[what] = now
        return True
