"""A device, its stream and the outbox while operators skip and replay at random: whatever is owed
comes, in order and without holes, itself or in a marker."""

import random

import pytest

from chatd.core.stream import DeviceStream
from chatd.default.outbox.cursors import AckCursors
from chatd.default.outbox.replay import FindReplayed, ReplayOutbox
from chatd.default.outbox.skip import FindSkipped, SkipEvent, SkipOutbox
from chatd.errors import StreamUnknown
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame
from tests.store.driver import RULE, Store, event, send

ROOMS = "ab"
STEPS = 150


class Machine:
    """The deliveries that the device has to be given, beside those that it is given. ``owed``: room
    → seqs that come themselves; ``marked``: those that come in a marker."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)
        self.head = dict.fromkeys(ROOMS, 1)
        self.owed: dict[str, set[int]] = {room: set() for room in ROOMS}
        self.marked: dict[str, set[int]] = {room: set() for room in ROOMS}
        self.again = dict.fromkeys(ROOMS, 0)
        """Room → the last seq that has been acknowledged and is owed again."""
        self.was_reset = False
        self.open()

    def open(self) -> None:
        key = self.store.open("bob", "d")
        self.stream = DeviceStream(key, window_messages=8, window_bytes=1 << 20)
        self.heard: list[tuple[str, int, int]] = []
        self.last: dict[str, int] = {}
        self.handled = 0
        self.was_reset = False

    def send(self) -> None:
        room = self.random.choice(ROOMS)
        self.head[room] += 1
        self.owed[room].add(self.head[room])
        self.store.do(send("alice", event(room, f"{room}{self.head[room]}")))
        self.stream.fall_behind()

    def pull(self) -> bool:
        """False: there was nothing to pull, and nothing will come without an ack."""
        request = self.stream.begin_pull()
        if request is None:
            return False
        limits = {name: getattr(request, name) for name in request.__slots__ if name != "stream"}
        try:
            frames, _ = self.stream.pulled(self.store.owed(request.stream, **limits))
        except StreamUnknown:
            assert self.was_reset, "nobody has changed anything"
            self.open()
            return True
        for frame in frames:
            for one in ServerFrame.FromString(frame).deliveries:
                self.hear(one)
        return True

    def hear(self, one: EventDelivery) -> None:
        room, seq = one.event.room_id, one.event.seq
        first = one.skipped.first_seq if one.HasField("skipped") else seq
        assert first == self.last.get(room, first - 1) + 1, "a hole, or out of order"
        self.last[room] = seq
        self.heard.append((room, first, seq))
        if self.was_reset:
            return  # by chance it is of what was owed before
        if one.HasField("skipped"):
            assert set(range(first, seq + 1)) <= self.marked[room]
        else:
            assert seq in self.owed[room]
            assert one.replay == (seq <= self.again[room])

    def acknowledge(self, count: int) -> None:
        self.stream.ack(self.handled + count)
        taken = self.stream.pending_acks.take()
        if taken is None:
            return
        if self.store.do(AckCursors((taken,), RULE)).unknown:
            assert self.was_reset
            self.open()
            return
        assert not self.was_reset, "the acks of a stream that was reset do not count"
        self.stream.acks_written()
        for room, first, last in self.heard[self.handled : self.handled + count]:
            gone = set(range(first, last + 1))
            self.owed[room] -= gone
            self.marked[room] -= gone
        self.handled += count

    def skip(self) -> None:
        room = self.random.choice(ROOMS)
        until = self.random.randint(1, self.head[room] + 1)
        before = self._cursor(room)
        found = self.store.ask(FindSkipped("bob", "d", room, until, 0))
        done = self.store.do(SkipOutbox("bob", "d", tuple((one.room_id, one.until_seq) for one in found)))
        assert sum(one.events for one in done) == max(0, min(until, self.head[room]) - before)
        if done:
            stretch = set(range(before + 1, min(until, self.head[room]) + 1))
            self.owed[room] -= stretch
            self.marked[room] |= stretch
            self.was_reset = True

    def skip_one(self) -> None:
        room = self.random.choice(ROOMS)
        seq = self.random.randint(1, self.head[room] + 1)
        if self.store.do(SkipEvent("bob", "d", room, seq)):
            assert seq in self.owed[room]
            self.owed[room].remove(seq)
            self.marked[room].add(seq)
            self.was_reset = True
        else:
            assert seq not in self.owed[room]

    def replay(self) -> None:
        room = self.random.choice(ROOMS)
        from_seq = self.random.randint(2, self.head[room] + 1)
        cursor = self._cursor(room)
        found = self.store.ask(FindReplayed("bob", "d", room, from_seq, 0))
        rooms = tuple((one.room_id, one.after_seq) for one in found if one.events)
        done = self.store.do(ReplayOutbox("bob", "d", rooms))
        assert sum(one.events for one in done) == sum(one.events for one in found)
        if done:
            ahead = {seq for seq in self.marked[room] if seq > max(cursor, from_seq - 1)}
            back = {cursor} if from_seq <= cursor else set()
            self.again[room] = max(self.again[room], *ahead, *back)
            self.marked[room] = {seq for seq in self.marked[room] if seq < from_seq}
            self.owed[room] |= set(range(min(from_seq, cursor + 1), self.head[room] + 1)) - self.marked[room]
            self.was_reset = True

    def _cursor(self, room: str) -> int:
        ((acked_seq,),) = self.store.database.rows(
            "SELECT acked_seq FROM outbox WHERE profile_id = 'bob' AND device_id = 'd' AND room_id = ?",
            (room,),
        )
        return int(acked_seq)

    def acknowledge_some(self) -> None:
        in_flight = len(self.heard) - self.handled
        if in_flight:
            self.acknowledge(self.random.randint(1, in_flight))

    def step(self) -> None:
        actions = (
            self.send,
            self.pull,
            self.acknowledge_some,
            self.skip,
            self.skip_one,
            self.replay,
            self.open,
        )
        self.random.choices(actions, (8, 8, 6, 1, 1, 1, 1))[0]()

    def drain(self) -> None:
        self.open()
        while self.pull() or self.handled < len(self.heard):
            if len(self.heard) > self.handled:
                self.acknowledge(len(self.heard) - self.handled)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_operators_do_nothing_is_lost_and_nothing_comes_out_of_order(
    rooms: Store, seed: int
) -> None:
    machine = Machine(rooms, seed)
    for _ in range(STEPS):
        machine.step()
    machine.drain()
    assert not any(machine.owed.values()), machine.owed
    assert not any(machine.marked.values()), machine.marked
    assert all(machine._cursor(room) == machine.head[room] for room in ROOMS)
