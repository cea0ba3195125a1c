"""PROTOCOL.md's table of a stream's states, cell by cell, against a real gateway.

The gateway's default node is a fake, so that a stream stays in each state as long as the test
wants.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chatd.core.ack_batch import decode_acks
from chatd.core.ids import presence_topic, topic_of
from chatd.core.model import StreamAcks
from chatd.core.stream import StreamState
from chatd.core.wire import delivery_record
from chatd.errors import InvalidId, Unavailable, UnsupportedVersion
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink
from chatd.pb.events.v1.signals_pb2 import PresenceState
from chatd.pb.gateway.v1.gateway_pb2 import Reject, Renew, SetPresence
from chatd.pb.node.v1 import node_pb2
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation
from tests.protocol.fake_node import FakeNode

PAGE = Path(__file__).parents[2] / "proto" / "PROTOCOL.md"
STATES = ("none", "OPENING", "CATCHING_UP", "LIVE")
SILENCE = 0.1
"""Seconds in which nothing is heard, where the page says that nothing is sent."""


class Cell(NamedTuple):
    """One thing that happens in a state: an answer to a frame, or a frame the gateway sends by
    itself."""

    state: str
    cause: str
    """A ClientFrame of the header, or "sends"."""
    effect: str
    after: str

    def __str__(self) -> str:
        return f"{self.state}: {self.cause}: {self.effect or 'nothing'} → {self.after}"


def read_table(page: str) -> list[Cell]:
    """The cells of the page's table, a cell for each frame and each thing that is sent."""
    lines = iter(page.splitlines())
    header = next(split for line in lines if (split := split_row(line))[:2] == ["state", "C: Hello"])
    next(lines)
    cells = []
    for row in itertools.takewhile(len, map(split_row, lines)):
        assert len(row) == len(header), row
        for title, text in zip(header[1:], row[1:], strict=True):
            side, _, causes = title.partition(": ")
            for cause in causes.split(", ") if side == "C" else ["sends"]:
                cells += [to_cell(row[0], cause, part.strip()) for part in text.split(";")]
    return cells


def split_row(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []


def to_cell(state: str, cause: str, text: str) -> Cell:
    effect, _, after = text.partition("→")
    effect = effect.strip()
    stays = "OPENING" if effect == "replaces the stream" else state
    return Cell(state, cause, effect, after.strip() or stays)


TABLE = read_table(PAGE.read_text())


class Stream:
    """One device, the gateway, and the node behind it."""

    def __init__(self, gateway: Daemon, node: FakeNode, device_id: str) -> None:
        self.device = Conversation(gateway.uri, operator_token(gateway.folder), "bob")
        self.node = node
        self.device_id = device_id
        self.topic = topic_of("bob", device_id)
        self.epoch = 0
        self.seq = 0
        """The newest event of the room that the gateway was given."""

    def hear(self, kind: str) -> Any:
        """S: the next frame, which must be of this kind."""
        self.node.until(lambda: self.device.socket.poll(0), f"S: {kind}")
        frame = self.device.hear()
        if kind == "deliveries":
            assert frame.deliveries, f"wanted deliveries, heard {frame}"
            return list(frame.deliveries)
        assert frame.HasField(kind), f"wanted {kind}, heard {frame}"
        return getattr(frame, kind)

    def hear_nothing(self) -> None:
        self.device.hear_nothing(SILENCE)

    def welcome(self) -> None:
        """The node opens the stream."""
        self.epoch += 1
        self.node.answer("OpenStreams", node_pb2.OpenStreamsResponse(epochs=[self.epoch]))
        assert self.hear("welcome").epoch == self.epoch
        self.seq = 0

    def give(self, *, more: bool, count: int = 0) -> None:
        """The node answers a pull."""
        runs = [self.next_run()] if count else []
        cursors = [] if more else [node_pb2.RoomCursor(room_id="r", seq=self.seq)]
        owed = node_pb2.StreamOwed(runs=runs, more=more, cursors=cursors)
        self.node.answer("PullOutbox", node_pb2.PullOutboxResponse(owed=[owed]))

    def next_run(self) -> node_pb2.OwedRun:
        self.seq += 1
        seq = self.seq
        return node_pb2.OwedRun(room_id="r", first_seq=seq, last_seq=seq, deliveries=record(seq))

    def acks_at_the_node(self) -> StreamAcks:
        """The stream's next, other streams' passed over."""
        while True:
            for acks in decode_acks(self.node.hear("AckBatch")):
                if acks.stream.device_id == self.device_id:
                    return acks

    def epochs_closed_at_the_node(self) -> list[int]:
        """The device's streams that the node is told to close next."""
        epochs: list[int] = []
        while not epochs:
            closed = self.node.hear("CloseStreams").streams
            epochs = [one.epoch for one in closed if one.device_id == self.device_id]
        return epochs

    def publish(self, *, skip: int = 0) -> None:
        """The node publishes an event, the next one or one that leaves a hole."""
        self.seq += 1 + skip
        run = node_pb2.Run(room_id="r", first_seq=self.seq, last_seq=self.seq)
        self.node.publish(self.topic, node_pb2.QueueHeader(runs=[run]), record(self.seq))


def record(seq: int) -> bytes:
    delivery = EventDelivery(event=EventLink(event_id=f"e{seq}", room_id="r", seq=seq))
    return delivery_record(delivery.SerializeToString())


def enter_none(stream: Stream) -> None:
    pass


def enter_opening(stream: Stream) -> None:
    stream.device.hello(stream.device_id)
    stream.node.hear("OpenStreams")


def enter_catching_up(stream: Stream) -> None:
    """One delivery is in flight, and the answer to a pull is awaited."""
    enter_opening(stream)
    stream.welcome()
    stream.give(more=True, count=1)
    assert len(stream.hear("deliveries")) == 1
    stream.node.hear("PullOutbox")


def enter_live(stream: Stream) -> None:
    """The same delivery is in flight."""
    enter_catching_up(stream)
    stream.give(more=False)
    stream.hear("caught_up")
    stream.node.until(lambda: stream.topic in stream.node.subscriptions, "subscribed")


ENTER: dict[str, Callable[[Stream], None]] = {
    "none": enter_none,
    "OPENING": enter_opening,
    "CATCHING_UP": enter_catching_up,
    "LIVE": enter_live,
}


def is_none(stream: Stream) -> None:
    stream.device.heartbeat(7)
    assert stream.hear("closed").error.code == 104


def is_opening(stream: Stream) -> None:
    stream.node.hear("OpenStreams")
    stream.hear_nothing()
    stream.welcome()


def is_catching_up(stream: Stream) -> None:
    """It has asked for something, and what is published meanwhile waits for the answer."""
    stream.node.hear("PullOutbox")
    stream.node.until(lambda: stream.topic in stream.node.subscriptions, "subscribed")
    stream.publish()
    stream.hear_nothing()
    stream.seq -= 1
    stream.give(more=False, count=1)
    assert stream.hear("deliveries")[-1].event.seq == stream.seq


def is_live(stream: Stream) -> None:
    """It has asked for nothing, and what is published goes through."""
    stream.publish()
    (delivery,) = stream.hear("deliveries")
    assert delivery.event.seq == stream.seq
    stream.hear_nothing()


IS: dict[str, Callable[[Stream], None]] = {
    "none": is_none,
    "OPENING": is_opening,
    "CATCHING_UP": is_catching_up,
    "LIVE": is_live,
}

AWAY = SetPresence(state=PresenceState.PRESENCE_STATE_AWAY)

SAY: dict[str, Callable[[Stream], None]] = {
    "Hello": lambda stream: stream.device.hello(stream.device_id),
    "refused Hello": lambda stream: stream.device.hello("no id"),
    "Ack": lambda stream: stream.device.ack(1),
    "Reject": lambda stream: stream.device.say(reject=Reject(delivery=1, reason="no key")),
    "SetPresence": lambda stream: stream.device.say(presence=AWAY),
    "Renew": lambda stream: stream.device.say(renew=Renew(token=stream.device.token)),
    "Heartbeat": lambda stream: stream.device.heartbeat(5),
    "Bye": lambda stream: stream.device.bye(),
}
SAY_FOR: dict[tuple[str, str], Callable[[Stream], None]] = {
    ("refused Hello", "Closed"): lambda stream: stream.device.hello(stream.device_id, version=0),
}
"""Frames that are said in place of ``SAY``'s, by their effect."""


def expect_nothing(stream: Stream, _: Cell) -> None:
    stream.hear_nothing()


def expect_echo(stream: Stream, _: Cell) -> None:
    assert stream.hear("heartbeat").mark == 5


def expect_closed(code: int) -> Callable[[Stream, Cell], None]:
    def expect(stream: Stream, _: Cell) -> None:
        assert stream.hear("closed").error.code == code

    return expect


def expect_error(stream: Stream, _: Cell) -> None:
    assert stream.hear("error").code == InvalidId.code


def expect_counted(stream: Stream, cell: Cell) -> None:
    """The frame has its effect, at the node but for Renew, and nothing else is said."""
    if cell.cause == "SetPresence":
        topic = presence_topic(b"A", "bob", stream.device_id)
        stream.node.until(lambda: topic in stream.node.subscriptions, "presence")
    elif cell.cause == "Renew":
        assert stream.hear("token_expires").in_ms == 0, "the token never expires"
    else:
        acks = stream.acks_at_the_node()
        assert acks.stream.epoch == stream.epoch
        counted = ({"r": 1}, ()) if cell.cause == "Ack" else ({}, (("r", 1, "no key"),))
        assert (acks.cursors, acks.rejected) == counted
    stream.hear_nothing()


def expect_replaced(stream: Stream, cell: Cell) -> None:
    """The stream before is over at the node too, and what follows is the new one's."""
    stream.hear_nothing()
    if cell.state == "OPENING":
        stream.epoch += 1
        stream.node.answer("OpenStreams", node_pb2.OpenStreamsResponse(epochs=[stream.epoch]))
        stream.hear_nothing()
    assert stream.epochs_closed_at_the_node() == [stream.epoch]


EFFECTS: dict[str, Callable[[Stream, Cell], None]] = {
    "": expect_nothing,
    "echoed": expect_echo,
    "counts": expect_counted,
    "replaces the stream": expect_replaced,
    "error": expect_error,
    "Closed": expect_closed(UnsupportedVersion.code),
    "Closed(0)": expect_closed(0),
    "Closed(104)": expect_closed(104),
}


def send_nothing(stream: Stream) -> None:
    stream.publish()
    stream.hear_nothing()


def send_closed(stream: Stream) -> None:
    stream.node.answer("OpenStreams", Unavailable("no database"))
    assert stream.hear("closed").error.code == Unavailable.code


def send_pulled(stream: Stream) -> None:
    stream.give(more=True, count=1)
    assert len(stream.hear("deliveries")) == 1


def send_caught_up(stream: Stream) -> None:
    stream.give(more=False)
    stream.hear("caught_up")


def leave_a_hole(stream: Stream) -> None:
    stream.publish(skip=1)
    stream.hear_nothing()
    stream.seq -= 2


SENDS: dict[tuple[str, str], Callable[[Stream], None]] = {
    ("none", "–"): send_nothing,
    ("OPENING", "Welcome"): Stream.welcome,
    ("OPENING", "Closed"): send_closed,
    ("CATCHING_UP", "deliveries"): send_pulled,
    ("CATCHING_UP", "CaughtUp"): send_caught_up,
    ("LIVE", "deliveries"): is_live,
    ("LIVE", "silently"): leave_a_hole,
}


@pytest.fixture(scope="module")
def node() -> Iterator[FakeNode]:
    made = FakeNode()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, node: FakeNode) -> Iterator[Daemon]:
    """Patient: no timer of its own says anything while a test lasts."""
    settings = {
        "DEFAULT_URI": node.uri,
        "QUEUE_USER_EVENT_DELIVERY_URI": node.queue_uri,
        "ACK_FLUSH_MS": 5,
        "HEARTBEAT_INTERVAL_MS": 600_000,
        "DELIVERY_RETRY_MS": 300_000,
        "REPAIR_PULL_SECONDS": 3600,
        "DRAIN_SECONDS": 0,
    }
    made = Daemon("gateway", tmp_path_factory.mktemp("gateway"), settings).start(wait=False)
    try:
        node.until(lambda: b"chatd is ready" in made.log.read_bytes(), "the gateway is ready")
        yield made
    finally:
        made.stop()


_numbers = itertools.count(1)


@pytest.fixture
def stream(gateway: Daemon, node: FakeNode) -> Iterator[Stream]:
    """A device of this test's own, without a stream yet."""
    node.forget()
    made = Stream(gateway, node, f"d{next(_numbers)}")
    yield made
    made.device.__exit__()


def test_the_table_has_every_state_and_every_frame_and_everything_that_is_sent() -> None:
    assert list(dict.fromkeys(cell.state for cell in TABLE)) == list(STATES)
    assert {(cell.state, cell.cause) for cell in TABLE} == set(itertools.product(STATES, [*SAY, "sends"]))
    assert {(cell.state, cell.effect) for cell in TABLE if cell.cause == "sends"} == set(SENDS)
    assert {state.name for state in StreamState} - {"CLOSED"} <= set(STATES), "the core uses the same names"


FRAMES = [cell for cell in TABLE if cell.cause != "sends"]
SENDINGS = [cell for cell in TABLE if cell.cause == "sends"]


@pytest.mark.parametrize("cell", FRAMES, ids=str)
def test_a_frame_of_the_client(stream: Stream, cell: Cell) -> None:
    ENTER[cell.state](stream)
    SAY_FOR.get((cell.cause, cell.effect), SAY[cell.cause])(stream)
    EFFECTS[cell.effect](stream, cell)
    IS[cell.after](stream)


@pytest.mark.parametrize("cell", SENDINGS, ids=str)
def test_what_the_gateway_sends(stream: Stream, cell: Cell) -> None:
    ENTER[cell.state](stream)
    SENDS[cell.state, cell.effect](stream)
    IS[cell.after](stream)


def test_a_stream_that_was_given_up_while_it_opened_is_closed_at_the_node(stream: Stream) -> None:
    """The node opens it after the Bye: the device hears no Welcome, and the epoch is closed."""
    enter_opening(stream)
    stream.device.bye()
    assert stream.hear("closed").error.code == 0
    stream.node.answer("OpenStreams", node_pb2.OpenStreamsResponse(epochs=[7]))
    assert stream.epochs_closed_at_the_node() == [7]
    stream.hear_nothing()
    is_none(stream)
