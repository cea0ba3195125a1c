"""A model of a device, its streams at gateways, and the outbox behind them.

Any interleaving of commits, urgent and normal; of queue messages that are dropped, repeated and
reordered; of pulls and acks that fail or whose answer is lost; of broken connections, takeovers,
gateway restarts, failures and dead letters.

Always: the device shows each room in order and without holes, cursors never pass what it handled,
and stale epochs change nothing. When everything has settled, everything has been shown.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatd.core.model import Owed, OwedRun, Pull, StreamAcks, StreamKey
from chatd.core.stream import DeviceStream, Published, Run, StreamState

ROOMS = ["a", "b"]
WINDOW, WINDOW_BYTES = 9, 120
MAX_RETRIES = 2

Sent = tuple[str, int, str]
"""Room, seq, and e(vent) or m(arker)."""


def record(room: str, seq: int, kind: str = "e") -> bytes:
    """A stand-in for a delivery record: a readable line of 5 to 14 bytes."""
    return f"{room}{seq}{kind}".ljust(4 + seq * 7 % 10, ".").encode() + b"\n"


def records(room: str, first: int, last: int) -> bytes:
    return b"".join(record(room, seq) for seq in range(first, last + 1))


class Outbox:
    """The device's rows in the database."""

    def __init__(self) -> None:
        self.heads = dict.fromkeys(ROOMS, 0)
        self.cursors = dict.fromkeys(ROOMS, 0)
        self.urgent = dict.fromkeys(ROOMS, 0)
        self.epoch = 0
        self.attempts: dict[tuple[str, int], int] = {}
        self.dead: set[tuple[str, int]] = set()

    def pull(self, pull: Pull) -> Owed:
        if pull.stream.epoch != self.epoch:
            return Owed(superseded=True)
        runs: list[OwedRun] = []
        if pull.again is not None:
            room, seq = pull.again
            runs.append(
                OwedRun(room, seq, seq, self._record(room, seq), skipped=pull.again in self.dead, again=True)
            )
        left, size = pull.max_messages, pull.max_bytes
        stands = {room: max(self.cursors[room], pull.sent.get(room, 0)) for room in ROOMS}
        for room, after in stands.items():
            if not runs and pull.first_may_exceed and self.attempts.get((room, after + 1), 0) >= 2:
                return Owed(
                    (OwedRun(room, after + 1, after + 1, self._record(room, after + 1)),),
                    more=True,
                    alone=True,
                )
        urgent = [(room, self.urgent[room]) for room in ROOMS if self.urgent[room] > stands[room]]
        for room, end in urgent if pull.urgent_only else [*urgent, *self.heads.items()]:
            after, taken = stands[room], list[bytes]()
            while after + len(taken) < end:
                one = self._record(room, after + len(taken) + 1)
                if left <= 0 or (size < len(one) and not (pull.first_may_exceed and not runs and not taken)):
                    break
                taken.append(one)
                left, size = left - 1, size - len(one)
            if taken:
                runs.append(OwedRun(room, after + 1, after + len(taken), b"".join(taken)))
            stands[room] = after + len(taken)
            if stands[room] < end:
                break
        cursors = {room: seq for room, seq in stands.items() if seq == self.heads[room]}
        more = pull.urgent_only or len(cursors) < len(ROOMS)
        return Owed(tuple(runs), more, cursors if pull.want_cursors else {})

    def _record(self, room: str, seq: int) -> bytes:
        return record(room, seq, "m" if (room, seq) in self.dead else "e")

    def write(self, acks: StreamAcks) -> None:
        if acks.stream.epoch == self.epoch:
            for room, seq, _ in acks.rejected:
                if seq > self.cursors[room]:
                    self.dead.add((room, seq))
            for room, seq in acks.cursors.items():
                self.cursors[room] = max(self.cursors[room], seq)
        if (
            acks.failed is not None
            and acks.failed[1] > self.cursors[acks.failed[0]]
            and acks.failed not in self.dead
        ):
            self.attempts[acks.failed] = self.attempts.get(acks.failed, 0) + 1
            if self.attempts[acks.failed] > MAX_RETRIES:
                self.dead.add(acks.failed)


class Connection:
    """One connection of the device: the gateway's stream, and how far the device has read it."""

    def __init__(self, epoch: int) -> None:
        self.stream = DeviceStream(
            StreamKey("p", "d", epoch), window_messages=WINDOW, window_bytes=WINDOW_BYTES
        )
        self.queue: list[Published] = []
        self.pull: Pull | None = None
        self.sent: list[Sent] = []
        self.read = 0
        self.acked = 0

    def send(self, frames: list[bytes]) -> None:
        for line in b"".join(frames).decode().split():
            body = line.rstrip(".")
            self.sent.append((body[0], int(body[1:-1]), body[-1]))


class OutboxMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()
        self.shown: dict[str, list[int]] = {room: [] for room in ROOMS}
        self.handled = dict.fromkeys(ROOMS, 0)
        self.connections: list[
            Connection
        ] = []  # the newest last; older ones whose gateway does not know it yet may still be there
        self.connect()

    @rule()
    def connect(self) -> None:
        """A Hello, wherever: a reconnect, or a takeover of a stream that still lives."""
        self.outbox.epoch += 1
        self.connections = [*self.connections[-1:], Connection(self.outbox.epoch)]

    @rule(noticed=st.booleans())
    def lose_connection(self, noticed: bool) -> None:
        """The device is gone, then back. ``noticed``: by a gateway that lives on; else the gateway
        died."""
        old = self.connections[-1]
        if noticed:
            old.stream.oldest_failed(send_again=False)
            acks = old.stream.pending_acks.take()
            if acks is not None:
                self.outbox.write(acks)
        self.connections = []
        self.connect()

    @rule(room=st.sampled_from(ROOMS), count=st.integers(1, 4), urgent=st.booleans())
    def commit(self, room: str, count: int, urgent: bool) -> None:
        first = self.outbox.heads[room] + 1
        self.outbox.heads[room] += count
        last = self.outbox.heads[room]
        if urgent:
            self.outbox.urgent[room] = last
        for connection in self.connections:
            connection.queue.append(
                Published((Run(room, first, last),), count, records(room, first, last), urgent)
            )

    @rule(room=st.sampled_from(ROOMS))
    def ring(self, room: str) -> None:
        """Urgent, and published at once wherever nothing else waits to be."""
        self.commit(room=room, count=1, urgent=True)
        for connection in self.connections:
            message = connection.queue.pop()
            if connection.stream.offer(message):
                connection.send([message.records])

    @rule(data=st.data(), how=st.sampled_from(["deliver", "deliver", "drop", "repeat"]))
    def publish(self, data: st.DataObject, how: str) -> None:
        connection = data.draw(st.sampled_from(self.connections))
        if not connection.queue:
            return
        index = data.draw(st.integers(0, min(2, len(connection.queue) - 1)))
        message = connection.queue[index] if how == "repeat" else connection.queue.pop(index)
        if how != "drop" and connection.stream.offer(message):
            connection.send([message.records])

    @rule(data=st.data())
    def begin_pull(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(self.connections))
        if connection.pull is None and connection.stream.wants_pull:
            connection.pull = connection.stream.begin_pull()

    @rule(data=st.data(), fails=st.booleans())
    def answer_pull(self, data: st.DataObject, fails: bool) -> None:
        connection = data.draw(st.sampled_from(self.connections))
        pull, connection.pull = connection.pull, None
        if pull is None:
            return
        owed = self.outbox.pull(pull)
        if fails:
            connection.stream.pull_failed()
        elif owed.superseded:
            self.connections.remove(connection)
        else:
            connection.send(connection.stream.pulled(owed)[0])

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        """The device reads some of what was sent on its newest connection."""
        connection = self.connections[-1]
        until = data.draw(st.integers(connection.read, len(connection.sent)))
        for room, seq, _ in connection.sent[connection.read : until]:
            if seq > (self.shown[room][-1] if self.shown[room] else 0):
                self.shown[room].append(seq)
        connection.read = until

    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        connection = self.connections[-1]
        connection.acked = data.draw(st.integers(connection.acked, connection.read))
        connection.stream.ack(connection.acked)
        for room, seq, _ in connection.sent[: connection.acked]:
            self.handled[room] = max(self.handled[room], seq)

    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        connection = self.connections[-1]
        if connection.stream.window.acked < connection.read:
            connection.stream.reject(
                data.draw(st.integers(connection.stream.window.acked + 1, connection.read)), "no"
            )

    @rule(data=st.data(), outcome=st.sampled_from(["written", "lost", "written, but the answer is lost"]))
    def flush_acks(self, data: st.DataObject, outcome: str) -> None:
        connection = data.draw(st.sampled_from(self.connections))
        acks = connection.stream.pending_acks.take()
        if acks is None:
            return
        if outcome != "lost":
            self.outbox.write(acks)
        if outcome == "written":
            connection.stream.acks_written()
        else:
            connection.stream.pending_acks.lost()

    @rule()
    def time_is_up(self) -> None:
        self.connections[-1].stream.oldest_failed(send_again=True)

    @rule()
    def repair(self) -> None:
        self.connections[-1].stream.fall_behind()

    @precondition(lambda self: len(self.connections) > 1)
    @rule()
    def old_stream_ends(self) -> None:
        self.connections = self.connections[-1:]

    @invariant()
    def shown_in_order_without_holes(self) -> None:
        for room in ROOMS:
            assert self.shown[room] == list(range(1, len(self.shown[room]) + 1))

    @invariant()
    def cursors_never_pass_what_was_handled(self) -> None:
        for room in ROOMS:
            assert self.outbox.cursors[room] <= self.handled[room]

    @invariant()
    def memory_is_bounded(self) -> None:
        for connection in self.connections:
            window = connection.stream.window
            assert window.sent - window.acked <= WINDOW + WINDOW // 8 + 1 + MAX_RETRIES * 4
            pull = connection.stream._pull
            assert pull is None or pull.held_bytes <= WINDOW_BYTES + WINDOW_BYTES // 8

    @invariant()
    def a_marker_only_where_there_is_a_dead_letter(self) -> None:
        for connection in self.connections:
            assert all((room, seq) in self.outbox.dead for room, seq, kind in connection.sent if kind == "m")

    def teardown(self) -> None:
        """Nothing fails any more: the newest stream brings everything."""
        self.connections = self.connections[-1:]
        (connection,) = self.connections
        stream = connection.stream
        connection.queue.clear()
        if connection.pull is not None:
            stream.pull_failed()
        stream.fall_behind()
        for _ in range(300):
            if stream.wants_pull:
                pull = stream.begin_pull()
                if pull is not None:
                    connection.send(stream.pulled(self.outbox.pull(pull))[0])
            self.read_all(connection)
            stream.ack(len(connection.sent))
            acks = stream.pending_acks.take()
            if acks is not None:
                self.outbox.write(acks)
                stream.acks_written()
        assert stream.state is StreamState.LIVE
        for room in ROOMS:
            assert len(self.shown[room]) == self.outbox.heads[room] == self.outbox.cursors[room]

    def read_all(self, connection: Connection) -> None:
        for room, seq, _ in connection.sent[connection.read :]:
            if seq > (self.shown[room][-1] if self.shown[room] else 0):
                self.shown[room].append(seq)
        connection.read = len(connection.sent)


TestOutbox = OutboxMachine.TestCase
TestOutbox.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
