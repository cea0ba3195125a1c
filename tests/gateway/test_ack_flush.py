"""Acks on their way back: gathered, confirmed, and never taken for written because something else
was."""

import pytest

from chatd.core.ack_batch import decode_acks
from chatd.core.log_state import LogState, from_pb
from chatd.core.model import Owed, StreamKey
from chatd.core.stream import DeviceStream, Published, Run
from chatd.errors import ChatdError, Internal, Unavailable
from chatd.gateway.ack_flush import ALIVE_SECONDS, AT_ONCE, MAX_STREAMS, AckFlush, UnwrittenAcks
from chatd.gateway.backend import OnReply
from chatd.gateway.connection import ClientConnection
from chatd.gateway.log_watch import LogWatch
from chatd.pb.node.v1.node_pb2 import AckBatchRequest, AckBatchResponse
from tests.gateway.links import KeptLink, log_watch

LONGEST = 0.5


class Calls:
    """A backend whose answers the test gives."""

    ready = True

    def __init__(self) -> None:
        self.asked: list[tuple[AckBatchRequest, OnReply]] = []

    def send(self, request: AckBatchRequest, on_reply: OnReply) -> None:
        self.asked.append((request, on_reply))

    def answer(
        self,
        number: int,
        error: ChatdError | None = None,
        superseded: tuple[int, ...] = (),
        unknown: tuple[int, ...] = (),
    ) -> None:
        response = AckBatchResponse(superseded=superseded, unknown=unknown)
        self.asked[number][1](response.SerializeToString(), error)

    def cursors(self, number: int) -> dict[str, int]:
        return {
            room_id: seq
            for acks in decode_acks(self.asked[number][0])
            for room_id, seq in acks.cursors.items()
        }


class NoPulls:
    def __init__(self) -> None:
        self.wanted: list[ClientConnection] = []

    def want(self, peer: ClientConnection) -> None:
        self.wanted.append(peer)

    def flush(self) -> None:
        pass


class Clock:
    now = 100.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


def streaming(profile_id: str, room_id: str = "a") -> ClientConnection:
    """Three events of a room in flight."""
    made = ClientConnection(KeptLink(), 100.0)
    stream = made.stream = DeviceStream(StreamKey(profile_id, "d", 1), window_messages=8, window_bytes=1000)
    stream.begin_pull()
    stream.pulled(Owed(cursors={room_id: 0}))
    stream.offer(Published((Run(room_id, 1, 3),), 3, b"123"))
    return made


def written(calls: Calls, number: int) -> list[str]:
    """The profiles whose acks a call holds."""
    return [acks.stream.profile_id for acks in decode_acks(calls.asked[number][0])]


@pytest.fixture
def peer() -> ClientConnection:
    return streaming("p")


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def ended() -> list[ChatdError]:
    return []


@pytest.fixture
def pulls() -> NoPulls:
    return NoPulls()


@pytest.fixture
def watch() -> LogWatch:
    return log_watch({})


@pytest.fixture
def acks(clock: Clock, calls: Calls, pulls: NoPulls, watch: LogWatch, ended: list[ChatdError]) -> AckFlush:
    return AckFlush(
        UnwrittenAcks(LONGEST),
        pulls,
        watch,
        is_ready=lambda: calls.ready,
        send=calls.send,
        end=lambda peer, error: ended.append(error),
        now=lambda: clock.now,
    )


def ack(acks: AckFlush, peer: ClientConnection, up_to: int) -> None:
    assert peer.stream is not None
    peer.stream.ack(up_to)
    acks.acked(peer)


def test_a_batch_that_fails_is_written_with_the_next(
    acks: AckFlush, calls: Calls, peer: ClientConnection
) -> None:
    ack(acks, peer, 2)
    acks.flush()
    calls.answer(0, Unavailable("lost"))
    acks.flush()
    assert calls.cursors(1) == {"a": 2}
    calls.answer(1)
    acks.flush()
    assert len(calls.asked) == 2, "confirmed: nothing is left"


def test_acks_that_can_never_be_written_stop_no_others(
    acks: AckFlush, calls: Calls, peer: ClientConnection, ended: list[ChatdError]
) -> None:
    other = streaming("q", "b")
    ack(acks, peer, 2)
    ack(acks, other, 1)
    acks.flush()
    calls.answer(0, Internal("a bug"))
    acks.flush()
    assert [calls.cursors(number) for number in (1, 2)] == [{"a": 2}, {"b": 1}]
    calls.answer(1)
    calls.answer(2, Internal("a bug"))
    assert len(ended) == 1
    acks.flush()
    ack(acks, peer, 3)
    acks.flush()
    assert calls.cursors(3) == {"a": 3}


def test_without_a_default_node_acks_gather(acks: AckFlush, calls: Calls, peer: ClientConnection) -> None:
    calls.ready = False
    ack(acks, peer, 1)
    acks.flush()
    ack(acks, peer, 2)
    acks.flush()
    assert not calls.asked
    calls.ready = True
    acks.flush()
    assert calls.cursors(0) == {"a": 2}


def test_while_one_is_under_way_the_next_waits(acks: AckFlush, calls: Calls, peer: ClientConnection) -> None:
    ack(acks, peer, 1)
    acks.flush()
    ack(acks, peer, 2)
    acks.flush()
    assert len(calls.asked) == 1
    calls.answer(0)
    acks.flush()
    assert calls.cursors(1) == {"a": 2}


@pytest.mark.parametrize("error", [None, Unavailable("away")])
def test_a_stream_ends_when_the_acks_under_way_and_the_rest_were_written(
    acks: AckFlush, calls: Calls, peer: ClientConnection, error: ChatdError | None
) -> None:
    done: list[bool] = []
    ack(acks, peer, 1)
    acks.flush()
    ack(acks, peer, 2)
    acks.flush_one(peer, lambda: done.append(True))
    assert (len(calls.asked), done) == (1, [])
    calls.answer(0, error)
    assert (calls.cursors(1), done) == ({"a": 2}, [])
    calls.answer(1)
    assert done == [True]
    acks.flush()
    assert len(calls.asked) == 2, "nothing is left"


def test_a_stream_whose_acks_are_all_under_way_ends_when_they_were_written(
    acks: AckFlush, calls: Calls, peer: ClientConnection
) -> None:
    done: list[bool] = []
    ack(acks, peer, 1)
    acks.flush()
    acks.flush_one(peer, lambda: done.append(True))
    assert done == []
    calls.answer(0)
    assert (len(calls.asked), done) == (1, [True])


def test_a_heartbeats_answer_is_not_taken_for_the_acks(
    acks: AckFlush, calls: Calls, peer: ClientConnection
) -> None:
    acks.alive(peer)
    acks.flush()
    ack(acks, peer, 2)
    acks.flush()
    calls.answer(0)
    calls.answer(1, Unavailable("lost"))
    acks.flush()
    assert calls.cursors(2) == {"a": 2}, "still to be written"


def test_a_superseded_stream_is_ended(
    acks: AckFlush, calls: Calls, peer: ClientConnection, ended: list[ChatdError]
) -> None:
    ack(acks, peer, 1)
    acks.flush()
    calls.answer(0, superseded=(0,))
    assert [error.name for error in ended] == ["SUPERSEDED"]


def test_a_failure_that_is_written_makes_the_stream_pull(
    acks: AckFlush, calls: Calls, peer: ClientConnection, pulls: NoPulls
) -> None:
    assert peer.stream is not None
    peer.stream.oldest_failed(send_again=True)
    acks.acked(peer)
    acks.flush()
    assert calls.asked[0][0].exceptions[0].failed.seq == 1
    assert not pulls.wanted
    calls.answer(0)
    assert pulls.wanted == [peer]


def test_streams_that_only_live_are_written_together_once_a_second(
    calls: Calls, pulls: NoPulls, watch: LogWatch
) -> None:
    now = [100.0]
    acks = AckFlush(
        UnwrittenAcks(longest=0.5),
        pulls,
        watch,
        is_ready=lambda: True,
        send=calls.send,
        end=lambda peer, error: None,
        now=lambda: now[0],
    )
    acks.tick()
    for number in range(16):
        acks.alive(streaming(f"p{number}"))
        now[0] += ALIVE_SECONDS / 16
        acks.tick()
    assert [len(request.epochs) for request, _ in calls.asked] == [16]
    acks.alive(streaming("last"))
    acks.flush()
    assert [len(request.epochs) for request, _ in calls.asked] == [16, 1], "nothing waits at the end"


def test_very_many_streams_go_in_several_calls(acks: AckFlush, calls: Calls) -> None:
    for number in range(MAX_STREAMS + 1):
        peer = ClientConnection(KeptLink(), 0.0)
        peer.stream = DeviceStream(StreamKey(f"p{number}", "d", 1), window_messages=8, window_bytes=1000)
        acks.alive(peer)
    acks.flush()
    assert [len(request.epochs) for request, _ in calls.asked] == [MAX_STREAMS, 1]


def test_a_stream_that_the_database_does_not_know_is_ended_to_come_back(
    acks: AckFlush, calls: Calls, peer: ClientConnection, ended: list[ChatdError]
) -> None:
    ack(acks, peer, 1)
    acks.flush()
    calls.answer(0, unknown=(0,))
    assert [(error.name, error.retry) for error in ended] == [("STREAM_UNKNOWN", True)]


def test_acks_of_another_log_are_dropped(
    acks: AckFlush, calls: Calls, peer: ClientConnection, watch: LogWatch
) -> None:
    ack(acks, peer, 1)
    watch.heard(LogState("y", 2))
    acks.flush()
    done: list[bool] = []
    ack(acks, peer, 2)
    acks.flush_one(peer, lambda: done.append(True))
    acks.flush()
    assert calls.asked == []
    assert done == [True], "whoever waits for them to be written goes on"


def test_acks_say_of_which_log_they_are(
    acks: AckFlush, calls: Calls, peer: ClientConnection, watch: LogWatch
) -> None:
    assert peer.stream is not None
    peer.stream.log = "x"
    watch.heard(LogState("x", 5))
    ack(acks, peer, 1)
    acks.flush()
    assert from_pb(calls.asked[0][0].log) == LogState("x", 5)


def test_acks_of_few_streams_are_written_with_the_next_look(
    clock: Clock, acks: AckFlush, calls: Calls, peer: ClientConnection
) -> None:
    ack(acks, peer, 1)
    acks.tick()
    assert calls.cursors(0) == {"a": 1}


def test_acks_of_many_streams_wait_and_gather(clock: Clock, acks: AckFlush, calls: Calls) -> None:
    peers = [streaming(f"p{number}") for number in range(3 * AT_ONCE)]
    for peer in peers:
        ack(acks, peer, 1)
    acks.tick()
    assert written(calls, 0) == [f"p{number}" for number in range(AT_ONCE)]
    for peer in peers[AT_ONCE:]:
        ack(acks, peer, 3)
    clock.now += LONGEST
    acks.tick()
    assert written(calls, 1) == [f"p{number}" for number in range(AT_ONCE, 3 * AT_ONCE)]
    assert {seq for one in decode_acks(calls.asked[1][0]) for seq in one.cursors.values()} == {3}


def test_a_failure_and_the_acks_of_a_stream_that_has_ended_do_not_wait(
    clock: Clock, acks: AckFlush, calls: Calls
) -> None:
    peers = [streaming(f"p{number}") for number in range(AT_ONCE + 3)]
    for peer in peers:
        ack(acks, peer, 1)
    peers[-1].stream = None
    acks.failed(peers[-2])
    acks.tick()
    assert written(calls, 0) == [*(f"p{n}" for n in range(AT_ONCE)), f"p{AT_ONCE + 1}", f"p{AT_ONCE + 2}"]


def test_all_are_written_at_a_word(clock: Clock, acks: AckFlush, calls: Calls) -> None:
    for number in range(2 * AT_ONCE):
        ack(acks, streaming(f"p{number}"), 1)
    acks.flush()
    assert len(written(calls, 0)) == 2 * AT_ONCE
