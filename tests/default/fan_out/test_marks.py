"""The fan-out mark of a room."""

from chatd.default.fan_out.marks import MarkPublished
from chatd.default.fan_out.repair import FindUnpublished
from tests.store.driver import Store, event, send


def test_a_mark_does_not_leap_over_a_gap(store: Store) -> None:
    store.do(send("alice", *(event("r", f"{number}") for number in range(5))))
    store.do(MarkPublished((("r", 4, 6),)))
    assert store.ask(FindUnpublished(2**60, 100)).runs[0].first_seq == 1
    store.do(MarkPublished((("r", 1, 3), ("r", 4, 5))))
    assert store.ask(FindUnpublished(2**60, 100)).runs[0].first_seq == 6


def test_a_mark_does_not_pass_the_head(store: Store) -> None:
    """Such a run was committed to another log. It is not tried again, and hides nothing."""
    store.do(send("alice", event("r", "2")))
    assert store.do(MarkPublished((("r", 1, 2), ("r", 3, 9)))) == ()
    store.do(send("alice", event("r", "3")))
    assert [run.first_seq for run in store.ask(FindUnpublished(2**60, 100)).runs] == [3]
