"""One that asks a thousand questions waits for them himself; each owner's own keep their order."""

import threading
from collections import Counter

import pytest

from chatd.store.fair_queue import FairQueue

Item = tuple[str, int]


def made(*items: Item) -> FairQueue[Item]:
    queue: FairQueue[Item] = FairQueue(lambda item: item[0])
    for item in items:
        queue.append(item)
    return queue


def test_owners_have_their_turns_and_each_one_s_items_their_order() -> None:
    queue = made(("a", 1), ("a", 2), ("a", 3), ("b", 1), ("c", 1), ("b", 2))
    taken = [queue.popleft() for _ in range(len(queue))]
    assert taken == [("a", 1), ("b", 1), ("c", 1), ("a", 2), ("b", 2), ("a", 3)]


def test_a_newcomer_waits_for_one_item_of_each_other() -> None:
    queue = made(*(("a", number) for number in range(1_000)))
    assert queue.popleft() == ("a", 0)
    queue.append(("b", 0))
    assert [queue.popleft(), queue.popleft()] == [("a", 1), ("b", 0)]


def test_empty() -> None:
    queue = made(("a", 1))
    assert queue
    queue.popleft()
    assert not queue
    with pytest.raises(IndexError):
        queue.popleft()


def test_threads_lose_and_double_nothing() -> None:
    queue, taken = made(), Counter[Item]()
    items = [(owner, number) for number in range(5_000) for owner in "abc"]

    def take() -> None:
        while taken.total() < len(items):
            try:
                taken[queue.popleft()] += 1
            except IndexError:
                pass

    threads = [threading.Thread(target=take, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for item in items:
        queue.append(item)
    for thread in threads:
        thread.join(20)
    assert taken == Counter(items)
