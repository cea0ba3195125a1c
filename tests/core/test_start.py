"""Starts as they are written down, and those that are none."""

import pytest

from chatd.core.start import HEAD, JOINED, MAX_START_SEQS, UNDELIVERED, Start, parse_start, read_start
from chatd.errors import InvalidArgument, InvalidId
from chatd.pb.gateway.v1 import gateway_pb2

SEQS = Start.behind({"lobby": 17, "dev": 0})


@pytest.mark.parametrize(
    "start",
    [HEAD, JOINED, UNDELIVERED, Start.last(0), Start.last(2**32 - 1), Start.since(0), SEQS, Start.behind({})],
)
def test_a_start_goes_over_the_wire(start: Start) -> None:
    assert read_start(start.to_pb()) == start


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("head", HEAD),
        ("joined", JOINED),
        ("undelivered", UNDELIVERED),
        ("last:20", Start.last(20)),
        ("since:1764000000000000", Start.since(1_764_000_000_000_000)),
        ("seqs:lobby:17 dev:0", SEQS),
    ],
)
def test_a_start_is_written_in_an_address(text: str, start: Start) -> None:
    assert parse_start(text) == start


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tail",
        "last",
        "last:",
        "last:-1",
        "last:4294967296",
        "since:9999999999999999999",
        "since:٣",
        "seqs:",
        "seqs:a",
        "seqs::1",
        "seqs:a:1,b:2",
        "HEAD",
    ],
)
def test_what_is_no_start(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_start(text)


def _seqs(*places: tuple[str, int]) -> gateway_pb2.Start:
    rooms = [gateway_pb2.StartSeq(room_id=room_id, after_seq=seq) for room_id, seq in places]
    return gateway_pb2.Start(seqs=gateway_pb2.StartSeqs(rooms=rooms))


@pytest.mark.parametrize(
    "start",
    [
        gateway_pb2.Start(),
        gateway_pb2.Start.FromString(b"\x08\x00"),
        gateway_pb2.Start.FromString(b"\x08\x63"),
        gateway_pb2.Start(since_us=-1),
        _seqs(("", 1)),
        _seqs(("a:b", 1)),
        _seqs(("a", 2**63)),
        _seqs(*((f"r{number}", 1) for number in range(MAX_START_SEQS + 1))),
    ],
)
def test_what_is_refused(start: gateway_pb2.Start) -> None:
    with pytest.raises((InvalidArgument, InvalidId)):
        read_start(start)
