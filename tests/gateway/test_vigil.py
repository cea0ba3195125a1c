"""What time does to streams, and what it does not when it was the gateway that stood still."""

import pytest

from chatd.core.model import Owed, StreamKey
from chatd.core.stream import DeviceStream, Published, Run
from chatd.errors import ChatdError, HeartbeatLost
from chatd.gateway.connection import Peer
from chatd.gateway.vigil import ROUNDS, Vigil

HEARTBEAT = 10.0
TICK = 1.0


class Connections:
    def __init__(self, *peers: Peer) -> None:
        self.peers = {peer.routing_id: peer for peer in peers}

    def flush(self) -> None:
        pass


class Said:
    """Stands for everything a vigil tells."""

    def __init__(self) -> None:
        self.ended: list[ChatdError | None] = []
        self.failed: list[Peer] = []
        self.pulled: list[Peer] = []

    def end(self, peer: Peer, error: ChatdError | None) -> None:
        self.ended.append(error)

    def acked(self, peer: Peer) -> None:
        self.failed.append(peer)

    def want(self, peer: Peer) -> None:
        self.pulled.append(peer)

    def flush(self) -> None:
        pass


@pytest.fixture
def peer() -> Peer:
    """Heard at 100, one delivery in flight."""
    made = Peer(b"id", 100.0)
    made.patience = 1.0
    stream = made.stream = DeviceStream(StreamKey("p", "d", 1), window_messages=8, window_bytes=1000)
    stream.begin_pull()
    stream.pulled(Owed(cursors={"a": 0}))
    stream.publish(Published((Run("a", 1, 1),), 1, b"1"))
    return made


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def vigil(peer: Peer, said: Said) -> Vigil:
    made = Vigil(
        Connections(peer),  # type: ignore[arg-type]
        said,  # type: ignore[arg-type]
        said,  # type: ignore[arg-type]
        said,  # type: ignore[arg-type]
        heartbeat_interval=HEARTBEAT,
        repair_pull=1000.0,
        delivery_retry=20.0,
    )
    made.tick(100.0)
    return made


def pass_time(vigil: Vigil, since: float, until: float) -> None:
    now = since
    while now < until:
        now += TICK
        vigil.tick(now)


def test_three_silent_intervals_end_a_stream(vigil: Vigil, said: Said) -> None:
    pass_time(vigil, 100.0, 130.0)
    assert said.ended == []
    pass_time(vigil, 130.0, 131.0)
    assert isinstance(said.ended[0], HeartbeatLost)


def test_what_is_not_acknowledged_in_time_has_failed(vigil: Vigil, said: Said, peer: Peer) -> None:
    pass_time(vigil, 100.0, 119.0)
    assert said.failed == []
    pass_time(vigil, 119.0, 120.0)
    assert said.failed == [peer]


def test_a_gateway_that_stood_still_blames_nobody(vigil: Vigil, said: Said) -> None:
    """SIGSTOP for a minute: the first thing to run afterwards may be the timer, before anything is read."""
    vigil.tick(160.0)
    assert (said.ended, said.failed) == ([], [])
    pass_time(vigil, 160.0, 179.0)
    assert (said.ended, said.failed) == ([], []), "the wait goes on where it was"
    pass_time(vigil, 179.0, 180.0)
    assert len(said.failed) == 1
    pass_time(vigil, 180.0, 191.0)
    assert len(said.ended) >= 1


def test_many_streams_are_looked_at_part_by_part(said: Said) -> None:
    peers = [Peer(bytes([number]), 100.0) for number in range(100)]
    vigil = Vigil(
        Connections(*peers),  # type: ignore[arg-type]
        said,  # type: ignore[arg-type]
        said,  # type: ignore[arg-type]
        said,  # type: ignore[arg-type]
        heartbeat_interval=HEARTBEAT,
        repair_pull=1000.0,
        delivery_retry=20.0,
    )
    ticks = round(HEARTBEAT / ROUNDS / vigil.period)
    largest = 0
    for number in range(ticks):
        before = len(said.ended)
        vigil.tick(140.0 + number * vigil.period)
        largest = max(largest, len(said.ended) - before)
    assert len(said.ended) == 100, "all within a round"
    assert largest == 100 / ticks
