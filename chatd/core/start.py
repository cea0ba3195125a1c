"""The point where a new device begins: what it is owed of each room's log."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chatd.core.ids import check_id, check_seq
from chatd.errors import InvalidArgument
from chatd.pb.gateway.v1 import gateway_pb2
from chatd.pb.gateway.v1.gateway_pb2 import StartPoint

MAX_START_SEQS = 1_000
"""Rooms that one Hello names."""
_POINTS = frozenset(
    {
        StartPoint.START_POINT_HEAD,
        StartPoint.START_POINT_JOINED,
        StartPoint.START_POINT_UNDELIVERED,
    }
)


@dataclass(frozen=True, slots=True)
class Start:
    """One of ``gateway.v1.Start``: ``kind`` is its field's name, ``value`` the number of a point,
    of events or of microseconds. ``seqs``: room → the seq behind which the device begins."""

    kind: str
    value: int = 0
    seqs: Mapping[str, int] = field(default_factory=dict)

    def to_pb(self) -> gateway_pb2.Start:
        match self.kind:
            case "point":
                start = gateway_pb2.Start()
                start.point = self.value  # type: ignore[assignment]
                return start
            case "last":
                return gateway_pb2.Start(last=self.value)
            case "since_us":
                return gateway_pb2.Start(since_us=self.value)
        rooms = [
            gateway_pb2.StartSeq(room_id=room_id, after_seq=seq) for room_id, seq in sorted(self.seqs.items())
        ]
        return gateway_pb2.Start(seqs=gateway_pb2.StartSeqs(rooms=rooms))

    @staticmethod
    def last(events: int) -> "Start":
        """The last ``events`` of each room."""
        return Start("last", events)

    @staticmethod
    def since(at_us: int) -> "Start":
        """Each room's events from this time on, microseconds since the Unix epoch."""
        return Start("since_us", at_us)

    @staticmethod
    def behind(seqs: Mapping[str, int]) -> "Start":
        """Behind these seqs by room; in other rooms at the head."""
        return Start("seqs", seqs=dict(seqs))


HEAD = Start("point", int(StartPoint.START_POINT_HEAD))
JOINED = Start("point", int(StartPoint.START_POINT_JOINED))
UNDELIVERED = Start("point", int(StartPoint.START_POINT_UNDELIVERED))

_WORDS = {"head": HEAD, "joined": JOINED, "undelivered": UNDELIVERED}


def parse_start(text: str) -> Start:
    """``head``, ``joined``, ``undelivered``, ``last:20``, ``since:MICROSECONDS`` or ``seqs:lobby:17
    dev:3``. Raises InvalidArgument."""
    kind, _, rest = text.partition(":")
    if text in _WORDS:
        return _WORDS[text]
    if kind == "last" and _is_number(rest) and int(rest) < 2**32:
        return Start.last(int(rest))
    if kind == "since" and _is_number(rest):
        return Start.since(int(rest))
    rooms = [place.partition(":") for place in rest.split(" ")]
    if kind == "seqs" and all(room_id and _is_number(seq) for room_id, _, seq in rooms):
        return Start.behind({room_id: int(seq) for room_id, _, seq in rooms})
    raise InvalidArgument(
        "start must be head, joined, undelivered, last:NUMBER, since:MICROSECONDS or seqs:ROOM:SEQ ROOM:SEQ"
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def read_start(start: gateway_pb2.Start) -> Start:
    """Raises InvalidArgument, InvalidId."""
    kind = start.WhichOneof("from")
    match kind:
        case "point":
            if start.point not in _POINTS:
                raise InvalidArgument(f"start.point {int(start.point)} is no point that this service knows")
            return Start(kind, int(start.point))
        case "last":
            return Start(kind, start.last)
        case "since_us":
            if start.since_us < 0:
                raise InvalidArgument(f"start.since_us {start.since_us} is before 1970")
            return Start(kind, start.since_us)
        case "seqs":
            if len(start.seqs.rooms) > MAX_START_SEQS:
                raise InvalidArgument(
                    f"start.seqs names {len(start.seqs.rooms):,} rooms, at most {MAX_START_SEQS:,}"
                )
            return Start(
                kind,
                seqs={
                    check_id("start.seqs.room_id", one.room_id): check_seq(
                        "start.seqs.after_seq", one.after_seq
                    )
                    for one in start.seqs.rooms
                },
            )
    raise InvalidArgument("start must have one of point, last, since_us and seqs")
