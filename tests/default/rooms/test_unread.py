"""Unread counts: what others have said, and this person has not read, in rooms it is in."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatd.core.notable import is_notable
from chatd.default.messages.model import NewEvent
from chatd.default.receipts.store import ListUnread, SetReadMarker
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom, UpdateRoom
from chatd.default.rooms.unread import read_unread
from chatd.store.command import Command
from tests.store.driver import Store, event, send


def unread(store: Store, profile: str, room: str = "r") -> int | None:
    """By both ways of asking; None: not a member."""
    found, _ = store.ask(ListUnread(profile, (room,), "", 10))
    count = found[0].unread if found else None
    assert read_unread(store.database, ((profile, room),)).get((profile, room)) == count
    return count


def test_own_messages_joins_and_changes_of_the_room_are_not_unread(store: Store) -> None:
    store.do(send("bob", *(event("r", f"b{number}") for number in range(3))))
    store.do(AddSubscriptions("r", ("carol",), by="alice", operator=False))
    store.do(UpdateRoom("r", "alice", False, name="new"))
    assert unread(store, "bob") == 0
    store.do(send("alice", event("r", "a1"), NewEvent("a2", "r", 16, b"", b"")))
    assert (unread(store, "bob"), unread(store, "alice"), unread(store, "carol")) == (2, 3, 2)
    assert store.do(SetReadMarker("bob", "r", 7, "")).unread == 1


def test_what_was_erased_is_not_unread(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol",), by="alice", operator=False))
    store.do(UpdateRoom("r", "alice", False, name="new"))
    for sender, event_id in (("alice", "1"), ("carol", "2"), ("alice", "3"), ("bob", "4"), ("carol", "5")):
        store.do(send(sender, event("r", event_id)))
    assert unread(store, "bob") == 4
    while store.erase("alice").more:
        pass
    assert (unread(store, "bob"), unread(store, "carol")) == (2, 1)
    store.do(send("carol", event("r", "6")))
    assert unread(store, "bob") == 3


def test_what_was_removed_or_said_in_absence_is_not_unread(store: Store) -> None:
    store.do(send("alice", *(event("r", f"a{number}") for number in range(4))))
    store.do(send("bob", event("r", "b")))
    store.publish()
    store.do(PurgeLog("r", 3, 0, 100, store.now_us + 1))
    assert store.database.rows("SELECT MIN(seq) FROM room_event") == [(4,)]
    assert unread(store, "bob") == 2
    store.do(RemoveSubscriptions("r", ("bob",), by="alice", operator=False))
    store.do(send("alice", event("r", "away")))
    assert unread(store, "bob") is None
    store.do(AddSubscriptions("r", ("bob",), by="alice", operator=False))
    assert unread(store, "bob") == 0
    store.do(send("bob", event("r", "b2")))
    store.do(send("alice", event("r", "a9")))
    assert unread(store, "bob") == 1
    store.publish()
    store.do(PurgeLog("r", 100, 0, 100, store.now_us + 1))
    assert (unread(store, "bob"), store.database.rows("SELECT COUNT(*) FROM room_event")) == (0, [(0,)])
    store.do(send("alice", event("r", "a10")))
    assert unread(store, "bob") == 1


def test_two_nodes_that_send_in_turn_count_on(nodes: tuple[Store, Store]) -> None:
    one, two = nodes
    one.do(CreateRoom("r", "", "alice", ("bob",)))
    for number in range(3):
        one.do(send("alice", event("r", f"{number}one")))
        two.do(send("alice", event("r", f"{number}two"), event("r", f"{number}three")))
        two.do(send("bob", event("r", f"{number}bob")))
    assert (unread(one, "bob"), unread(two, "alice")) == (9, 3)


STEPS = st.lists(
    st.sampled_from(
        ("alice says", "bob says", "bob is busy", "bob reads", "bob leaves", "bob comes", "purge")
    ),
    min_size=1,
    max_size=25,
)


def _command(room: str, step: str, number: int) -> Command[object]:
    match step:
        case "alice says" | "bob says":
            said = (event(room, f"{room} {number}"), NewEvent(f"{room} {number} b", room, 20, b"", b""))
            return send(step.split()[0], *said)
        case "bob is busy":
            return send("bob", *(event(room, f"{room} {number} {one}") for one in range(3)))
        case "bob reads":
            return SetReadMarker("bob", room, number, "")
        case "purge":
            return PurgeLog(room, number // 2, 0, 100, 0)
        case "bob leaves":
            return RemoveSubscriptions(room, ("bob",), "alice", True)
        case _:
            return AddSubscriptions(room, ("bob",), "alice", True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_the_subtraction_is_what_counting_gives(store: Store, steps: list[str]) -> None:
    room = f"r{store.now_us}"
    store.do(CreateRoom(room, "", "alice", ("bob",)))
    for number, step in enumerate(steps, 2):
        store.many([_command(room, step, number)])  # a refusal changes nothing
    counted = store.database.rows(
        """
        SELECT room_event.type
        FROM subscription
        JOIN room ON room.room_id = subscription.room_id
        JOIN room_event ON room_event.room_id = room.room_id AND room_event.sender_id <> 'bob'
            AND room_event.seq > subscription.joined_seq AND room_event.seq >= room.first_seq
        LEFT JOIN read_marker ON read_marker.profile_id = 'bob' AND read_marker.room_id = room.room_id
        WHERE subscription.room_id = ? AND subscription.profile_id = 'bob' AND subscription.left_seq IS NULL
            AND room_event.seq > COALESCE(read_marker.seq, 0)
        """,
        (room,),
    )
    assert (unread(store, "bob", room) or 0) == sum(is_notable(kind) for (kind,) in counted)
