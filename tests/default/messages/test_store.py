"""Sending: duplicates, reused ids and refusals that leave no trace."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from chatd.core.model import CommittedRun
from chatd.core.priority import BULK, NORMAL, URGENT
from chatd.default.fan_out.repair import FindUnpublished
from chatd.default.messages.history import GetHistory
from chatd.default.messages.model import NewEvent, StoredEvent
from chatd.default.messages.priority import MAX_MENTIONS
from chatd.default.messages.store import MENTIONS_OF_AN_EVENT, StoreEvents
from chatd.default.receipts.store import SetReadMarker
from chatd.default.rooms.membership import RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom, GetRoom
from chatd.errors import ChatdError, EventIdReused, NotAMember
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame
from chatd.store.senders import SENDERS
from tests.store.driver import Store, at_once, event, send


def seqs(stored: tuple[StoredEvent, ...]) -> list[int]:
    return [one.seq for one in stored]


def head(store: Store, room: str = "r") -> int:
    return int(store.ask(GetRoom(room))[0].head_seq)


def test_the_same_id_and_content_is_stored_once(store: Store) -> None:
    (first, again) = store.do(send("alice", event("r", "e", b"x"), event("r", "e", b"x")))
    assert (first.seq, first.duplicate, again.seq, again.duplicate) == (2, False, 2, True)
    both = store.many([send("alice", event("r", "f", b"x")), send("alice", event("r", "f", b"x"))])
    assert [(one.seq, one.duplicate) for (one,) in both] == [(3, False), (3, True)]
    ((later),) = store.do(send("alice", event("r", "e", b"x")))
    assert (later.seq, later.duplicate, later.sent_at_us) == (2, True, first.sent_at_us)


def test_the_same_id_with_other_content_is_refused(store: Store) -> None:
    store.do(send("alice", event("r", "e", b"x")))
    in_batch = store.many([send("alice", event("r", "f", b"1")), send("alice", event("r", "f", b"2"))])
    assert isinstance(in_batch[1], EventIdReused)
    for request in (
        send("alice", event("r", "e", b"y")),
        send("alice", event("r", "g", b"1"), event("r", "g", b"2")),
    ):
        (refusal,) = store.many([request])
        assert isinstance(refusal, EventIdReused)


def test_another_senders_id_does_not_collide(store: Store) -> None:
    assert seqs(store.do(send("alice", event("r", "e", b"x")))) == [2]
    assert seqs(store.do(send("bob", event("r", "e", b"y")))) == [3]


def test_an_id_is_the_senders_in_all_rooms(store: Store) -> None:
    store.do(CreateRoom("s", "", "alice", ("bob",)))
    store.do(send("alice", event("r", "e", b"x")))
    with pytest.raises(EventIdReused):
        store.do(send("alice", event("s", "e", b"x")))
    (stored,) = store.do(send("bob", event("s", "e", b"x")))
    assert (stored.seq, stored.duplicate) == (2, False)


def test_a_refused_request_stores_nothing_and_touches_no_other(store: Store) -> None:
    results = store.many(
        [
            send("alice", event("r", "1")),
            send("alice", event("r", "2"), event("nowhere", "3")),
            send("eve", event("r", "4")),
            send("alice", event("r", "5"), event("r", "1", b"other")),
            send("bob", event("r", "6")),
        ]
    )
    assert [type(result) for result in results] == [tuple, NotAMember, NotAMember, EventIdReused, tuple]
    assert sorted(seqs(results[0]) + seqs(results[4])) == [2, 3]
    assert len(store.ask(GetHistory("r", "alice", False, 0, 100))[0]) == 3


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (send("alice", event("r", "new"), event("nowhere", "x")), NotAMember),
        (send("alice", event("r", "new"), event("private", "x")), NotAMember),
        (send("alice", event("r", "new"), event("r", "old", b"other")), EventIdReused),
        (send("alice", event("r", "new"), event("s", "new")), EventIdReused),
    ],
)
def test_a_refusal_of_the_last_event_stores_none_before_it(
    store: Store, request_: StoreEvents, error: type[ChatdError]
) -> None:
    store.do(CreateRoom("private", "", "eve", ()))
    store.do(CreateRoom("s", "", "alice", ()))
    store.do(send("alice", event("r", "old")))
    store.runs.clear()
    with pytest.raises(error):
        store.do(request_)
    assert (head(store), head(store, "s"), store.runs) == (2, 1, [])
    (stored,) = store.do(send("alice", event("r", "new")))
    assert (stored.seq, stored.duplicate) == (3, False), "the refused request's ids are still free"


def test_a_duplicate_is_not_fanned_out_again(store: Store) -> None:
    store.do(send("alice", event("r", "e")))
    store.runs.clear()
    store.do(send("alice", event("r", "e"), event("r", "f"), event("r", "e")))
    assert [(run.first_seq, run.last_seq) for run in store.runs] == [(3, 3)]
    assert head(store) == 3


def test_the_type_is_kept(store: Store) -> None:
    store.do(StoreEvents("alice", (NewEvent("e", "r", 1, b"", b"hash"),)))
    assert store.database.rows("SELECT type, content_hash FROM room_event WHERE event_id = 'e'")[0][0] == 1


def test_a_sender_that_left_is_refused(store: Store) -> None:
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    (refusal,) = store.many([send("bob", event("r", "e"))])
    assert isinstance(refusal, NotAMember)


def test_a_retry_gets_its_first_answer_although_its_sender_has_left(store: Store) -> None:
    (first,) = store.do(send("bob", event("r", "e")))
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    (again,) = store.do(send("bob", event("r", "e")))
    assert (again.seq, again.duplicate) == (first.seq, True)


def test_a_request_is_stored_beside_thousands_of_unknown_rooms(store: Store) -> None:
    requests = [
        send("alice", *(event(f"unknown-{turn}-{number}", f"{turn}-{number}") for number in range(250)))
        for turn in range(140)
    ]
    results = store.many([*requests, send("alice", event("r", "fine"))])
    assert {type(result) for result in results[:-1]} == {NotAMember}
    assert seqs(results[-1]) == [2]


def test_priority_and_mentions_travel_in_the_delivery_and_with_the_run(store: Store) -> None:
    store.do(
        send(
            "alice",
            event("r", "1", priority=BULK),
            event("r", "2", priority=URGENT, mentions=("bob", "carol")),
            event("r", "3"),
        )
    )
    run: CommittedRun = store.runs[-1]
    assert run.priority == URGENT
    links = [one.event for one in ServerFrame.FromString(run.records).deliveries]
    assert [(link.priority, list(link.mentions)) for link in links] == [
        (BULK, []),
        (URGENT, ["bob", "carol"]),
        (NORMAL, []),
    ]
    store.do(send("alice", event("r", "4", priority=BULK)))
    assert store.runs[-1].priority == BULK
    assert {found.priority for found in store.ask(FindUnpublished(before_us=2**62, limit=100)).runs} == {
        URGENT
    }


def test_a_request_weighs_its_events() -> None:
    assert StoreEvents("alice", (event("r", "1"), event("r", "2"))).weight() == 2


def test_a_request_s_mentions_weigh_their_rows() -> None:
    """Ten such events are a batch that a hundred without are not."""
    most = tuple(f"p{number}" for number in range(MAX_MENTIONS))
    meant = tuple(event("r", str(number), priority=1, mentions=most) for number in range(10))
    assert StoreEvents("alice", meant).weight() == 10 + 10 * MAX_MENTIONS // MENTIONS_OF_AN_EVENT
    few = event("r", "1", priority=1, mentions=most[:2])
    assert StoreEvents("alice", (few,)).weight() == 1


def test_an_event_sent_to_two_nodes_is_stored_once(nodes: tuple[Store, Store]) -> None:
    nodes[0].do(CreateRoom("a", "", "alice", ()))
    nodes[0].do(CreateRoom("b", "", "alice", ()))
    places: dict[str, set[int]] = {}

    def work(store: Store) -> None:
        for number in range(100):
            (stored,) = store.do(send("alice", event("a", f"e{number}")))
            places.setdefault(stored.event_id, set()).add(stored.seq)

    at_once(nodes, work)
    assert all(len(seqs) == 1 for seqs in places.values())
    assert len(nodes[0].ask(GetHistory("a", "alice", False, 0, 500))[0]) == 101


def test_an_event_sent_through_two_nodes_is_new_to_one_and_a_duplicate_to_the_other(
    nodes: tuple[Store, Store],
) -> None:
    nodes[0].do(CreateRoom("a", "", "alice", ()))
    for number in range(40):
        command = send("alice", event("a", f"e{number}", b"x"))
        (one,), (two,) = at_once(nodes, partial(Store.do, command=command))
        assert (one.seq, one.sent_at_us) == (two.seq, two.sent_at_us)
        assert {one.duplicate, two.duplicate} == {True, False}


def test_batches_that_overlap_in_rooms_of_their_own_are_stored_once(nodes: tuple[Store, Store]) -> None:
    """Room locks do not serialize these two: only the unique index knows, and both batches hold
    other requests too."""
    for room in ("a", "b"):
        nodes[0].do(CreateRoom(room, "", "alice", ()))
    ids = [f"e{number}" for number in range(60)]

    def work(node: Store) -> list[object]:
        room = "a" if node is nodes[0] else "b"
        order = ids if node is nodes[0] else ids[::-1]
        return node.many([send("alice", event(room, one)) for one in order])

    results = at_once(nodes, work)
    stored = [result for result in (*results[0], *results[1]) if isinstance(result, tuple)]
    assert len(stored) == len(ids), (
        "the other room's event of the same id is other content: refused, never stored twice"
    )
    in_logs = sum(len(nodes[0].ask(GetHistory(room, "alice", False, 0, 500))[0]) for room in ("a", "b"))
    assert in_logs == len(ids) + 2
    for room in ("a", "b"):
        places = sorted(one.seq for result in stored for one in result if one.room_id == room)
        assert places == list(range(2, len(places) + 2))


def test_only_a_sender_that_had_read_all_and_a_mention_cost_a_statement_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []

    def noted(run: Callable[..., Any]) -> Callable[..., Any]:
        def one(sql: str, *rest: Any) -> Any:
            statements.append(sql)
            return run(sql, *rest)

        return one

    monkeypatch.setattr(store.database, "run", noted(store.database.run))
    monkeypatch.setattr(store.database, "rows", noted(store.database.rows))

    def cost(*events: NewEvent) -> int:
        statements.clear()
        store.do(send("bob", *events))
        return len(statements)

    store.do(send("alice", event("r", "a1")))
    usual = cost(event("r", "b1"), event("r", "b2"))
    store.do(SetReadMarker("bob", "r", 3, ""))
    assert cost(event("r", "b3")) == usual, "its marker stands elsewhere"
    assert cost(event("r", "b4", priority=1, mentions=("nobody", "bob"))) == usual
    assert cost(event("r", "b5", priority=1, mentions=("alice",))) == usual + 1
    store.do(SetReadMarker("bob", "r", 100, ""))
    assert cost(event("r", "b6"), event("r", "b7")) == usual + 1
    if store.database.engine == "sqlite":
        values, parameters = store.database.values("tt", [("r", "bob")])
        sql = f"WITH v(room_id, sender_id) AS ({values}) {SENDERS}"
        plan = " ".join(str(row) for row in store.database.rows(f"EXPLAIN QUERY PLAN {sql}", parameters))
        assert (plan.count("SEARCH"), plan.count("SCAN v")) == (3, 1)
