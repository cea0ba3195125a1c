"""Unread counts: what others have said, and this person has not read, in rooms it is in; and what
of it mentions the person."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatd.core.member_role import MemberRole
from chatd.core.notable import FIRST_UNCOUNTED_TYPE, is_notable
from chatd.core.wire import link_of
from chatd.default.messages.model import NewEvent
from chatd.default.receipts.model import ReadMarker
from chatd.default.receipts.store import ListUnread, SetReadMarker
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.changes import UpdateRoom
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.model import RoomRules
from chatd.default.rooms.store import CreateRoom
from chatd.default.rooms.unread import Counts, read_unread
from chatd.store.command import Command
from tests.store.driver import Store, event, send
from tests.store.other_session import holding


def counts(store: Store, profile: str, room: str = "r") -> Counts | None:
    """By both ways of asking; None: not a member."""
    found, _ = store.ask(ListUnread(profile, (room,), "", 10))
    counted = Counts(found[0].unread, found[0].mentions) if found else None
    assert read_unread(store.database, ((profile, room),)).get((profile, room)) == counted
    return counted


def unread(store: Store, profile: str, room: str = "r") -> int | None:
    counted = counts(store, profile, room)
    return None if counted is None else counted.unread


def meant(room: str, event_id: str, *mentions: str, kind: int = 1, mention_all: bool = False) -> NewEvent:
    return NewEvent(event_id, room, kind, b"", b"", priority=1, mentions=mentions, mention_all=mention_all)


def test_own_messages_joins_and_changes_of_the_room_are_not_unread(store: Store) -> None:
    store.do(send("bob", *(event("r", f"b{number}") for number in range(3))))
    store.do(AddSubscriptions("r", ("carol",), by="alice", operator=False))
    store.do(UpdateRoom("r", "alice", False, name="new"))
    assert unread(store, "bob") == 0
    store.do(send("alice", event("r", "a1"), NewEvent("a2", "r", 16, b"", b"")))
    assert (unread(store, "bob"), unread(store, "alice"), unread(store, "carol")) == (2, 3, 2)
    assert store.do(SetReadMarker("bob", "r", 7, "")).unread == 1


def test_an_own_type_says_whether_it_counts(store: Store) -> None:
    last, first = FIRST_UNCOUNTED_TYPE - 1, FIRST_UNCOUNTED_TYPE
    store.do(send("alice", NewEvent("counts", "r", last, b"", b""), meant("r", "silent", "bob", kind=first)))
    assert counts(store, "bob") == (1, 0)
    while store.erase("alice").more:
        pass
    assert counts(store, "bob") == (0, 0)


def test_mentions_are_counted_apart(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol",), by="alice", operator=False))
    store.do(send("alice", meant("r", "1", "bob", "bob", "alice", "dave"), event("r", "2")))
    store.do(send("alice", meant("r", "3", "bob", mention_all=True), meant("r", "4", "carol")))
    assert [counts(store, one) for one in ("alice", "bob", "carol")] == [(0, 0), (4, 2), (4, 2)]
    marker = store.do(SetReadMarker("bob", "r", 3, ""))
    assert (marker.unread, marker.mentions) == (3, 1)
    store.do(AddSubscriptions("r", ("dave",), by="alice", operator=False))
    assert counts(store, "dave") == (0, 0), "it was no member then"
    store.do(RemoveSubscriptions("r", ("bob",), by="alice", operator=False))
    store.do(send("alice", meant("r", "5", "bob", mention_all=True)))
    store.do(AddSubscriptions("r", ("bob",), by="alice", operator=False))
    assert counts(store, "bob") == (0, 0)
    assert counts(store, "dave") == (1, 1)


def test_a_mention_ends_with_its_event_and_with_its_profile(store: Store) -> None:
    store.do(AddSubscriptions("r", ("carol",), "alice", False, role=MemberRole.MODERATOR))
    store.do(send("carol", meant("r", "c1", "bob"), meant("r", "c2", mention_all=True)))
    store.do(send("alice", meant("r", "a1", "bob", "carol"), meant("r", "a2", mention_all=True)))
    assert counts(store, "bob") == (4, 4)
    while store.erase("carol").more:
        pass
    assert counts(store, "bob") == (2, 2)
    assert store.database.rows("SELECT profile_id, seq FROM mention ORDER BY seq") == [("bob", 5), ("", 6)]
    store.publish()
    store.do(PurgeLog("r", 5, 0, 100, 0))
    assert counts(store, "bob") == (1, 1)
    store.do(PurgeLog("r", 100, 0, 100, 0))
    assert (counts(store, "bob"), store.database.rows("SELECT * FROM mention")) == ((0, 0), [])


def test_only_a_profile_that_had_read_all_has_read_what_it_sends(store: Store) -> None:
    def marker(profile: str) -> int:
        return store.do(SetReadMarker(profile, "r", 0, "")).seq

    store.do(send("bob", event("r", "b1")))
    assert marker("bob") == 0, "it has never read"
    store.do(SetReadMarker("bob", "r", 2, ""))
    store.do(SetReadMarker("alice", "r", 1, ""))
    sent = {"b2": "bob", "a1": "alice", "b3": "bob", "b4": "bob"}
    stored = store.many([send(sender, event("r", event_id)) for event_id, sender in sent.items()])
    wanted = 2
    for seq, event_id in sorted((one.seq, one.event_id) for (one,) in stored):
        wanted += sent[event_id] == "bob" and seq == wanted + 1
    assert (marker("bob"), marker("alice")) == (wanted, 1), "up to alice's"
    store.do(send("bob", event("r", "b5")))
    store.do(send("bob", event("r", "b2")))
    assert marker("bob") == wanted, "the one is behind alice's, the other was stored before"
    store.do(SetReadMarker("alice", "r", 7, ""))
    store.do(UpdateRoom("r", "alice", False, name="new"))
    assert marker("alice") == 7, "nobody sent it"


def test_a_marker_that_another_node_is_moving_does_not_hold_up_a_send(
    nodes: tuple[Store, Store], postgres_uri: str
) -> None:
    one, _ = nodes
    one.do(CreateRoom("r", "", "alice", ("bob",)))
    one.do(SetReadMarker("bob", "r", 1, ""))
    with holding(postgres_uri, "UPDATE read_marker SET read_at_us = 5"):
        one.do(send("bob", event("r", "b1")))
    one.do(send("bob", event("r", "b2")))
    stayed = one.do(SetReadMarker("bob", "r", 1, ""))
    assert (stayed.seq, counts(one, "bob")) == (1, (0, 0)), "it stays, and nothing is unread"
    one.do(send("alice", event("r", "a1")))
    assert counts(one, "bob") == (1, 0)
    one.do(SetReadMarker("bob", "r", 4, ""))
    one.do(send("bob", event("r", "b3")))
    assert one.do(SetReadMarker("bob", "r", 1, "")).seq == 5


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


def stood(store: Store, room: str) -> int:
    """Bob's marker."""
    rows = store.database.rows("SELECT seq FROM read_marker WHERE room_id = ?", (room,))
    return rows[0][0] if rows else 0


STEPS = st.lists(
    st.sampled_from(
        (
            "alice says",
            "alice means bob",
            "alice means all",
            "bob says",
            "bob means all",
            "bob is busy",
            "bob reads",
            "bob leaves",
            "bob comes",
            "purge",
        )
    ),
    min_size=1,
    max_size=25,
)


def _command(room: str, step: str, number: int) -> Command[object]:
    match step:
        case "alice says" | "bob says":
            said = (event(room, f"{room} {number}"), NewEvent(f"{room} {number} b", room, 20, b"", b""))
            return send(step.split()[0], *said)
        case "alice means bob":
            silent = meant(room, f"{room} {number} b", "bob", kind=FIRST_UNCOUNTED_TYPE)
            return send("alice", meant(room, f"{room} {number}", "bob", "carol"), silent)
        case "alice means all":
            return send("alice", meant(room, f"{room} {number}", "bob", mention_all=True))
        case "bob means all":
            return send("bob", meant(room, f"{room} {number}", "bob", mention_all=True))
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
    rules = RoomRules(mention_all=MemberRole.MEMBER)
    store.do(CreateRoom(room, "", "alice", ("bob",), rules=rules))
    marker = 0
    for number, step in enumerate(steps, 2):
        (result,) = store.many([_command(room, step, number)])  # a refusal changes nothing
        if isinstance(result, ReadMarker):
            assert result.seq >= marker
            marker = result.seq
        elif isinstance(result, tuple) and step.startswith("bob") and marker == result[0].seq - 1 > 0:
            marker = result[-1].seq
        assert stood(store, room) == marker
    counted = store.database.rows(
        """
        SELECT room_event.type, room_event.delivery
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
    links = [link_of(bytes(delivery)) for kind, delivery in counted if is_notable(kind)]
    mentions = sum("bob" in link.mentions or link.mention_all for link in links)
    assert (counts(store, "bob", room) or (0, 0)) == (len(links), mentions)
