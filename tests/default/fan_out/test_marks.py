"""The fan-out mark of a room."""

from chatd.default.fan_out.marks import MarkPublished
from chatd.default.fan_out.repair import FindUnpublished
from tests.store.driver import Store, event, send


def test_a_mark_does_not_leap_over_a_gap(store: Store) -> None:
    store.do(send("alice", *(event("r", f"{number}") for number in range(5))))
    store.do(MarkPublished((("r", 4, 6),)))
    assert store.ask(FindUnpublished(2**60, 100))[0].first_seq == 1
    store.do(MarkPublished((("r", 1, 3), ("r", 4, 5))))
    assert store.ask(FindUnpublished(2**60, 100))[0].first_seq == 6
