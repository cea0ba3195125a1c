"""Time ends streams and repairs them; it does neither when it was the gateway that stood still."""

import pytest

from chatd.core.model import Owed, StreamKey
from chatd.core.stream import DeviceStream, Published, Run
from chatd.errors import ChatdError, HeartbeatLost
from chatd.gateway.connection import ClientConnection
from chatd.gateway.stream_timeouts import ROUNDS, StreamTimeouts
from tests.gateway.links import KeptLink

HEARTBEAT = 10.0
TICK = 1.0


class Said:
    """Stands for everything the timeouts tell."""

    def __init__(self) -> None:
        self.ended: list[ChatdError | None] = []
        self.failed: list[ClientConnection] = []
        self.pulled: list[ClientConnection] = []

    def timeouts_of(self, *peers: ClientConnection) -> StreamTimeouts:
        return StreamTimeouts(
            peers,
            self,
            end=self.end,
            failed=self.acked,
            after_tick=self.flush,
            heartbeat_interval=HEARTBEAT,
            repair_pull=1000.0,
            delivery_retry=20.0,
        )

    def end(self, peer: ClientConnection, error: ChatdError | None) -> None:
        self.ended.append(error)

    def acked(self, peer: ClientConnection) -> None:
        self.failed.append(peer)

    def want(self, peer: ClientConnection) -> None:
        self.pulled.append(peer)

    def flush(self) -> None:
        pass


@pytest.fixture
def peer() -> ClientConnection:
    """Heard at 100, one delivery in flight."""
    made = ClientConnection(KeptLink(), 100.0)
    made.retry_jitter = 1.0
    stream = made.stream = DeviceStream(StreamKey("p", "d", 1), window_messages=8, window_bytes=1000)
    stream.begin_pull()
    stream.pulled(Owed(cursors={"a": 0}))
    stream.offer(Published((Run("a", 1, 1),), 1, b"1"))
    return made


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def timeouts(peer: ClientConnection, said: Said) -> StreamTimeouts:
    made = said.timeouts_of(peer)
    made.tick(100.0)
    return made


def pass_time(timeouts: StreamTimeouts, since: float, until: float) -> None:
    now = since
    while now < until:
        now += TICK
        timeouts.tick(now)


def test_three_silent_intervals_end_a_stream(timeouts: StreamTimeouts, said: Said) -> None:
    pass_time(timeouts, 100.0, 130.0)
    assert said.ended == []
    pass_time(timeouts, 130.0, 131.0)
    assert isinstance(said.ended[0], HeartbeatLost)


def test_what_is_not_acknowledged_in_time_has_failed(
    timeouts: StreamTimeouts, said: Said, peer: ClientConnection
) -> None:
    pass_time(timeouts, 100.0, 119.0)
    assert said.failed == []
    pass_time(timeouts, 119.0, 120.0)
    assert said.failed == [peer]


def test_a_gateway_that_stood_still_blames_nobody(timeouts: StreamTimeouts, said: Said) -> None:
    """SIGSTOP for a minute: the first thing to run afterwards may be the timer, before anything is
    read."""
    timeouts.tick(160.0)
    assert (said.ended, said.failed) == ([], [])
    pass_time(timeouts, 160.0, 179.0)
    assert (said.ended, said.failed) == ([], []), "the wait goes on where it was"
    pass_time(timeouts, 179.0, 180.0)
    assert len(said.failed) == 1
    pass_time(timeouts, 180.0, 191.0)
    assert len(said.ended) >= 1


def test_many_streams_are_looked_at_part_by_part(said: Said) -> None:
    peers = [ClientConnection(KeptLink(), 100.0) for number in range(100)]
    timeouts = said.timeouts_of(*peers)
    ticks = round(HEARTBEAT / ROUNDS / timeouts.period)
    largest = 0
    for number in range(ticks):
        before = len(said.ended)
        timeouts.tick(140.0 + number * timeouts.period)
        largest = max(largest, len(said.ended) - before)
    assert len(said.ended) == 100, "all within a round"
    assert largest == 100 / ticks
