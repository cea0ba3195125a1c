"""What waits for the application, and how far it has come: on one connection and across several."""

from hypothesis import given
from hypothesis import strategies as st

from chatd.client.arrivals import Arrivals, Frame, Position
from chatd.client.resume import Resume
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink
from chatd.pb.gateway.v1.gateway_pb2 import Welcome


class Connections:
    """A gateway that owes one room's events and a client that shows them: the two classes of the client's stream, wired as it wires them."""

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
        self.resume.welcomed(Welcome(epoch=self.connection, window_messages=self.window, window_bytes=1 << 20), now=0.0)

    def deliver(self, count: int) -> None:
        """A frame of the next ``count`` events, as many as the window has room for."""
        count = min(count, self.window - (self.first_seq + self.sent - 1 - self.acked_seq))
        if count <= 0:
            return
        start = self.first_seq + self.sent
        self.sent += count
        fresh = self.resume.receive([EventDelivery(event=EventLink(room_id="a", seq=start + i)) for i in range(count)], now=0.0, size=10)
        self.arrivals.add(Frame(count, 10, Position(self.connection, self.resume.received, self.resume.received_bytes), fresh))

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
def test_whatever_happens_nothing_is_skipped_repeated_or_acknowledged_unhandled(steps: list[tuple[str, int]], window: int) -> None:
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
