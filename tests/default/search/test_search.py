"""Search on both databases: the same is found, and nobody finds what is not his."""

from random import Random

import pytest

from chatd.default.messages.history import GetHistory
from chatd.default.retention.store import PurgeLog
from chatd.default.rooms.membership import AddSubscriptions, RemoveSubscriptions
from chatd.default.rooms.store import CreateRoom
from chatd.default.search import search as searching
from chatd.default.search.search import SearchEvents
from chatd.default.search.terms import parse
from chatd.default.search.words import indexed_words, words
from chatd.errors import InvalidArgument, LimitReached, NotAMember, RoomNotFound
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.store.database import Database
from tests.default.search.conftest import SAID
from tests.default.search.driver import found, index, say, search, texts
from tests.store.driver import Store, event, send
from tests.store.release import payload

QUERIES: list[tuple[str, list[int]]] = [
    ("STRASSE angstrom", [0]),
    ("quick fox", [2, 1]),
    ('"quick brown"', [1]),
    ("deploy*", [8, 7]),
    ("deploy", [8]),
    ("東京", [3]),
    ("京都", [4, 3]),
    ("都", [4, 3]),
    ("む", [3]),
    ("東都", []),
    ("مرحبا", [5]),
    ("👍", [6]),
    ("it's quoted", [8]),
    ("quick NOT fox", []),
    ("nothing", []),
]


def test_both_databases_find_the_same(said: Store) -> None:
    for query, numbers in QUERIES:
        assert found(said, "bob", query) == [SAID[number] for number in numbers], query


def test_a_page_tells_the_event_and_where_it_matches(said: Store) -> None:
    (one,) = search(said, "bob", "tomorrow").found
    link = EventDelivery.FromString(one.delivery).event
    assert (link.room_id, link.seq, link.sender_id) == ("r", 9, "alice")
    assert one.snippet == (("deploying ", False), ("tomorrow", True))


def test_a_member_finds_what_was_said_while_it_was_one(store: Store) -> None:
    say(store, "r", "needle 1")
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    say(store, "r", "needle 2")
    store.do(RemoveSubscriptions("r", ("carol",), "carol", False))
    say(store, "r", "needle 3")
    index(store)
    assert found(store, "carol", "needle") == ["needle 2"], "one that has left still finds it"
    store.do(AddSubscriptions("r", ("carol",), "alice", False))
    say(store, "r", "needle 4")
    index(store)
    assert found(store, "carol", "needle") == ["needle 4", "needle 2"]
    assert found(store, "carol", "needle", rooms=("r",)) == ["needle 4", "needle 2"]
    assert found(store, "bob", "needle", limit=3) == ["needle 4", "needle 3", "needle 2"]
    assert found(store, "eve", "needle") == []
    assert found(store, "eve", "needle", operator=True) == [f"needle {number}" for number in (4, 3, 2, 1)]


def test_rooms_of_others_are_not_found(store: Store) -> None:
    store.do(CreateRoom("mine", "", "eve", ("mallory",)))
    say(store, "r", "needle of alice")
    say(store, "mine", "needle of eve", sender="eve")
    index(store)
    assert found(store, "eve", "needle") == ["needle of eve"]
    for room in ("r", "nowhere"):
        with pytest.raises(NotAMember, match="or there is no such room"):
            search(store, "eve", "needle", rooms=("mine", room))
    with pytest.raises(RoomNotFound):
        search(store, "eve", "needle", rooms=("nowhere",), operator=True)
    assert found(store, "eve", "needle", rooms=("r",), operator=True) == ["needle of alice"]


def test_a_room_whose_word_is_the_same_lets_nobody_in(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of rooms and senders are hashes: what they find is looked at once more."""
    monkeypatch.setattr("chatd.default.search.terms._digest", lambda text: "same")
    store.do(CreateRoom("mine", "", "bob", ("alice",)))
    store.do(CreateRoom("eves", "", "eve", ()))
    say(store, "r", "needle 1")
    say(store, "mine", "needle 2", sender="bob")
    index(store)
    assert found(store, "eve", "needle") == []
    assert found(store, "bob", "needle", rooms=("mine",)) == ["needle 2"]
    assert found(store, "bob", "needle", sender_id="alice") == ["needle 1"]


def test_sender_and_time(said: Store) -> None:
    say(said, "r", "the fox of bob", sender="bob")
    index(said)
    assert found(said, "alice", "fox", sender_id="bob") == ["the fox of bob"]
    assert len(found(said, "alice", "fox", sender_id="alice")) == 2
    assert found(said, "alice", "fox", sender_id="eve") == []
    deliveries, _ = said.ask(GetHistory("r", "alice", False, 0, 100))
    at = {link.seq: link.sent_at_us for link in (EventDelivery.FromString(one).event for one in deliveries)}
    assert found(said, "alice", "fox", since_us=at[11]) == ["the fox of bob"]
    assert len(found(said, "alice", "fox", until_us=at[11])) == 2
    assert found(said, "alice", "fox", since_us=at[11] + 1) == []


def test_times_far_apart(store: Store) -> None:
    for number, at_us in enumerate((5_000_000, 3_000_000, 10**15)):
        store.now_us = at_us
        say(store, "r", f"needle {number}")
    index(store)
    assert found(store, "bob", "needle") == ["needle 2", "needle 0", "needle 1"], "newest first"
    assert found(store, "bob", "needle", since_us=4_000_000, until_us=10**12) == ["needle 0"]
    assert found(store, "bob", "needle", since_us=2**63 - 1) == []


def test_pages_join_while_events_come(store: Store) -> None:
    store.do(CreateRoom("s", "", "alice", ("bob",)))
    for number in range(10):
        say(store, "rs"[number % 2], f"needle {number}")
    index(store)
    all_found: list[str] = []
    after = 0
    while True:
        page = search(store, "bob", "needle", after=after, limit=3)
        all_found += texts(page)
        say(store, "r", f"a newer needle {len(all_found)}")
        index(store)
        after = page.next_after
        if not after:
            break
    assert all_found == [f"needle {number}" for number in reversed(range(10))]


def test_a_page_is_bounded_by_bytes_and_by_matches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    large = payload("needle " + "x" * 60_000)
    store.do(send("alice", *(event("r", f"{number}", large) for number in range(30))))
    index(store)
    page = search(store, "bob", "needle", limit=50)
    assert 10 < len(page.found) < 20
    rest = search(store, "bob", "needle", limit=50, after=page.next_after)
    assert len(page.found) + len(rest.found) == 30

    store.do(CreateRoom("mine", "", "eve", ()))
    say(store, "mine", "needle of eve", sender="eve")
    store.now_us += 10_000
    store.do(send("alice", *(event("r", f"again {number}", large) for number in range(5))))
    index(store)
    monkeypatch.setattr(searching, "MAX_ROOM_WORDS", 0)
    monkeypatch.setattr(searching, "LOOK", 5)
    first = search(store, "eve", "needle")
    assert (first.found, first.next_after > 0) == ((), True), "five of others were looked at"
    assert found(store, "eve", "needle", after=first.next_after) == ["needle of eve"]


def test_matches_in_rooms_of_others_are_in_nobodys_way(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member of few of many rooms: the rooms are words of the query, and only those of its own
    are looked at."""
    monkeypatch.setattr(searching, "LOOK", 5)
    store.do(CreateRoom("mine", "", "eve", ()))
    for number in range(3):
        say(store, "mine", f"needle of eve {number}", sender="eve")
        store.do(send("alice", *(event("r", f"{number} {one}", payload("needle")) for one in range(20))))
    index(store)
    page = search(store, "eve", "needle", limit=2)
    assert texts(page) == ["needle of eve 2", "needle of eve 1"]
    assert found(store, "eve", "needle", after=page.next_after) == ["needle of eve 0"]


def test_what_is_not_indexed_yet_is_counted(store: Store) -> None:
    index(store)
    say(store, "r", "one", "two")
    assert [search(store, who, "one").unindexed for who in ("bob", "eve")] == [2, 0]
    index(store)
    assert texts(search(store, "bob", "one")) == ["one"]
    assert search(store, "bob", "one").unindexed == 0
    say(store, "r", "three")
    assert search(store, "eve", "one", operator=True).unindexed == 1
    assert search(store, "bob", "one", rooms=("r",)).unindexed == 1
    store.do(RemoveSubscriptions("r", ("bob",), "bob", False))
    assert search(store, "bob", "one").unindexed == 0, "one that has left learns nothing of the room"
    store.do(PurgeLog("r", 4, 0, 1_000, 0))
    assert search(store, "alice", "one").unindexed == 1


def test_a_search_that_takes_too_long_is_refused(said: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def forever(self: SearchEvents, database: Database, rooms: object) -> object:
        return database.rows(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)
            SELECT COUNT(*) FROM n
            """
        )

    with monkeypatch.context() as patch:
        patch.setattr(searching, "SECONDS", 0.001)
        patch.setattr(SearchEvents, "_matches", forever)
        with pytest.raises(LimitReached, match="takes too long"):
            search(said, "bob", "fox")
    assert len(found(said, "bob", "fox")) == 2, "the reader's connection goes on"


def test_postgresql_searches_by_the_index(postgres_uri: str) -> None:
    """Its planner is kept from reading documents in their order until enough match, which may be
    never: the statistics say what is frequent, not where it is. SQLite has no other way."""
    store = Store(postgres_uri)
    plans = {}
    with store.database.connection(readonly=False):
        store.database.run(
            "INSERT INTO search_document SELECT g, 'x', g, CAST('w' || MOD(g, 500) || ' c' || MOD(g, 3) AS tsvector) "
            "FROM generate_series(1, 30000) g"
        )
        store.database.run("ANALYZE search_document")
        for word in ("'w7'", "'c1'"):
            plans[word] = str(store.database.rows(f"EXPLAIN {searching.POSTGRES}", (word, 0, 2**62, 1_000)))
    store.close()
    assert "search_document_words" in plans["'w7'"]
    assert "search_document_pkey" not in plans["'c1'"]


def test_every_word_of_every_text_finds_it(store: Store) -> None:
    """Texts of all kinds of signs, and queries made of them: no database finds a fault."""
    random = Random(7)
    signs = "ab1é ß'\"*\\:|&!()<>-_.,;%\n\t 東京か゛スวั안👍🏽🇩\u202e\u200d\u0301שָמَ\ue000½ﬁ"
    said = ["".join(random.choices(signs, k=random.randint(1, 30))) for _ in range(100)]
    store.do(send("alice", *(event("r", f"{number}", payload(text)) for number, text in enumerate(said))))
    index(store)
    for text in said:
        looked_for = [word.text for word in words(text)]
        assert indexed_words(text) == looked_for
        if looked_for:
            whole = " ".join(f'"{word}"' for word in dict.fromkeys(looked_for[:10]))
            assert text in found(store, "bob", whole, limit=200), (text, whole)
        for query in (text, f'"{text}', f"{text}*"):
            try:
                terms = parse(query)
            except InvalidArgument:
                continue
            page = store.ask(SearchEvents(terms, "bob", False, limit=200))
            assert text in texts(page), query
