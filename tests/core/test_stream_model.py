"""Any interleaving of commits, publishing that drops, repeats and reorders, late and failing pulls, partial acks and repairs: what is sent is every
room's log, in order, without gaps or repeats, never more than the window; and when all has settled, nothing is owed."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatd.core.model import Owed, OwedRun, Pull, StreamKey
from chatd.core.stream import DeviceStream, Published, Run
from chatd.core.stream_state import StreamState

ROOMS = ["a", "b"]
WINDOW = 5


def records(room: str, first: int, last: int) -> bytes:
    """Stand-ins for delivery records: one readable line each."""
    return b"".join(f"{room}{seq}\n".encode() for seq in range(first, last + 1))


class StreamMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stream = DeviceStream(StreamKey("p", "d", 1), window_messages=WINDOW, window_bytes=1000)
        self.heads = dict.fromkeys(ROOMS, 0)
        self.cursors = dict.fromkeys(ROOMS, 0)
        self.queue: list[Published] = []
        self.pull: Pull | None = None
        self.sent: list[tuple[str, int]] = []
        self.acked = 0

    def take(self, frames: list[bytes]) -> None:
        for line in b"".join(frames).decode().split():
            self.sent.append((line[0], int(line[1:])))

    @rule(room=st.sampled_from(ROOMS), count=st.integers(1, 4))
    def commit(self, room: str, count: int) -> None:
        first = self.heads[room] + 1
        self.heads[room] += count
        last = self.heads[room]
        self.queue.append(Published((Run(room, first, last),), count, records(room, first, last)))

    @precondition(lambda self: self.queue)
    @rule(data=st.data(), how=st.sampled_from(["deliver", "drop", "repeat"]))
    def publish(self, data: st.DataObject, how: str) -> None:
        index = data.draw(st.integers(0, min(2, len(self.queue) - 1)))
        message = self.queue[index] if how == "repeat" else self.queue.pop(index)
        if how != "drop" and self.stream.publish(message):
            self.take([message.records])

    @precondition(lambda self: self.stream.wants_pull and self.pull is None)
    @rule()
    def begin_pull(self) -> None:
        self.pull = self.stream.begin_pull()

    @precondition(lambda self: self.pull is not None)
    @rule(fails=st.booleans())
    def answer_pull(self, fails: bool) -> None:
        pull, self.pull = self.pull, None
        assert pull is not None
        if fails:
            self.stream.pull_failed()
        else:
            self.take(self.stream.pulled(self.owed(pull))[0])

    def owed(self, pull: Pull) -> Owed:
        """The outbox, as the store has it now."""
        runs, left, more, cursors = [], pull.max_messages, False, {}
        for room in ROOMS:
            after = max(self.cursors[room], pull.sent.get(room, 0))
            last = min(self.heads[room], after + left)
            if last > after:
                runs.append(OwedRun(room, after + 1, last, records(room, after + 1, last)))
                left -= last - after
            more = more or last < self.heads[room]
            cursors[room] = last
        return Owed(tuple(runs), more, cursors if pull.want_cursors and not more else {})

    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        self.acked = data.draw(st.integers(self.acked, len(self.sent)))
        self.stream.ack(self.acked)

    @rule(fails=st.booleans())
    def flush_acks(self, fails: bool) -> None:
        acks = self.stream.receipts.take()
        if fails:
            self.stream.receipts.lost()
        else:
            for room, seq in (acks.cursors if acks is not None else {}).items():
                self.cursors[room] = max(self.cursors[room], seq)
            self.stream.receipts_written()

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
        assert len(self.sent) - self.acked <= WINDOW

    @invariant()
    def cursors_stay_behind_acks(self) -> None:
        for room in ROOMS:
            assert self.cursors[room] <= sum(sent_room == room for sent_room, _ in self.sent[: self.acked])

    def teardown(self) -> None:
        self.queue.clear()
        self.stream.fall_behind()
        for _ in range(200):
            if self.pull is None and self.stream.wants_pull:
                self.pull = self.stream.begin_pull()
            if self.pull is not None:
                pull, self.pull = self.pull, None
                self.take(self.stream.pulled(self.owed(pull))[0])
            self.acked = len(self.sent)
            self.stream.ack(self.acked)
        assert self.stream.state is StreamState.LIVE
        assert len(self.sent) == sum(self.heads.values())


TestStream = StreamMachine.TestCase
TestStream.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
