"""Search over the wire, in whole daemons: of users with tokens of their own, some of them
hostile."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from chatctl.chat.search import Search
from chatd.client import Client
from chatd.default.search.index import LOCK
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.chat.v1.chat_pb2 import (
    RemoveRoomSubscriptionsRequest,
    SearchEventsRequest,
    SearchEventsResponse,
)
from tests.chatctl.chat.test_screen import screen
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation
from tests.protocol.limited import OPERATOR, token_of, write_tokens
from tests.store.other_session import holding

USERS = ("ann", "ben", "cleo", "eve")
METHOD = "ChatService/SearchEvents"


@pytest.fixture(scope="module")
def daemon(shared_db_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """It was started without search first, and has a message from then."""
    folder = tmp_path_factory.mktemp("search")
    write_tokens(folder, USERS)
    with (
        Daemon("all", folder, {"DB_URI": shared_db_uri}) as running,
        Conversation(running.uri, token_of("ann")) as ann,
    ):
        ann.create_room("old", "ben")
        ann.send_texts("old", "an old needle")
        assert ann.refused(METHOD, SearchEventsRequest(query="needle")) == 300
    with Daemon("all", folder, {"DB_URI": shared_db_uri, "SEARCH": "true"}) as running:
        yield running


@pytest.fixture
def users(daemon: Daemon) -> Iterator[dict[str, Conversation]]:
    made = {user: Conversation(daemon.uri, token_of(user)) for user in USERS}
    made["operator"] = Conversation(daemon.uri, OPERATOR)
    yield made
    for one in made.values():
        one.__exit__()


def search(user: Conversation, query: str, **fields: object) -> SearchEventsResponse:
    """The matches once all of the user's rooms are indexed."""
    request = SearchEventsRequest(query=query, **fields)  # type: ignore[arg-type]
    deadline = time.monotonic() + 60
    while True:
        reply = user.request(METHOD, request)
        assert not reply.HasField("error"), reply.error
        page = SearchEventsResponse.FromString(reply.payload)
        if not page.unindexed:
            return page
        assert time.monotonic() < deadline, f"{page.unindexed} events are not indexed"
        time.sleep(0.05)


def found(user: Conversation, query: str, **fields: object) -> list[str]:
    return [str(one.event.payload["text"]) for one in search(user, query, **fields).found]


def test_what_was_said_before_search_was_on_is_found(users: dict[str, Conversation]) -> None:
    assert found(users["ben"], "old needle") == ["an old needle"]
    assert found(users["eve"], "old needle") == []


def test_members_find_texts_and_strangers_do_not(users: dict[str, Conversation]) -> None:
    ann, ben, cleo = users["ann"], users["ben"], users["cleo"]
    ann.create_room("team", "ben", "cleo")
    ann.send_texts("team", "Das Grüß-Wort", "東京で会う", "👍🏽 שָׁלוֹם")
    assert found(ben, "gruss wort", room_ids=["team"]) == ["Das Grüß-Wort"]
    assert found(ben, "東京") == ["東京で会う"]
    assert found(ben, "👍 שלום") == ["👍🏽 שָׁלוֹם"]
    ann.request(
        "ChatService/RemoveRoomSubscriptions",
        RemoveRoomSubscriptionsRequest(room_id="team", profile_ids=["cleo"]),
    )
    ann.send_texts("team", "Wort behind cleo")
    assert len(found(ben, "wort")) == 2
    assert found(cleo, "wort") == ["Das Grüß-Wort"]
    assert found(users["eve"], "wort") == []
    for room in ("team", "nowhere"):
        refusal = users["eve"].request(METHOD, SearchEventsRequest(query="wort", room_ids=[room])).error
        assert (refusal.code, refusal.message) == (
            401,
            f"'eve' is not a member of room '{room}', or there is no such room",
        )


def test_what_is_removed_is_not_found(users: dict[str, Conversation]) -> None:
    operator, ann, ben = users["operator"], users["ann"], users["ben"]
    ann.create_room("purged", "ben", "cleo")
    ann.send_texts("purged", "secret 1", "secret 2")
    users["cleo"].send_texts("purged", "secret 3")
    assert len(found(ben, "secret")) == 3
    purge = admin_pb2.PurgeRoomHistoryRequest(room_id="purged", up_to_seq=2)
    operator.request("AdminService/PurgeRoomHistory", purge)
    assert found(ben, "secret") == ["secret 3", "secret 2"]
    erased = admin_pb2.EraseProfileResponse(more=True)
    while erased.more:
        reply = operator.request(
            "AdminService/EraseProfile", admin_pb2.EraseProfileRequest(profile_id="cleo")
        )
        erased = admin_pb2.EraseProfileResponse.FromString(reply.payload)
    assert found(ben, "secret") == ["secret 2"]
    assert found(operator, "secret") == ["secret 2"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (SearchEventsRequest(), 301),
        (SearchEventsRequest(query='"" * () \\'), 301),
        (SearchEventsRequest(query="x" * 1_001), 301),
        (SearchEventsRequest(query="x " * 500_000), 301),
        (SearchEventsRequest(query="a\0b"), 303),
        (SearchEventsRequest(query="a", room_ids=["r"] * 101), 301),
        (SearchEventsRequest(query="a", room_ids=["r:"]), 302),
        (SearchEventsRequest(query="a", sender_id=" "), 302),
        (SearchEventsRequest(query="a", since_us=-1), 301),
        (SearchEventsRequest(query="a", limit=51), 301),
        (SearchEventsRequest(query="a", after="first"), 301),
        (SearchEventsRequest(query="a", after=str(2**63)), 301),
    ],
    ids=str,
)
def test_what_is_refused(users: dict[str, Conversation], request_: SearchEventsRequest, code: int) -> None:
    assert users["eve"].refused(METHOD, request_) == code


@pytest.mark.parametrize(
    "query",
    ["' OR 1=1 --", '"; DROP TABLE room', "ab:* & !b", "NEAR(a b", "col:x ^y", "\\x", "{}[]x", "a<->b"],
)
def test_no_query_is_wrong_for_a_database(users: dict[str, Conversation], query: str) -> None:
    assert found(users["eve"], query) == []


async def test_the_screen_says_that_the_index_is_behind(
    daemon: Daemon, users: dict[str, Conversation]
) -> None:
    """Another node is at the index and stands still."""
    uri = daemon.settings["DB_URI"]
    if uri.startswith("sqlite"):
        return  # it has one node, whose pass nobody holds up
    users["ann"].create_room("shed")
    users["ann"].send_texts("shed", "a spade")
    assert found(users["ann"], "spade") == ["a spade"]
    with holding(uri, f"SELECT pg_advisory_xact_lock({LOCK})"):
        users["ann"].send_texts("shed", "another spade")
        async with screen(daemon, user="ann") as ann:
            await ann.types("/room shed")
            await ann.shows("another spade")
            await ann.types("/search spade")
            said = "1 with 'spade', which is all there is but for 1 event that the index does not have yet"
            await ann.until(lambda: len(ann.app.screen_stack) == 2 and said in ann.part("heading"))


async def look(daemon: Daemon, text: str, room: str) -> list[str]:
    """The lines that the screen's /search finds."""
    search = Search(room, text)
    async with Client(daemon.uri, token_of("ann")) as client:
        while search.more:
            await search.go_on(client)
    return [line.text for line in search.found]


def test_chatctl_searches_and_the_operators_use_is_audited(
    daemon: Daemon, users: dict[str, Conversation]
) -> None:
    users["ann"].create_room("lab")
    users["ann"].send_texts("lab", *(f"lab note {number}" for number in range(3)), "the next week")
    assert len(found(users["ann"], "lab")) == 3
    chatctl = Chatctl(daemon)
    as_operator = ("--token", OPERATOR)
    shown = chatctl(*as_operator, "search", "LAB", "note*", "--room", "lab", "--limit", "2", "--no-headers")
    assert [line.split("\t")[4] for line in shown.stdout.splitlines()] == ["lab note 2", "lab note 1"]
    place = shown.stderr.rpartition("--after ")[2].strip()
    (last,) = chatctl.json(*as_operator, "search", "lab", "note", "--after", place)
    assert (last["room_id"], last["text"]) == ("lab", "lab note 0")
    assert last["snippet"][0] == {"text": "lab", "matches": True}
    assert chatctl.json(*as_operator, "search", "week next") == []
    assert len(chatctl.json(*as_operator, "search", "next week", "--since", "1h")) == 1
    assert chatctl("--token", token_of("ann"), "search", "lab", code=0).stdout.count("lab note") == 3
    for code, arguments in ((2, ("search",)), (1, ("search", "lab", "--room", "nowhere"))):
        chatctl("--token", token_of("ann"), *arguments, code=code)
    assert asyncio.run(look(daemon, "note lab", "lab")) == ["lab note 0", "lab note 1", "lab note 2"]
    assert asyncio.run(look(daemon, "*", "lab")) == [], "no word: the history is read"
    deadline = time.monotonic() + 60
    while True:
        lines = chatctl.json(*as_operator, "audit", "--limit", "1000")
        if any(line["what"] == METHOD and line["objects"] == "room_ids=lab" for line in lines):
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "week" not in str(lines), "no line holds the words of a query"
