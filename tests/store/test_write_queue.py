"""The order of commands that wait for the writer."""

from chatd.core.priority import BULK, URGENT
from chatd.default.dead_letters.failures import RetryRule
from chatd.default.devices.store import OpenStreams
from chatd.default.messages.store import StoreEvents
from chatd.default.outbox.cursors import AckCursors
from chatd.default.rooms.store import CreateRoom
from chatd.store.command import Turn
from chatd.store.write_queue import WriteQueue
from tests.store.driver import event


def storing(sender: str, priority: int) -> StoreEvents:
    return StoreEvents(sender, (event("r", "e", priority=priority),))


def test_urgent_commands_go_first_but_not_before_their_senders_own() -> None:
    turns = WriteQueue()
    assert turns.turn_of(storing("alice", BULK), 0) is Turn.NORMAL
    assert turns.turn_of(storing("bob", URGENT), 0) is Turn.URGENT
    assert turns.turn_of(storing("alice", URGENT), 0) is Turn.NORMAL, "hers waits"
    assert turns.turn_of(CreateRoom("x", "", "carol", ()), 1) is Turn.NORMAL
    assert turns.turn_of(storing("carol", URGENT), 2) is Turn.NORMAL
    assert turns.turn_of(storing("alice", URGENT), 1) is Turn.NORMAL
    assert turns.turn_of(storing("alice", URGENT), 5) is Turn.URGENT, "all of hers have been taken up"


def test_acks_and_hellos_go_behind_in_their_order() -> None:
    turns = WriteQueue()
    assert turns.turn_of(storing("alice", 0), 0) is Turn.NORMAL
    assert turns.turn_of(AckCursors((), RetryRule(5, 1)), 0) is Turn.BACKGROUND
    assert turns.turn_of(OpenStreams((), 1), 0) is Turn.BACKGROUND
    assert turns.turn_of(storing("bob", URGENT), 0) is Turn.URGENT
