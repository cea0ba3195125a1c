"""CallsUnderWay: how many calls of one profile may wait for their answers. Connections that bring
more are not read meanwhile: their calls wait with the client."""

from chatd.gateway.link import Link

MAX_WEIGHT = 1_024
WEIGHT_OF_A_SEND = 1
"""The answers of sends are small, and the more of them are stored together, the less each costs."""
WEIGHT_OF_OTHERS = 16
"""The answer of another call may be a megabyte: 64 of them are half a second of work."""


class _Profile:
    """``held`` are connections that are not read, the longest held first."""

    __slots__ = ("held", "weight")

    def __init__(self) -> None:
        self.weight = 0
        self.held: dict[Link, None] = {}


class CallsUnderWay:
    """Counts by profile. A profile may exceed MAX_WEIGHT by a call for each of its connections."""

    def __init__(self) -> None:
        self._profiles: dict[str, _Profile] = {}

    def begin(self, profile_id: str, weight: int, link: Link) -> None:
        """A call of this weight has come over the link."""
        mine = self._profiles.get(profile_id)
        if mine is None:
            mine = self._profiles[profile_id] = _Profile()
        mine.weight += weight
        if mine.weight >= MAX_WEIGHT and link not in mine.held:
            mine.held[link] = None
            link.hold()

    def end(self, profile_id: str, weight: int) -> None:
        """Its answer has come. As many held connections are read again as there is room for."""
        mine = self._profiles[profile_id]
        mine.weight -= weight
        room = (MAX_WEIGHT - mine.weight + WEIGHT_OF_OTHERS - 1) // WEIGHT_OF_OTHERS
        for link in list(mine.held)[: max(0, room)]:
            del mine.held[link]
            link.go_on()
        if not mine.weight:
            del self._profiles[profile_id]
