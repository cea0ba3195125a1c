"""Acks on their way back: gathered, confirmed, and never taken for written because something else
was."""

from itertools import chain, pairwise

import pytest

from chatd.core.ack_batch import decode_acks
from chatd.core.log_state import LogState, from_pb
from chatd.core.model import Owed, StreamKey
from chatd.core.stream import DeviceStream, Published, Run
from chatd.errors import ChatdError, Internal, Unavailable
from chatd.gateway.ack_flush import MAX_STREAMS, AckFlush
from chatd.gateway.connection import ClientConnection
from chatd.gateway.log_watch import LogWatch
from chatd.gateway.unwritten_acks import ALIVE_SECONDS, QUIET, TICK, UnwrittenAcks
from chatd.gateway.waiting_calls import OnReply
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
        UnwrittenAcks(LONGEST, clock.now),
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
        UnwrittenAcks(0.5, now[0]),
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


def rounds(clock: Clock, acks: AckFlush, calls: Calls, ticks: int) -> list[list[str]]:
    """The profiles that each tick has written; all is confirmed."""
    found = []
    for _ in range(ticks):
        before = len(calls.asked)
        clock.now += TICK
        acks.tick()
        found.append([name for number in range(before, len(calls.asked)) for name in written(calls, number)])
        for number in range(before, len(calls.asked)):
            calls.answer(number)
    return found


TICKS = round(LONGEST / TICK)


def test_a_quiet_gateway_writes_the_acks_of_a_room_with_the_next_look(
    clock: Clock, acks: AckFlush, calls: Calls
) -> None:
    peers = [streaming(f"p{number:03}") for number in range(QUIET)]
    for peer in peers:
        ack(acks, peer, 1)
    assert list(map(len, rounds(clock, acks, calls, 1))) == [QUIET]
    for peer in peers:
        ack(acks, peer, 2)
    assert len(*rounds(clock, acks, calls, 1)) < QUIET, "it is not quiet any more"
    rounds(clock, acks, calls, 3 * TICKS)
    for peer in peers:
        ack(acks, peer, 3)
    assert list(map(len, rounds(clock, acks, calls, 1))) == [QUIET]


def test_acks_of_many_streams_wait_and_gather(clock: Clock, acks: AckFlush, calls: Calls) -> None:
    peers = [streaming(f"p{number:03}") for number in range(2 * QUIET)]
    for peer in peers:
        ack(acks, peer, 1)
    assert rounds(clock, acks, calls, 2) == [[], []]
    for peer in peers:
        ack(acks, peer, 3)
    assert sorted(chain(*rounds(clock, acks, calls, TICKS - 2))) == [
        f"p{number:03}" for number in range(2 * QUIET)
    ]
    assert {seq for one in decode_acks(calls.asked[0][0]) for seq in one.cursors.values()} == {3}
    assert rounds(clock, acks, calls, TICKS) == [[]] * TICKS, "each once"


def test_streams_take_turns_and_neighbours_go_together(clock: Clock, acks: AckFlush, calls: Calls) -> None:
    """After a round or two the shares are alike; each stream has its turn once a round."""
    peers = {f"p{number:03}": streaming(f"p{number:03}") for number in range(40 * TICKS)}
    for peer in peers.values():
        ack(acks, peer, 1)
    rounds(clock, acks, calls, 2 * TICKS)
    for peer in peers.values():
        ack(acks, peer, 2)
    found = rounds(clock, acks, calls, TICKS)
    assert sorted(chain(*found)) == sorted(peers)
    assert max(map(len, found)) < 2 * 40
    assert all(names == sorted(names) for names in found)
    assert all(names[-1] < more[0] for names, more in pairwise(found[:-1])), "the first share is the last"


def test_streams_under_way_are_not_lost_when_shares_are_made_anew(
    clock: Clock, acks: AckFlush, calls: Calls
) -> None:
    peers = [streaming(f"p{number:03}") for number in range(40 * TICKS)]
    for peer in peers:
        ack(acks, peer, 1)
    rounds(clock, acks, calls, TICKS - 1)
    clock.now += TICK
    acks.tick()  # all of the first round at once, and not answered yet
    for peer in peers:
        ack(acks, peer, 3)
    for _ in range(2 * TICKS):
        clock.now += TICK
        acks.tick()
    for number in range(len(calls.asked)):
        calls.answer(number)
    names = set(chain(*rounds(clock, acks, calls, 2 * TICKS)))
    assert names >= {f"p{number:03}" for number in range(40 * TICKS)}


@pytest.mark.parametrize("late", [1, 3, TICKS, 10 * TICKS])
def test_turns_go_by_the_clock_however_late_a_look_comes(
    clock: Clock, acks: AckFlush, calls: Calls, late: int
) -> None:
    """An ack waits for LONGEST and one look."""
    peers = [streaming(f"p{number:03}") for number in range(40 * TICKS)]
    for peer in peers:
        ack(acks, peer, 1)
    rounds(clock, acks, calls, 2 * TICKS)
    for peer in peers:
        ack(acks, peer, 2)
    looks = -(-TICKS // late)
    found = []
    for _ in range(looks):
        clock.now += (late - 1) * TICK
        found += rounds(clock, acks, calls, 1)
    assert sorted(chain(*found)) == [f"p{number:03}" for number in range(40 * TICKS)]


def test_acks_whose_turn_comes_while_others_are_under_way_go_when_these_are_written(
    clock: Clock, acks: AckFlush, calls: Calls
) -> None:
    peers = [streaming(f"p{number:03}") for number in range(2 * QUIET)]
    for peer in peers:
        ack(acks, peer, 1)
    acks.flush()
    for peer in peers:
        ack(acks, peer, 3)
    for _ in range(TICKS):
        clock.now += TICK
        acks.tick()
    assert len(calls.asked) == 1, "a node has not answered yet"
    calls.answer(0)
    assert len(*rounds(clock, acks, calls, 1)) == 2 * QUIET


def test_a_failure_and_the_acks_of_a_stream_that_ends_do_not_wait(
    clock: Clock, calls: Calls, pulls: NoPulls, watch: LogWatch
) -> None:
    unwritten = UnwrittenAcks(LONGEST, clock.now)
    acks = AckFlush(
        unwritten,
        pulls,
        watch,
        is_ready=lambda: True,
        send=calls.send,
        end=lambda peer, error: None,
        now=lambda: clock.now,
    )
    peers = [streaming(f"p{number}") for number in range(QUIET + 3)]
    for peer in peers:
        ack(acks, peer, 1)
    unwritten.ended(peers[-1])
    peers[-1].stream = None
    unwritten.ended(streaming("nothing to write"))
    acks.failed(peers[-2])
    acks.tick()
    assert written(calls, 0) == [f"p{QUIET + 1}", f"p{QUIET + 2}"]


def test_a_stream_with_acks_that_wait_is_noted_as_alive(acks: AckFlush, calls: Calls) -> None:
    peers = [streaming(f"p{number}") for number in range(2 * QUIET)]
    for peer in peers:
        ack(acks, peer, 1)
    acks.alive(peers[0])
    acks.tick()
    assert [bool(one) for one in decode_acks(calls.asked[0][0])] == [False]


def test_all_are_written_at_a_word(clock: Clock, acks: AckFlush, calls: Calls) -> None:
    for number in range(2 * QUIET):
        ack(acks, streaming(f"p{number}"), 1)
    acks.flush()
    assert len(written(calls, 0)) == 2 * QUIET
