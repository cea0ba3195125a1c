"""The nodes serve another log: the streams of the one before end, and nothing of theirs is
written."""

from collections.abc import Callable

import pytest

from chatd.core.log_state import LogState
from chatd.core.model import StreamKey
from chatd.core.stream import DeviceStream, Run
from chatd.errors import ChatdError
from chatd.gateway.connection import ClientConnection
from chatd.gateway.log_watch import LogWatch
from chatd.gateway.spread import AT_ONCE
from chatd.pb.node.v1.node_pb2 import DescribeRequest
from tests.gateway.links import KeptLink, log_watch


class House:
    """Streams, by topic, and those that have ended."""

    def __init__(self) -> None:
        self.streams: dict[bytes, ClientConnection] = {}
        self.ended: list[tuple[ClientConnection, str]] = []
        self.watch = log_watch(self.streams, self._end)

    def _end(self, peer: ClientConnection, error: ChatdError) -> None:
        self.ended.append((peer, error.name))
        assert error.retry
        peer.stream = None

    def open(self, name: str, log: str) -> ClientConnection:
        peer = ClientConnection(KeptLink(), 0.0)
        peer.stream = DeviceStream(StreamKey(name, "d", 1), window_messages=8, window_bytes=1000, log=log)
        self.streams[name.encode()] = peer
        return peer


@pytest.fixture
def house() -> House:
    return House()


def test_the_streams_of_the_log_before_end(house: House) -> None:
    house.watch.heard(LogState("x", 5))
    old = [house.open(name, "x") for name in "ab"]
    new = house.open("c", "y")
    house.watch.heard(LogState("x", 6))
    assert house.ended == []
    house.watch.heard(LogState("y", 7))
    assert house.ended == [(peer, "STREAM_UNKNOWN") for peer in old]
    assert new.stream is not None
    assert house.watch.is_current(new.stream)


def test_what_is_older_than_what_is_known_changes_nothing(house: House) -> None:
    """A node that has not looked lately, or a database that went back: the node will find out."""
    house.watch.heard(LogState("y", 7))
    peer = house.open("a", "y")
    for state in (LogState("x", 6), LogState("y", 5), LogState("", 0)):
        house.watch.heard(state)
    assert house.ended == []
    assert peer.stream is not None
    assert house.watch.is_current(peer.stream)
    request = DescribeRequest()
    house.watch.introduce(request)
    assert (request.log.incarnation, request.log.beat) == ("y", 7), "it is told what it has to look for"


def test_nodes_are_told_what_was_seen_last_of_this_log(house: House) -> None:
    request = DescribeRequest()
    house.watch.heard(LogState("x", 1))
    house.watch.introduce(request)
    assert not request.HasField("seen")
    house.watch.seen = Run("r", 3, 9)
    house.watch.introduce(request)
    assert (request.seen.room_id, request.seen.seq) == ("r", 9)
    house.watch.heard(LogState("y", 2))
    house.watch.introduce(request)
    assert not request.HasField("seen")


def test_very_many_streams_end_in_steps() -> None:
    """And one that has said Hello again meanwhile goes on."""
    later: list[Callable[[], None]] = []
    ended: list[ClientConnection] = []
    streams: dict[bytes, ClientConnection] = {}
    watch = LogWatch(
        streams,
        end=lambda peer, error: ended.append(peer),
        after=lambda: None,
        later=lambda seconds, action: later.append(action),
    )
    watch.heard(LogState("x", 1))
    for number in range(AT_ONCE + 2):
        peer = streams[b"%d" % number] = ClientConnection(KeptLink(), 0.0)
        peer.stream = DeviceStream(StreamKey("p", "d", 1), window_messages=8, window_bytes=1000, log="x")
    watch.heard(LogState("y", 2))
    assert len(ended) == AT_ONCE
    last = streams[b"%d" % (AT_ONCE + 1)]
    last.stream = DeviceStream(StreamKey("p", "d", 2), window_messages=8, window_bytes=1000, log="y")
    for action in later:
        action()
    assert len(ended) == AT_ONCE + 1
    assert last not in ended
