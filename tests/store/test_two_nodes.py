"""Two default nodes on one PostgreSQL: what each does alone must hold for both at once."""

import threading
from collections.abc import Iterator

import pytest

from chatd.default.devices.store import OpenStreams
from chatd.default.messages.history import GetHistory
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import CreateRoom
from tests.store.driver import Store, event, send


@pytest.fixture
def nodes(postgres_uri: str) -> Iterator[tuple[Store, Store]]:
    one, two = Store(postgres_uri), Store(postgres_uri)
    yield one, two
    one.close()
    two.close()


def both(*actions: object) -> None:
    """Run callables at once; raise what they raise."""
    failures: list[BaseException] = []

    def guarded(action: object) -> None:
        try:
            action()  # type: ignore[operator]
        except BaseException as exc:  # noqa: BLE001  handed to the test below
            failures.append(exc)

    threads = [threading.Thread(target=guarded, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_rooms_keep_their_order_and_nothing_deadlocks(nodes: tuple[Store, Store]) -> None:
    rooms = [f"r{number}" for number in range(5)]
    for room in rooms:
        nodes[0].do(CreateRoom(room, "", "alice", ()))
    acked: dict[str, list[int]] = {room: [] for room in rooms}
    lock = threading.Lock()

    def work(store: Store, name: str, order: list[str]) -> None:
        for turn in range(60):
            commands = [send("alice", *(event(room, f"{name}-{turn}-{room}-{part}") for room in order)) for part in range(4)]
            for result in store.many(commands):
                with lock:
                    for stored in result:
                        acked[stored.room_id].append(stored.seq)

    both(lambda: work(nodes[0], "one", rooms), lambda: work(nodes[1], "two", rooms[::-1]))
    for room in rooms:
        assert sorted(acked[room]) == list(range(2, 482))


def test_one_event_sent_to_both_is_stored_once(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("a", "", "alice", ()))
    nodes[0].do(CreateRoom("b", "", "alice", ()))
    places: dict[str, set[int]] = {}

    def work(store: Store) -> None:
        for number in range(100):
            (stored,) = store.do(send("alice", event("a", f"e{number}")))
            places.setdefault(stored.event_id, set()).add(stored.seq)

    both(lambda: work(nodes[0]), lambda: work(nodes[1]))
    assert all(len(seqs) == 1 for seqs in places.values())
    assert len(nodes[0].ask(GetHistory("a", "alice", False, 0, 500))[0]) == 101


def test_a_device_and_a_membership_at_once_never_miss_each_other(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("r", "", "alice", ()))
    for number in range(50):
        profile = f"p{number}"
        both(
            lambda profile=profile: nodes[0].do(AddSubscriptions("r", (profile,), "alice", False)),
            lambda profile=profile: nodes[1].do(OpenStreams(((profile, "d"),))),
        )
    found = nodes[0].database.rows("SELECT COUNT(*) FROM outbox WHERE room_id = 'r'")
    assert found == [(50,)]
