"""The routes for people with curl."""

import uuid
from urllib.parse import quote

import pytest
from yarl import URL

from chatd.client import Client
from tests.gateway.fronts.http.serving import Caller, HttpDaemon
from tests.gateway.fronts.http.test_service import room
from tests.protocol.limited import token_of


async def test_a_text_comes_to_a_native_device_and_into_the_history(daemon: HttpDaemon) -> None:
    name = room()
    async with (
        Caller(daemon.url, "ann") as ann,
        Client(daemon.uri, token_of("bob")) as bob,
        bob.stream("phone") as stream,
    ):
        await stream.caught_up()
        await ann.call("CreateRoom", room_id=name, profile_ids=["bob"])
        sent = await ann.ask("POST", f"/v1/rooms/{name}/events", json={"text": "grüß dich"})
        assert (sent.status, sent.json["seq"], sent.json["duplicate"]) == (200, "2", False)
        async for delivery in stream:
            if delivery.room_id == name and delivery.seq == 2:
                assert (delivery.text, delivery.event_id) == ("grüß dich", sent.json["event_id"])
                break
        page = await ann.get(f"/v1/rooms/{name}/events", params={"limit": "1"})
        (one,) = page.json["events"]
        assert (one["event"]["seq"], one["payload"], page.json["more"]) == (
            "2",
            {"text": "grüß dich"},
            True,
        )
        before = await ann.get(f"/v1/rooms/{name}/events", params={"before": "2"})
        assert [one["event"]["seq"] for one in before.json["events"]] == ["1"]
        for query, seqs, more in (
            ({"after": "0", "limit": "1"}, ["1"], True),
            ({"after": "1"}, ["2"], False),
            ({"after": "0", "before": "2"}, ["1"], False),
            ({"after": "2"}, [], False),
            ({"around": "1", "limit": "1"}, ["1"], False),
            ({"until": "1"}, [], False),
            ({"since": "1"}, ["1", "2"], False),
        ):
            page = await ann.get(f"/v1/rooms/{name}/events", params=query)
            assert ([one["event"]["seq"] for one in page.json["events"]], page.json["more"]) == (seqs, more)
        async with Caller(daemon.url, "bob") as caller:
            rooms = (await caller.get("/v1/rooms")).json["rooms"]
            assert {one["room_id"]: one["unread"] for one in rooms}[name] == "1"
            assert (await caller.get("/v1/unread")).json["rooms"] == rooms


async def test_the_key_is_the_events_id(daemon: HttpDaemon) -> None:
    name, key = room(), uuid.uuid4().hex
    async with Caller(daemon.url, "ann") as ann:
        await ann.call("CreateRoom", room_id=name)
        path, headers = f"/v1/rooms/{name}/events", {"Idempotency-Key": key}
        first = await ann.ask("POST", path, json={"text": "one"}, headers=headers)
        again = await ann.ask("POST", path, json={"text": "one"}, headers=headers)
        assert (first.json["event_id"], again.json["seq"]) == (key, first.json["seq"])
        assert (first.json["duplicate"], again.json["duplicate"]) == (False, True)
        other = await ann.ask("POST", path, json={"text": "two"}, headers=headers)
        assert (other.status, other.json["name"]) == (409, "EVENT_ID_REUSED")
        named = await ann.ask("POST", path, json={"text": "one", "event_id": key}, headers=headers)
        assert (named.status, named.json["duplicate"]) == (200, True)
        two = await ann.ask("POST", path, json={"text": "one", "event_id": f"not-{key}"}, headers=headers)
        assert (two.status, two.json["name"]) == (400, "INVALID_ARGUMENT")


async def test_an_event_may_have_more_than_a_text(daemon: HttpDaemon) -> None:
    name = room()
    async with Caller(daemon.url, "ann") as ann:
        await ann.call("CreateRoom", room_id=name, profile_ids=["bob"])
        event = {"text": "@bob", "mentions": ["bob"], "payload": {"thread": 7}, "priority": 2}
        sent = await ann.ask("POST", f"/v1/rooms/{name}/events", json=event)
        assert sent.status == 200, sent.body
        page = await ann.get(f"/v1/rooms/{name}/events", params={"limit": "1"})
        (one,) = page.json["events"]
        assert one["payload"] == {"text": "@bob", "thread": 7}
        assert (one["event"]["mentions"], one["event"]["priority"]) == (["bob"], 2)


async def test_a_room_id_is_quoted_in_the_path(daemon: HttpDaemon) -> None:
    name = f"a/b%{uuid.uuid4().hex[:4]}?ü"
    async with Caller(daemon.url, "ann") as ann:
        await ann.call("CreateRoom", room_id=name)
        path = URL(f"/v1/rooms/{quote(name, safe='')}/events", encoded=True)
        sent = await ann.ask("POST", path, json={"text": "x"})
        assert (sent.status, sent.json["room_id"]) == (200, name)


@pytest.mark.parametrize(
    ("method", "path", "given", "status", "name"),
    [
        ("POST", "/v1/rooms/none/events", {"json": {"text": "x"}}, 403, "NOT_A_MEMBER"),
        ("POST", "/v1/rooms/none/events", {"json": {"text": 5}}, 400, "INVALID_ARGUMENT"),
        ("POST", "/v1/rooms/none/events", {"json": {}}, 400, "INVALID_TEXT"),
        ("POST", "/v1/rooms/a/events", {"json": {"text": "x", "room_id": "b"}}, 400, "INVALID_ARGUMENT"),
        ("POST", "/v1/rooms/none/events", {"json": {"payload": 3}}, 400, "INVALID_ARGUMENT"),
        ("GET", "/v1/rooms/none/events?before=-1", {}, 400, "INVALID_ARGUMENT"),
        ("GET", "/v1/rooms/none/events?limit=5&limit=6", {}, 400, "INVALID_ARGUMENT"),
        ("GET", "/v1/unread?lim=5", {}, 400, "INVALID_ARGUMENT"),
        ("GET", "/v1/unread?limit=99999999999999999999", {}, 400, "INVALID_ARGUMENT"),
        ("GET", "/v2/unread", {}, 404, "UNKNOWN_METHOD"),
        ("DELETE", "/v1/unread", {}, 405, "UNKNOWN_METHOD"),
    ],
)
async def test_bad_requests(
    daemon: HttpDaemon, method: str, path: str, given: dict[str, object], status: int, name: str
) -> None:
    async with Caller(daemon.url, "ann") as ann:
        answer = await ann.ask(method, path, **given)
        assert (answer.status, answer.json["name"]) == (status, name), answer.body
