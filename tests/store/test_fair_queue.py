"""One that asks dear questions waits for them himself; each owner's own keep their order."""

import threading
from collections import Counter

import pytest

from chatd.store.fair_queue import OWNERS_KEPT, FairQueue

Item = tuple[str, int]


def made(*items: Item) -> FairQueue[Item]:
    queue: FairQueue[Item] = FairQueue(lambda item: item[0])
    for item in items:
        queue.append(item)
    return queue


def take(queue: FairQueue[Item], cost: dict[str, float], seconds: float) -> dict[str, float]:
    """Answer what waits, for so long altogether; the seconds that each owner had."""
    had = dict.fromkeys(cost, 0.0)
    while sum(had.values()) < seconds:
        owner, _ = queue.popleft()
        had[owner] += cost[owner]
        queue.charge(owner, cost[owner])
    return had


def test_owners_have_their_turns_and_each_one_s_items_their_order() -> None:
    queue = made(("a", 1), ("a", 2), ("a", 3), ("b", 1), ("c", 1), ("b", 2))
    taken = [queue.popleft() for _ in range(len(queue))]
    assert taken == [("a", 1), ("b", 1), ("c", 1), ("a", 2), ("b", 2), ("a", 3)]


def test_owners_get_the_same_time_and_not_the_same_number_of_turns() -> None:
    cost = {"dear": 1.0, "cheap": 0.01, "middle": 0.1}
    queue = made(*((owner, number) for number in range(5_000) for owner in cost))
    had = take(queue, cost, 100)
    assert all(abs(seconds - 100 / 3) <= 1.01 for seconds in had.values()), had


def test_a_newcomer_waits_for_the_item_that_was_taken_and_for_nothing_else() -> None:
    queue = made(*(("a", number) for number in range(1_000)))
    assert queue.popleft() == ("a", 0)
    queue.append(("b", 0))
    assert [queue.popleft(), queue.popleft()] == [("b", 0), ("a", 1)]


def test_a_newcomer_comes_before_one_that_has_used_more() -> None:
    queue = made(*(("a", number) for number in range(10)))
    queue.charge(queue.popleft()[0], 1.0)
    queue.append(("b", 0))
    queue.append(("b", 1))
    assert [queue.popleft(), queue.popleft(), queue.popleft()] == [("b", 0), ("b", 1), ("a", 1)]


def test_what_was_not_used_is_not_saved_up_and_what_was_used_beyond_others_is_not_forgotten() -> None:
    queue = made(*(("a", number) for number in range(20)))
    for _ in range(10):  # meanwhile b asks nothing
        queue.charge(queue.popleft()[0], 1.0)
    for number in range(20):
        queue.append(("b", number))
    had = take(queue, {"a": 1.0, "b": 1.0}, 10)
    assert had == {"a": 5.0, "b": 5.0}
    queue = made(("a", 0))
    queue.charge(queue.popleft()[0], 5.0)  # and a goes, and comes again
    for owner in ("a", "b", "c"):
        queue.append((owner, 1))
    assert [queue.popleft()[0] for _ in "abc"] == ["b", "c", "a"]


def test_owners_that_owe_nothing_are_forgotten() -> None:
    queue = made()
    for number in range(5 * OWNERS_KEPT):
        queue.append((f"o{number}", 0))
        queue.charge(queue.popleft()[0], 0.001)
        queue.append(("", 0))
        queue.popleft()
    assert len(queue._used) <= 3 * OWNERS_KEPT


def test_empty() -> None:
    queue = made(("a", 1))
    assert queue
    assert queue.waits("a")
    queue.popleft()
    assert not queue
    assert not queue.waits("a")
    with pytest.raises(IndexError):
        queue.popleft()


def test_threads_lose_and_double_nothing() -> None:
    queue, taken = made(), Counter[Item]()
    items = [(owner, number) for number in range(5_000) for owner in "abc"]

    def take_all() -> None:
        while taken.total() < len(items):
            try:
                item = queue.popleft()
            except IndexError:
                continue
            taken[item] += 1
            queue.charge(item[0], item[1] * 1e-6)

    threads = [threading.Thread(target=take_all, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for item in items:
        queue.append(item)
    for thread in threads:
        thread.join(20)
    assert taken == Counter(items)
