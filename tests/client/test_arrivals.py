"""Deliveries that wait for the application, and its place among them: on one connection and across
several."""

from hypothesis import given
from hypothesis import strategies as st

from chatd.client.arrivals import Arrivals, Frame, Position
from chatd.client.delivery import Delivery
from chatd.client.resume import Resume
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink
from chatd.pb.gateway.v1.gateway_pb2 import Welcome


class Connections:
    """A gateway that owes one room's events, and a client that shows them.

    The two classes of the client's stream are wired as the stream wires them.
    """

    def __init__(self, *, window: int) -> None:
        self.resume = Resume()
        self.arrivals = Arrivals()
        self.window = window
        self.connection = 0
        self.acked_seq = 0  # what the gateway was told
        self.shown: list[int] = []
        self.reconnect()

    def reconnect(self) -> None:
        self.connection += 1
        self.first_seq = self.acked_seq + 1
        self.sent = 0
        self.resume.welcomed(
            Welcome(epoch=self.connection, window_messages=self.window, window_bytes=1 << 20), now=0.0
        )

    def deliver(self, count: int) -> None:
        """A frame of the next ``count`` events, as many as the window has room for."""
        count = min(count, self.window - (self.first_seq + self.sent - 1 - self.acked_seq))
        if count <= 0:
            return
        start = self.first_seq + self.sent
        self.sent += count
        fresh = self.resume.receive(
            [EventDelivery(event=EventLink(room_id="a", seq=start + i)) for i in range(count)],
            now=0.0,
            size=10,
        )
        self.arrivals.add(
            Frame(
                count, 10, Position(self.connection, self.resume.received, self.resume.received_bytes), fresh
            )
        )

    def ask(self, *, batch: bool = False, force: bool = True) -> None:
        """The application asks for more: what it had before is handled."""
        self.handle(force=force)
        taken = self.arrivals.take_batch() if batch else [self.arrivals.take_one()]
        self.shown += [one.seq for one in taken if one is not None]
        if taken in ([], [None]):
            self.handle(force=force)

    def handle(self, *, force: bool) -> None:
        connection, handled, size = self.arrivals.given
        if connection == self.connection:
            self.resume.handled(handled, now=0.0, size=size)
            up_to = self.resume.take_ack(now=0.0, force=force)
            if up_to is not None:
                assert up_to <= self.sent, "an ack for more than was sent"
                self.acked_seq = max(self.acked_seq, self.first_seq + up_to - 1)


STEP = st.one_of(
    st.tuples(st.just("deliver"), st.integers(1, 5)),
    st.tuples(st.just("ask"), st.booleans()),
    st.tuples(st.just("batch"), st.booleans()),
    st.tuples(st.just("reconnect"), st.just(0)),
)


@given(st.lists(STEP, max_size=60), st.integers(1, 12))
def test_whatever_happens_nothing_is_skipped_repeated_or_acknowledged_unhandled(
    steps: list[tuple[str, int]], window: int
) -> None:
    both = Connections(window=window)
    for step, argument in steps:
        handled_before = list(both.shown)
        match step:
            case "deliver":
                both.deliver(argument)
            case "reconnect":
                both.reconnect()
            case _:
                both.ask(batch=step == "batch", force=bool(argument))
        assert both.shown == list(range(1, len(both.shown) + 1)), "in order, without gaps or repeats"
        assert both.acked_seq <= len(handled_before), "acknowledged before the application asked for more"
    for _ in range(200):  # faults stop: everything owed comes and is handled
        both.deliver(5)
        both.ask()
        if both.acked_seq >= 30:
            break
    assert both.acked_seq >= 30
    assert both.shown == list(range(1, len(both.shown) + 1))


def test_partly_shown_frames_are_acknowledged_partly() -> None:
    both = Connections(window=12)
    both.deliver(4)
    both.ask()
    both.ask()
    assert (both.shown, both.acked_seq) == ([1, 2], 1)
    both.ask(batch=True)
    assert (both.shown, both.acked_seq) == ([1, 2, 3, 4], 2)
    both.ask()
    assert both.acked_seq == 4


def frame(position: int, *events: tuple[str, int, int]) -> Frame:
    """Deliveries (room, seq, priority); ``position``: how many the connection has received with
    them."""
    first = position - len(events) + 1
    fresh = [
        Delivery(EventDelivery(event=EventLink(room_id=room, seq=seq, priority=priority)), 1, number)
        for number, (room, seq, priority) in enumerate(events, first)
    ]
    return Frame(len(events), 10, Position(1, position, 0), fresh)


def taken(arrivals: Arrivals, count: int) -> list[tuple[str, int, int]]:
    """Room and seq of each delivery, and the ack when the application comes back from it."""
    found = []
    for _ in range(count):
        one = arrivals.take_one()
        assert one is not None
        found.append((one.room_id, one.seq, arrivals.given.handled))
    return found


def test_urgent_events_come_before_what_waits_with_what_is_before_them_in_their_rooms() -> None:
    arrivals = Arrivals()
    arrivals.add(frame(4, ("bulk", 1, -1), ("calls", 1, 0), ("bulk", 2, -1), ("other", 1, 0)))
    assert taken(arrivals, 1) == [("bulk", 1, 1)]
    arrivals.add(frame(8, ("bulk", 3, -1), ("calls", 2, 0), ("calls", 3, 2), ("calls", 4, 0)))
    assert taken(arrivals, 3) == [("calls", 1, 1), ("calls", 2, 1), ("calls", 3, 1)], (
        "and no ack may say so yet"
    )
    assert taken(arrivals, 4) == [("bulk", 2, 2), ("other", 1, 4), ("bulk", 3, 5), ("calls", 4, 8)]
    assert arrivals.take_one() is None
    assert not arrivals


def test_a_batch_of_urgent_events_comes_before_the_frames() -> None:
    arrivals = Arrivals()
    arrivals.add(frame(1, ("calls", 1, 0)))
    arrivals.add(frame(3, ("bulk", 1, -1), ("calls", 2, 1)))
    assert [(one.room_id, one.seq) for one in arrivals.take_batch()] == [("calls", 1), ("calls", 2)]
    assert arrivals.given.handled == 0
    assert [one.room_id for one in arrivals.take_batch()] == ["bulk"]
    assert arrivals.given.handled == 3
    assert arrivals.take_batch() == []


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0, 0, 1])), min_size=1, max_size=5),
        max_size=6,
    ),
    st.data(),
)
def test_urgent_or_not_everything_is_given_once_in_its_room_s_order_and_no_ack_passes_what_was_not(
    frames: list[list[tuple[str, int]]], data: st.DataObject
) -> None:
    arrivals = Arrivals()
    seqs = {"a": 0, "b": 0}
    numbers: list[int] = []
    shown: list[tuple[str, int]] = []
    position = 0

    def take() -> None:
        handled = len(numbers)  # the application comes back: all it was given before is handled
        one = arrivals.take_one()
        if one is not None:
            numbers.append(one.number)
            shown.append((one.room_id, one.seq))
        done = set(numbers if one is None else [*numbers[:handled], one.number])
        assert set(range(1, arrivals.given.handled + 1)) <= done

    for events in frames:
        position += len(events)
        made = []
        for room, priority in events:
            seqs[room] += 1
            made.append((room, seqs[room], priority))
        arrivals.add(frame(position, *made))
        for _ in range(data.draw(st.integers(0, 4))):
            take()
    while arrivals:
        take()
    take()
    assert arrivals.given.handled == position
    for room, last in seqs.items():
        assert [seq for shown_room, seq in shown if shown_room == room] == list(range(1, last + 1))


def test_repeats_are_acknowledged_without_being_shown() -> None:
    both = Connections(window=12)
    both.deliver(3)
    for _ in range(3):
        both.ask()
    both.reconnect()
    both.deliver(1)  # the third again: the application had not asked for a fourth
    assert both.acked_seq == 2
    both.ask()
    assert (both.shown, both.acked_seq) == ([1, 2, 3], 3)
