"""A worker's batches: what it takes first, and how much."""

import queue
import threading

from chatd.store.command import Turn
from chatd.store.worker import BatchWorker


def test_a_worker_takes_urgent_items_first_and_ends_a_batch_by_its_weight() -> None:
    batches: list[list[str]] = []
    begun, go_on = threading.Event(), threading.Event()

    def work(batch: list[str]) -> None:
        batches.append(batch)
        begun.set()
        go_on.wait(20)

    worker: BatchWorker[str] = BatchWorker(
        "test", work, closed=lambda: None, max_batch=4, weigh=lambda item: int(item[1:])
    )
    worker.start()
    worker.submit("a1")
    assert begun.wait(20)
    for item in ("b1", "c3", "d1"):
        worker.submit(item)
    worker.submit("u1", Turn.URGENT)
    go_on.set()
    worker.stop()
    assert batches == [["a1"], ["u1", "b1", "c3"], ["d1"]]


def test_background_items_wait_but_not_for_ever() -> None:
    batches: list[list[str]] = []
    begun, go_on = threading.Event(), threading.Event()

    def work(batch: list[str]) -> None:
        batches.append(batch)
        begun.set()
        go_on.wait(20)

    worker: BatchWorker[str] = BatchWorker("test", work, closed=lambda: None, max_batch=2, max_background=1)
    worker.start()
    worker.submit("a")
    assert begun.wait(20)
    for item in ("x", "y", "z"):
        worker.submit(item, Turn.BACKGROUND)
    for item in ("b", "c", "d"):
        worker.submit(item)
    go_on.set()
    worker.stop()
    assert batches == [["a"], ["b", "c", "x"], ["d", "y"], ["z"]]


def test_what_comes_while_a_worker_waits_before_a_batch_is_in_it() -> None:
    batches: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    more = ["second", "third"]

    def before() -> None:
        while more:
            worker.submit(more.pop(0))

    worker: BatchWorker[str] = BatchWorker("test", batches.put, closed=lambda: None, before=before)
    worker.start()
    worker.submit("first")
    assert batches.get(timeout=20) == ["first", "second", "third"]
    worker.stop()
