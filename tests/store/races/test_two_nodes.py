"""Two nodes on one PostgreSQL that work at once: rooms keep their order, and no two subjects miss
each other."""

import threading
from functools import partial
from typing import Any

from chatd.default.devices.model import DeviceHello
from chatd.default.devices.store import OpenStreams
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.store.command import Command
from tests.store.driver import MANY, Store, at_once, event, send


def _do_own(commands: dict[Store, Command[Any]], node: Store) -> Any:
    return node.do(commands[node])


def test_rooms_keep_their_order_and_nothing_deadlocks(nodes: tuple[Store, Store]) -> None:
    rooms = [f"r{number}" for number in range(5)]
    for room in rooms:
        nodes[0].do(CreateRoom(room, "", "alice", ()))
    acked: dict[str, list[int]] = {room: [] for room in rooms}
    lock = threading.Lock()

    def work(store: Store) -> None:
        name, order = ("one", rooms) if store is nodes[0] else ("two", rooms[::-1])
        for turn in range(60):
            commands = [
                send("alice", *(event(room, f"{name}-{turn}-{room}-{part}") for room in order))
                for part in range(4)
            ]
            for result in store.many(commands):
                with lock:
                    for stored in result:
                        acked[stored.room_id].append(stored.seq)

    at_once(nodes, work)
    for room in rooms:
        assert sorted(acked[room]) == list(range(2, 482))


def test_a_device_and_a_membership_at_once_never_miss_each_other(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("r", "", "alice", ()))
    for number in range(50):
        join, register = (
            AddSubscriptions("r", (f"p{number}",), "alice", False),
            OpenStreams((DeviceHello(f"p{number}", "d"),), MANY),
        )
        commands: dict[Store, Command[Any]] = {nodes[0]: join, nodes[1]: register}
        at_once(nodes, partial(_do_own, commands))
    found = nodes[0].database.rows("SELECT COUNT(*) FROM outbox WHERE room_id = 'r'")
    assert found == [(50,)]
