"""A model of one stream, in any interleaving of commits, queue messages, pulls, acks and repairs.

Queue messages are dropped, repeated and reordered; pulls come late and fail; acks are partial.
Always: the stream sends each room's log in order, without gaps or repeats, never more than the
window, and an urgent event at once if it can. When everything has settled, nothing is owed.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatd.core.model import Owed, OwedRun, Pull, StreamKey
from chatd.core.stream import DeviceStream, Published, Run, StreamState

ROOMS = ["a", "b", "c"]


def record(room: str, seq: int) -> bytes:
    """A stand-in for a delivery record: a readable line of 3 to 20 bytes."""
    return f"{room}{seq}".ljust(2 + seq * 5 % 18, ".").encode() + b"\n"


def records(room: str, first: int, last: int) -> list[bytes]:
    return [record(room, seq) for seq in range(first, last + 1)]


class StreamMachine(RuleBasedStateMachine):
    @initialize(window=st.sampled_from([(5, 1000), (9, 1000), (24, 1000), (24, 150), (8, 15)]))
    def open(self, window: tuple[int, int]) -> None:
        self.window, self.window_bytes = window
        self.urgent_more, self.urgent_bytes = (window[0] // 8, window[1] // 8) if window[0] >= 8 else (0, 0)
        self.stream = DeviceStream(
            StreamKey("p", "d", 1), window_messages=self.window, window_bytes=self.window_bytes
        )
        self.heads = dict.fromkeys(ROOMS, 0)
        self.urgent = dict.fromkeys(ROOMS, 0)
        self.cursors = dict.fromkeys(ROOMS, 0)
        self.queue: list[Published] = []
        self.pull: Pull | None = None
        self.answer: Owed | None = None
        self.sent: list[tuple[str, int]] = []
        self.acked = 0

    def take(self, frames: list[bytes]) -> None:
        for line in b"".join(frames).decode().split():
            body = line.rstrip(".")
            self.sent.append((body[0], int(body[1:])))

    @rule(room=st.sampled_from(ROOMS), count=st.integers(1, 4), urgent=st.booleans())
    def commit(self, room: str, count: int, urgent: bool) -> None:
        first = self.heads[room] + 1
        self.heads[room] += count
        last = self.heads[room]
        if urgent:
            self.urgent[room] = last
        self.queue.append(
            Published((Run(room, first, last),), count, b"".join(records(room, first, last)), urgent)
        )

    @rule(room=st.sampled_from(ROOMS))
    def fall_behind_by_much(self, room: str) -> None:
        self.heads[room] += 30
        self.stream.fall_behind()

    @rule(room=st.sampled_from(ROOMS), count=st.integers(1, 2))
    def ring(self, room: str, count: int) -> None:
        """Urgent, and published at once."""
        self.commit(room=room, count=count, urgent=True)
        self.hear(self.queue.pop())

    @rule(
        room=st.sampled_from(ROOMS),
        count=st.integers(1, 2),
        ahead=st.integers(0, 2),
        read=st.sampled_from(["before", "after", "last"]),
    )
    def ring_during_a_pull(self, room: str, count: int, ahead: int, read: str) -> None:
        """``read``: the answer to the pull was made before the urgent event, after it, or after two
        more."""
        self.settle()
        for other in ROOMS:
            self.heads[other] += 30 * (other != room)
        if ahead:
            self.commit(room=room, count=ahead, urgent=False)
            self.hear(self.queue.pop())
        self.stream.fall_behind()
        self.begin_pull()
        if self.pull is None:
            return
        if read == "before":
            self.read_outbox()
        self.ring(room=room, count=count)
        if read == "after":
            self.read_outbox()
        self.heads[room] += 2
        self.answer_pull(fails=False)

    @rule()
    def settle(self) -> None:
        for _ in range(3000):
            if self.pull is None and self.stream.wants_pull:
                self.pull, self.answer = self.stream.begin_pull(), None
            elif self.stream.state is StreamState.LIVE:
                return
            if self.pull is not None:
                self.answer_pull(fails=False)
            self.ack_all()

    @precondition(lambda self: self.queue)
    @rule(data=st.data(), how=st.sampled_from(["deliver", "drop", "repeat"]))
    def publish(self, data: st.DataObject, how: str) -> None:
        index = data.draw(st.integers(0, min(2, len(self.queue) - 1)))
        message = self.queue[index] if how == "repeat" else self.queue.pop(index)
        if how != "drop":
            self.hear(message)

    def hear(self, message: Published) -> None:
        must = message.urgent and self.could_go(message)
        if self.stream.offer(message):
            self.take([message.records])
        else:
            assert not must, "it was next, there was room, and no pull under way that might have needed it"

    def could_go(self, message: Published) -> bool:
        (run,) = message.runs
        mine = [seq for room, seq in self.sent if room == run.room_id]
        return (
            self.pull is None
            and mine[-1:] == [run.first_seq - 1]
            and len(self.sent) - self.acked + message.events <= self.window + self.urgent_more
            and self.stream.window.free_bytes >= len(message.records)
        )

    @precondition(lambda self: self.stream.wants_pull and self.pull is None)
    @rule()
    def begin_pull(self) -> None:
        self.pull = self.stream.begin_pull()
        self.answer = None

    @precondition(lambda self: self.pull is not None)
    @rule(fails=st.booleans())
    def answer_pull(self, fails: bool) -> None:
        pull, self.pull = self.pull, None
        assert pull is not None
        if fails:
            self.stream.pull_failed()
        else:
            self.take(self.stream.pulled(self.answer or self.owed(pull))[0])

    @precondition(lambda self: self.pull is not None)
    @rule()
    def read_outbox(self) -> None:
        """The answer to the pull is made now; what is committed before it arrives is not in it."""
        assert self.pull is not None
        self.answer = self.owed(self.pull)

    def owed(self, pull: Pull) -> Owed:
        """The outbox, as the store has it now."""
        runs: list[OwedRun] = []
        left, size, more = pull.max_messages, pull.max_bytes, pull.urgent_only
        stands = {room: max(self.cursors[room], pull.sent.get(room, 0)) for room in ROOMS}
        urgent = sorted(
            (room for room in ROOMS if self.urgent[room] > stands[room]),
            key=lambda room: self.urgent[room] - stands[room],
        )
        steps = [(room, self.urgent[room]) for room in urgent] + (
            [] if pull.urgent_only else [(room, self.heads[room]) for room in ROOMS]
        )
        for room, end in steps:
            taken: list[bytes] = []
            for one in records(room, stands[room] + 1, end):
                if left <= 0 or (size < len(one) and not (pull.first_may_exceed and not runs and not taken)):
                    more = True
                    break
                taken.append(one)
                left, size = left - 1, size - len(one)
            if taken:
                runs.append(OwedRun(room, stands[room] + 1, stands[room] + len(taken), b"".join(taken)))
                stands[room] += len(taken)
            if more and not pull.urgent_only:
                break
        cursors = {room: seq for room, seq in stands.items() if seq == self.heads[room]}
        return Owed(tuple(runs), more, cursors if pull.want_cursors else {})

    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        self.acked = data.draw(st.integers(self.acked, len(self.sent)))
        self.stream.ack(self.acked)

    def ack_all(self) -> None:
        self.acked = len(self.sent)
        self.stream.ack(self.acked)

    @rule(fails=st.booleans())
    def flush_acks(self, fails: bool) -> None:
        acks = self.stream.pending_acks.take()
        if fails:
            self.stream.pending_acks.lost()
        else:
            for room, seq in (acks.cursors if acks is not None else {}).items():
                self.cursors[room] = max(self.cursors[room], seq)
            self.stream.acks_written()

    @rule()
    def repair(self) -> None:
        self.stream.fall_behind()

    @invariant()
    def in_order_without_gaps_or_repeats(self) -> None:
        for room in ROOMS:
            seqs = [seq for sent_room, seq in self.sent if sent_room == room]
            assert seqs == list(range(1, len(seqs) + 1))

    @invariant()
    def never_more_than_the_window(self) -> None:
        in_flight = self.sent[self.acked :]
        assert len(in_flight) <= self.window + self.urgent_more
        assert (
            len(in_flight) <= 1
            or sum(len(record(room, seq)) for room, seq in in_flight) <= self.window_bytes + self.urgent_bytes
        )

    @invariant()
    def cursors_stay_behind_acks(self) -> None:
        for room in ROOMS:
            assert self.cursors[room] <= sum(sent_room == room for sent_room, _ in self.sent[: self.acked])

    def teardown(self) -> None:
        if not hasattr(self, "stream"):
            return
        self.queue.clear()
        self.stream.fall_behind()
        self.settle()
        assert self.stream.state is StreamState.LIVE
        assert len(self.sent) == sum(self.heads.values())


TestStream = StreamMachine.TestCase
TestStream.settings = settings(max_examples=250, stateful_step_count=50, deadline=None)
