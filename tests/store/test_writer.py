"""The writer: one transaction for all that waits."""

from chatd.default.messages.history import GetHistory
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.errors import ChatdError
from tests.store.driver import Store, event, send


def test_one_refused_command_of_each_kind_leaves_the_batch_whole(store: Store) -> None:
    results = store.many(
        [
            CreateRoom("r", "", "eve", ()),
            CreateRoom("s", "", "alice", ()),
            send("alice", event("s", "1")),
            AddSubscriptions("s", ("eve",), "eve", False),
            send("alice", event("s", "2")),
        ]
    )
    assert [isinstance(result, ChatdError) for result in results] == [True, False, False, True, False]
    assert len(store.ask(GetHistory("s", "alice", False, 0, 10))[0]) == 3
