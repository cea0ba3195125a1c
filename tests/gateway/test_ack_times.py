"""The time that devices take: one of a message's devices is timed, until it has acknowledged it."""

import time

import pytest

from chatd.core.ids import topic_of
from chatd.core.model import Owed, StreamKey
from chatd.core.stream import DeviceStream, Published, Run
from chatd.gateway.ack_times import AckTimes
from chatd.gateway.connection import ClientConnection, ConnectionManager
from chatd.gateway.stream_counts import COUNT_SECONDS, StreamCounts
from tests.gateway.links import KeptLink

TOPIC = topic_of("bob", "d")


@pytest.fixture
def peer() -> ClientConnection:
    """A live stream whose window is two deliveries."""
    found = ClientConnection(KeptLink(), 0.0)
    found.stream = DeviceStream(StreamKey("bob", "d", 1), window_messages=2, window_bytes=10_000)
    assert found.stream.begin_pull()
    found.stream.pulled(Owed(cursors={"r": 0}))
    return found


def offer(peer: ClientConnection, seq: int) -> bool:
    assert peer.stream is not None
    return peer.stream.offer(Published((Run("r", seq, seq),), 1, b"x"))


def test_the_way_and_the_ack_are_timed(peer: ClientConnection) -> None:
    times = AckTimes({TOPIC: peer})
    assert offer(peer, 1)
    times.passed_on((TOPIC,), time.time_ns() // 1_000 - 300_000)
    assert 0.3 <= times.queue.total < 5
    assert peer.timed_delivery == 1
    offer(peer, 2)
    times.passed_on((TOPIC,), time.time_ns() // 1_000)
    assert peer.timed_delivery == 1, "the first is timed to its end"
    peer.timed_at -= 2.0
    times.acked(peer)
    assert (peer.timed_delivery, sum(times.acks.counts)) == (0, 1)
    assert 2.0 <= times.acks.total < 5


def test_a_device_that_was_sent_nothing_is_not_timed(peer: ClientConnection) -> None:
    times = AckTimes({TOPIC: peer})
    times.passed_on((TOPIC,), 1)
    times.passed_on((topic_of("gone", "d"),), 1)
    assert (peer.timed_delivery, sum(times.queue.counts)) == (0, 2)


def test_streams_are_counted_by_their_state(peer: ClientConnection) -> None:
    seconds = 10.0
    counts = StreamCounts({TOPIC: peer}, steady=lambda: seconds)

    def read() -> list[object]:
        nonlocal seconds
        seconds += COUNT_SECONDS
        return [gauge.read() for gauge in counts.gauges]

    assert read() == [{("live",): 1, ("catching_up",): 0}, 0]
    offer(peer, 1)
    offer(peer, 2)
    assert read() == [{("live",): 1, ("catching_up",): 0}, 0], "full, and owed nothing"
    assert not offer(peer, 3)
    assert read() == [{("live",): 0, ("catching_up",): 1}, 1]
    assert peer.stream is not None
    peer.stream.ack(2)
    assert counts.gauges[1].read() == 1, "counted a moment ago"
    assert read() == [{("live",): 0, ("catching_up",): 1}, 0]


def test_what_a_stream_leaves_unacknowledged_is_not_timed_on_the_next(peer: ClientConnection) -> None:
    manager = ConnectionManager(
        _NoCalls(),
        gateway_id="g",
        subscribe=lambda topic: None,
        unsubscribe=lambda topic: None,
        on_failed=lambda connection: None,
        on_ended=lambda connection: None,
        per_device=1,
        now=lambda: 0.0,
    )
    offer(peer, 1)
    AckTimes({TOPIC: peer}).passed_on((TOPIC,), 1)
    assert peer.timed_delivery == 1
    manager.forget(peer, failed=False)
    assert peer.timed_delivery == 0


class _NoCalls:
    ready = False

    def call(self, *_: object, **__: object) -> None:
        raise AssertionError("nothing is to be asked")
