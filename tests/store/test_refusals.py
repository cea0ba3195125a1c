"""What is refused, by whom it may be done, and that a refusal leaves no trace."""

import pytest

from chatd.default.fan_out.repair import FindUnpublished
from chatd.default.messages.history import GetHistory
from chatd.default.messages.model import NewEvent
from chatd.default.messages.store import StoreEvents
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.model import MembershipChange
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import ChatdError, EventIdReused, NotAMember, PermissionDenied, RoomNotFound
from tests.store.driver import Store, event, send


def head(store: Store, room: str = "r") -> int:
    return int(store.ask(GetRoom(room))[0].head_seq)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (send("alice", event("r", "new"), event("nowhere", "x")), RoomNotFound),
        (send("alice", event("r", "new"), event("private", "x")), NotAMember),
        (send("alice", event("r", "new"), event("r", "old", b"other")), EventIdReused),
        (send("alice", event("r", "new"), event("s", "new")), EventIdReused),
    ],
)
def test_a_refusal_of_the_last_event_stores_none_before_it(store: Store, request_: StoreEvents, error: type[ChatdError]) -> None:
    store.do(CreateRoom("private", "", "eve", ()))
    store.do(CreateRoom("s", "", "alice", ()))
    store.do(send("alice", event("r", "old")))
    store.runs.clear()
    with pytest.raises(error):
        store.do(request_)
    assert (head(store), head(store, "s"), store.runs) == (2, 1, [])
    (stored,) = store.do(send("alice", event("r", "new")))
    assert (stored.seq, stored.duplicate) == (3, False), "the refused request's ids are still free"


def test_an_id_is_the_senders_in_all_rooms(store: Store) -> None:
    store.do(CreateRoom("s", "", "alice", ("bob",)))
    store.do(send("alice", event("r", "e", b"x")))
    with pytest.raises(EventIdReused):
        store.do(send("alice", event("s", "e", b"x")))
    (stored,) = store.do(send("bob", event("s", "e", b"x")))
    assert (stored.seq, stored.duplicate) == (2, False)


def test_a_duplicate_is_not_handed_on_again(store: Store) -> None:
    store.do(send("alice", event("r", "e")))
    store.runs.clear()
    store.do(send("alice", event("r", "e"), event("r", "f"), event("r", "e")))
    assert [(run.first_seq, run.last_seq) for run in store.runs] == [(3, 3)]
    assert head(store) == 3


def test_the_type_is_kept(store: Store) -> None:
    store.do(StoreEvents("alice", (NewEvent("e", "r", 1, b"", b"hash"),)))
    assert store.database.rows("SELECT type, content_hash FROM room_event WHERE event_id = 'e'")[0][0] == 1


def test_what_is_sent_around_a_joining_in_one_batch_is_for_who_was_there(store: Store) -> None:
    store.runs.clear()
    store.many(
        [
            send("alice", event("r", "1")),
            AddSubscriptions("r", ("carol",), "alice", False),
            send("carol", event("r", "2")),
            RemoveSubscriptions("r", ("bob",), "bob", False),
            send("alice", event("r", "3")),
        ]
    )
    assert [(run.first_seq, run.last_seq, sorted(run.recipients.profiles)) for run in store.runs] == [
        (2, 2, ["alice", "bob"]),
        (3, 3, ["alice", "bob", "carol"]),
        (4, 4, ["alice", "bob", "carol"]),
        (5, 5, ["alice", "bob", "carol"]),
        (6, 6, ["alice", "carol"]),
    ]
    found = store.ask(FindUnpublished(2**60, 100))
    assert [(run.first_seq, run.last_seq, run.recipients.profiles) for run in found][1:] == [
        (run.first_seq, run.last_seq, run.recipients.profiles) for run in store.runs
    ]


def test_members_stay_the_same_object_through_changes_that_change_nothing(store: Store) -> None:
    store.runs.clear()
    store.do(send("alice", event("r", "1")))
    store.do(AddSubscriptions("r", ("bob",), "alice", False))
    store.do(RemoveSubscriptions("r", ("nobody",), "alice", False))
    store.many([send("eve", event("r", "refused"))])
    store.do(send("bob", event("r", "2")))
    first, second = [run.recipients for run in store.runs]
    assert first is second


def test_who_was_named_twice_or_is_there_joins_once(store: Store) -> None:
    change = store.do(AddSubscriptions("r", ("dan", "carol", "carol", "bob"), "alice", False))
    assert change == MembershipChange(("carol", "dan"), 2)
    assert store.ask(GetRoom("r"))[0].member_count == 4
    assert store.do(RemoveSubscriptions("r", ("dan", "dan", "eve"), "alice", False)) == MembershipChange(("dan",), 3)


@pytest.mark.parametrize("change", [AddSubscriptions, RemoveSubscriptions])
def test_an_operator_needs_a_room_but_no_membership(store: Store, change: type[AddSubscriptions] | type[RemoveSubscriptions]) -> None:
    with pytest.raises(RoomNotFound):
        store.do(change("nowhere", ("bob",), "ops", True))
    with pytest.raises(NotAMember):
        store.do(change("r", ("bob",), "ops", False))
    store.do(change("r", ("bob", "carol"), "ops", True))
    assert "ops" not in [member.profile_id for member in store.ask(GetRoom("r"))[1]]


def test_a_member_may_remove_itself_and_nobody_with_it(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    for others in (("carol",), ("bob", "carol")):
        with pytest.raises(PermissionDenied):
            store.do(RemoveSubscriptions("r", others, "bob", False))
    assert head(store) == 2, "a refused change is no event"
    assert store.do(RemoveSubscriptions("r", ("bob",), "bob", False)).profiles == ("bob",)


def test_who_owned_a_room_and_left_owns_it_no_more(store: Store) -> None:
    store.do(RemoveSubscriptions("r", ("alice",), "alice", False))
    store.do(AddSubscriptions("r", ("alice",), "bob", False))
    with pytest.raises(PermissionDenied):
        store.do(RemoveSubscriptions("r", ("bob",), "alice", False))


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
