"""Pages of lists: their order, and the place behind which the next page begins.

A place is the text of a row's values, with colons between, which ids cannot hold. It stays good
when rows come and go: what is listed behind it is listed once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chatd.core.ids import MAX_SEQ
from chatd.errors import InvalidArgument
from chatd.store.statements import placeholders

Place = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """The order of rows: by a number, then by ids, which name a row. ``key`` is the number's name
    in a row and ``value`` its SQL; ``ids`` are columns, whose last parts are names in a row."""

    key: str
    value: str
    ids: tuple[str, ...]
    descending: bool = False

    @property
    def by(self) -> str:
        """For ORDER BY."""
        return f"{self.value}{' DESC' if self.descending else ''}, {', '.join(self.ids)}"

    def behind(self, place: Place) -> tuple[str, list[int | str]]:
        """A condition that rows behind a place meet, with its parameters; none for no place."""
        if not place:
            return "", []
        sign = "<" if self.descending else ">"
        ids = f"({', '.join(self.ids)}) > ({placeholders(len(self.ids))})"
        return f" AND ({self.value} {sign} ? OR ({self.value} = ? AND {ids}))", [place[0], *place]

    def place_of(self, rows: Sequence[object], more: bool) -> str:
        """The place of the last row; empty if it is the last of all."""
        names = [column.rpartition(".")[2] for column in (self.key, *self.ids)]
        return write_place(*(getattr(rows[-1], name) for name in names)) if more else ""

    def read_place(self, text: str) -> Place:
        """The place that a request names. Raises InvalidArgument."""
        return read_place(text, int, *(str for _ in self.ids))


def choose_order(wanted: str, values: Mapping[str, str], default: Order) -> Order:
    """The order that a request asks for: "KEY" or "KEY desc" of ``values``, SQL by key; empty: the
    default. Raises InvalidArgument."""
    if not wanted:
        return default
    key, _, way = wanted.partition(" ")
    if key not in values or way not in ("", "desc"):
        raise InvalidArgument(
            f"order_by {wanted[:40]!a}; it is one of {', '.join(values)}, and may end in desc"
        )
    return replace(default, key=key, value=values[key], descending=way == "desc")


def write_place(*values: int | str) -> str:
    """A place as text."""
    return ":".join(map(str, values))


def read_place(text: str, *kinds: type[int] | type[str]) -> Place:
    """The place that a text names, empty for an empty one. Raises InvalidArgument."""
    if not text:
        return ()
    values = text.split(":")
    if len(values) == len(kinds):
        try:
            place = tuple(kind(value) for kind, value in zip(kinds, values, strict=True))
        except ValueError:
            place = ()
        if place and all(abs(value) <= MAX_SEQ for value in place if isinstance(value, int)):
            return place
    raise InvalidArgument(f"after {text[:80]!a} is no place of this list; take one that a page before names")
