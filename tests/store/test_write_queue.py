"""The order of commands that wait for the writer."""

import threading
from collections.abc import Sequence

from chatd.core.priority import BULK, URGENT
from chatd.default.dead_letters.failures import RetryRule
from chatd.default.devices.store import OpenStreams
from chatd.default.messages.store import StoreEvents
from chatd.default.outbox.cursors import AckCursors
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.store.command import NO_LOCKS, Command, Locks, Turn
from chatd.store.submission import Submission
from chatd.store.transaction import Transaction
from chatd.store.write_queue import WriteQueue
from tests.store.driver import Store, event, send


class _Wait(Command[None]):
    """Keeps the writer until it may go on."""

    def __init__(self, begun: threading.Event, go_on: threading.Event) -> None:
        self._begun, self._go_on = begun, go_on

    def locks(self) -> Locks:
        return NO_LOCKS

    @classmethod
    def apply(cls, transaction: Transaction, commands: Sequence["_Wait"]) -> list[None]:
        commands[0]._begun.set()
        commands[0]._go_on.wait(20)
        return [None]


def storing(sender: str, priority: int = 0) -> StoreEvents:
    return StoreEvents(sender, (event("r", "e", priority=priority),))


def submit(queue: WriteQueue, command: Command[object]) -> Turn:
    turn = queue.turn_of(command)
    queue.queues[turn].append(Submission(command, None))
    return turn


def take(queue: WriteQueue, turn: Turn = Turn.NORMAL) -> Submission:
    return queue.queues[turn].popleft()


def test_urgent_commands_go_first_but_not_before_their_senders_own() -> None:
    queue = WriteQueue()
    assert submit(queue, storing("alice", BULK)) is Turn.NORMAL
    assert submit(queue, storing("bob", URGENT)) is Turn.URGENT
    assert submit(queue, storing("alice", URGENT)) is Turn.NORMAL, "hers waits"
    assert submit(queue, CreateRoom("x", "", "carol", ())) is Turn.NORMAL
    assert submit(queue, storing("carol", URGENT)) is Turn.NORMAL
    for _ in range(3):
        take(queue)
    assert submit(queue, storing("alice", URGENT)) is Turn.URGENT, "all of hers have been taken"
    assert submit(queue, storing("carol", URGENT)) is Turn.NORMAL, "her second one waits"


def test_acks_and_hellos_go_behind_in_their_order() -> None:
    queue = WriteQueue()
    assert queue.turn_of(storing("alice")) is Turn.NORMAL
    assert queue.turn_of(AckCursors((), RetryRule(5, 1))) is Turn.BACKGROUND
    assert queue.turn_of(OpenStreams((), 1)) is Turn.BACKGROUND
    assert queue.turn_of(storing("bob", URGENT)) is Turn.URGENT


def test_the_time_of_commands_is_their_owners_by_their_weights() -> None:
    queue = WriteQueue()
    dear = AddSubscriptions("r", tuple(f"p{number}" for number in range(100)), "ben", False)
    for command in (dear, storing("ann"), dear, storing("ann"), storing("ann")):
        submit(queue, command)
    queue.charge([take(queue), take(queue)], 0.1)
    submit(queue, AckCursors((), RetryRule(5, 1)))
    queue.charge([take(queue, Turn.BACKGROUND)], 1.0)  # nobody's
    submit(queue, storing("new"))
    owners = [take(queue).command.owner() for _ in range(4)]
    assert owners == ["new", "ann", "ann", "ben"]


def test_one_that_fills_the_queue_with_large_changes_waits_for_them_itself(store: Store) -> None:
    """A send comes between two of another profile's changes, each of which is a transaction."""
    order: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    store.writer.submit(_Wait(begun, go_on), lambda result: None)
    assert begun.wait(20)
    for number in range(10):
        profiles = tuple(f"p{one}" for one in range(200))
        store.writer.submit(
            CreateRoom(f"x{number}", "", "alice", profiles), lambda result: order.append("alice")
        )
    store.writer.submit(send("bob", event("r", "e")), lambda result: order.append("bob"))
    go_on.set()
    store.do(send("alice", event("r", "last")))
    assert order.index("bob") <= 1
    assert len(order) == 11
