"""Counters of a process: each belongs to the part that moves it, and is read by whoever shows
them."""


class Counter:
    """Counts up from zero since the process started. ``name`` is a protobuf field's or a metric's,
    ``meaning`` a phrase."""

    __slots__ = ("meaning", "name", "value")

    def __init__(self, name: str, meaning: str) -> None:
        self.name = name
        self.meaning = meaning
        self.value = 0

    def add(self, count: int = 1) -> None:
        """Count ``count`` more."""
        self.value += count
