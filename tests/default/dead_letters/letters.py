"""Dead letters, as tests make and list them."""

from chatd.core.model import StreamKey
from chatd.default.dead_letters.model import DeadLetter
from chatd.default.dead_letters.store import ListDeadLetters
from chatd.pb.events.v1.payloads_pb2 import DeliveryState
from tests.store.driver import RULE, Store, failed

OWED = DeliveryState.DELIVERY_STATE_OWED
ACKNOWLEDGED = DeliveryState.DELIVERY_STATE_ACKNOWLEDGED
REJECTED = DeliveryState.DELIVERY_STATE_REJECTED
UNDELIVERABLE = DeliveryState.DELIVERY_STATE_UNDELIVERABLE
REMOVED = DeliveryState.DELIVERY_STATE_REMOVED


def letters(store: Store) -> list[DeadLetter]:
    """All dead letters; there are few."""
    page, more = store.ask(ListDeadLetters("", "", "", "", 100))
    assert not more
    return list(page)


def bury(store: Store, stream: StreamKey, seq: int) -> DeadLetter:
    """Let a delivery of room r fail until it is a dead letter."""
    for _ in range(RULE.max_retries + 1):
        store.do(failed(stream, "r", seq))
    return next(letter for letter in letters(store) if letter.seq == seq)
