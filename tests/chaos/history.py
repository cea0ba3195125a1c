"""What clients did and saw, as records and as JSON lines: the only thing the checker judges by. Times are seconds of one steady clock."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TextIO


class Invoke(NamedTuple):
    """A send begins: one attempt or several, the same event id."""

    t: float
    op: int
    sender: str
    room: str
    event_id: str
    body: int
    """Digest of the body."""


class Ok(NamedTuple):
    t: float
    op: int
    seq: int


class Fail(NamedTuple):
    """Refused for sure: nothing was stored."""

    t: float
    op: int
    code: int


class Unknown(NamedTuple):
    """It may be stored, or not."""

    t: float
    op: int


class Member(NamedTuple):
    """A change of membership as the log has it: both ends are seen by the profile. ``change`` is joined or left."""

    t: float
    change: str
    room: str
    profile: str
    seq: int


class Shown(NamedTuple):
    """A device's application was given a delivery. ``repeat``: the client's one-line rule dropped it. ``marker``: the first seq of a marker that
    ends at ``seq``, 0 for an event."""

    t: float
    profile: str
    device: str
    room: str
    seq: int
    event_id: str
    body: int
    repeat: bool
    marker: int


class Fault(NamedTuple):
    t: float
    kind: str
    target: str


Record = Invoke | Ok | Fail | Unknown | Member | Shown | Fault
KINDS: dict[str, type[Record]] = {kind.__name__: kind for kind in (Invoke, Ok, Fail, Unknown, Member, Shown, Fault)}


class History:
    """A history being written, kept in memory as well."""

    def __init__(self, file: TextIO | None = None) -> None:
        self.records: list[Record] = []
        self._file = file

    def add(self, record: Record) -> None:
        self.records.append(record)
        if self._file is not None:
            self._file.write(json.dumps([type(record).__name__, *record]) + "\n")


def read(path: Path) -> Iterator[Record]:
    with path.open() as file:
        yield from parse(file)


def parse(lines: Iterable[str]) -> Iterator[Record]:
    for line in lines:
        kind, *fields = json.loads(line)
        yield KINDS[kind](*fields)
