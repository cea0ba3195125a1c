"""The history: all that clients did and saw, as records and as JSON lines. The checker judges by
nothing else. ``t`` is seconds of one steady clock."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, get_args

BUFFER_BYTES = 1 << 20
UNTOLD = -1
"""In place of a seq that its caller is not told."""


@dataclass(frozen=True, slots=True)
class Invoke:
    """A send begins. An event that is sent again under the same id may be another operation."""

    t: float
    op: int
    sender: str
    room: str
    event_id: str
    body_hash: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change of membership is asked for: ``joins``, or leaves; with ``invitation`` one begins, or
    ends otherwise than by joining. The calls for one profile and room follow each other, but that
    several may end the same thing. An ``Ok`` has the seq of what was done, 0 if nothing was to be
    done, UNTOLD if it was done. After an ``Unknown`` it may have been done until then, and not
    later."""

    t: float
    op: int
    profile: str
    room: str
    joins: bool
    invitation: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A profile is to block another one, or to block it no longer."""

    t: float
    op: int
    profile: str
    other: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class Ok:
    """Acknowledged. ``duplicate``: the event had been stored before."""

    t: float
    op: int
    seq: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Fail:
    """Refused for sure: nothing was stored."""

    t: float
    op: int
    code: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may be stored, or not."""

    t: float
    op: int


@dataclass(frozen=True, slots=True)
class Joined:
    """A membership begins with ``seq``, which the member sees."""

    t: float
    room: str
    profile: str
    seq: int


@dataclass(frozen=True, slots=True)
class Left:
    """A membership ends with ``seq``, which the member sees."""

    t: float
    room: str
    profile: str
    seq: int


@dataclass(frozen=True, slots=True)
class Invited:
    """A profile is invited with ``seq``, which it does not see."""

    t: float
    room: str
    profile: str
    seq: int


@dataclass(frozen=True, slots=True)
class Uninvited:
    """An invitation ends with ``seq``, and not by joining; the profile does not see it."""

    t: float
    room: str
    profile: str
    seq: int


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """The daemon has made an event itself, about roles or bans: nobody joins or leaves with it."""

    t: float
    room: str
    seq: int


@dataclass(frozen=True, slots=True)
class Deletion:
    """A room is to be deleted. An ``Ok`` has the seq of its last event."""

    t: float
    op: int
    room: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """The daemon has made the last event of a room."""

    t: float
    room: str
    seq: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A device was given an event, ``seq`` of its room in a ``log``. ``repeat``: the client's
    one-line rule dropped it. ``recipient``: whom the body says it is for, or empty. ``replay``: an
    operator wanted it to be given again."""

    t: float
    profile: str
    device: str
    epoch: int
    room: str
    seq: int
    event_id: str
    body_hash: str
    retry_count: int = 0
    recipient: str = ""
    repeat: bool = False
    log: str = ""
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A device was told that the events from ``first_seq`` to ``last_seq`` will not come, and
    why."""

    t: float
    profile: str
    device: str
    epoch: int
    room: str
    first_seq: int
    last_seq: int
    reason: str
    log: str = ""


@dataclass(frozen=True, slots=True)
class Acked:
    """A device has acknowledged a room's events up to ``seq``, on its stream of this epoch."""

    t: float
    profile: str
    device: str
    epoch: int
    room: str
    seq: int
    log: str = ""


@dataclass(frozen=True, slots=True)
class Calm:
    """From now on all processes work, and nothing is done to them until the next ``Fault``."""

    t: float


@dataclass(frozen=True, slots=True)
class Stall:
    """For so many ``seconds`` up to ``t`` the machine did not run what was ready."""

    t: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Fault:
    """Something was done to the system."""

    t: float
    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that was begun at ``since`` is in the database's place at ``t``, when no node runs.
    ``log`` is the name that the log has from then on, ``heads`` what it has of each room."""

    t: float
    since: float
    log: str
    heads: dict[str, int]


Record = (
    Invoke
    | Change
    | Block
    | Deletion
    | Ok
    | Fail
    | Unknown
    | Joined
    | Left
    | Invited
    | Uninvited
    | OwnEvent
    | Deleted
    | Shown
    | Skipped
    | Acked
    | Calm
    | Stall
    | Fault
    | Restored
)
TYPES: dict[str, type[Record]] = {one.__name__: one for one in get_args(Record)}
_NAMES = {one: tuple(field.name for field in fields(one)) for one in TYPES.values()}
_VALUES: dict[type[Record], Callable[[Record], tuple[Any, ...]]] = {
    one: attrgetter(*names) if len(names) > 1 else lambda record: (record.t,) for one, names in _NAMES.items()
}


class History:
    """A history being made: in ``records``, and in a file if there is a path. All records are in
    the file when the context ends."""

    def __init__(self, path: Path | None = None) -> None:
        self.records: list[Record] = []
        self._file = path.open("w", buffering=BUFFER_BYTES) if path is not None else None

    def __enter__(self) -> "History":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def add(self, record: Record) -> None:
        self.records.append(record)
        if self._file is not None:
            self._file.write(line(record))


def line(record: Record) -> str:
    """``{"record": "Ok", "t": 1.5, …}`` and a newline."""
    one = type(record)
    return (
        json.dumps({"record": one.__name__, **dict(zip(_NAMES[one], _VALUES[one](record), strict=True))})
        + "\n"
    )


def read(path: Path) -> Iterator[Record]:
    """The records of a file. Raises KeyError, TypeError or ValueError for a line that holds
    none."""
    with path.open(buffering=BUFFER_BYTES) as file:
        yield from parse(file)


def parse(lines: Iterable[str]) -> Iterator[Record]:
    loads, types = json.loads, TYPES
    for text in lines:
        values = loads(text)
        yield types[values.pop("record")](**values)
