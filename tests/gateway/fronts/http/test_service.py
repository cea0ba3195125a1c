"""ChatService over HTTP, in JSON and protobuf."""

import uuid

import pytest

from chatd.pb.chat.v1 import chat_pb2 as chat
from tests.gateway.fronts.http.serving import Caller, HttpDaemon

METHODS = [method.name for method in chat.DESCRIPTOR.services_by_name["ChatService"].methods]


def room() -> str:
    return f"room-{uuid.uuid4().hex[:8]}"


async def test_json_and_protobuf_say_the_same(daemon: HttpDaemon) -> None:
    name = room()
    async with Caller(daemon.url, "ann") as ann:
        made = await ann.call("CreateRoom", room_id=name, name="Büro")
        assert (made.status, made.json["room"]["name"], made.json["room"]["head_seq"]) == (200, "Büro", "1")
        request = chat.ListUnreadRequest(room_ids=[name]).SerializeToString()
        for kind in ("application/protobuf", "application/x-protobuf"):
            answer = await ann.ask(
                "POST",
                "/chat.v1.ChatService/ListUnread",
                data=request,
                headers={"Content-Type": kind},
            )
            assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
            (one,) = chat.ListUnreadResponse.FromString(answer.body).rooms
            assert (one.room_id, one.head_seq) == (name, 1)
        told = await ann.call("ListUnread", roomIds=[name])
        assert told.json == {
            "rooms": [
                {
                    "room_id": name,
                    "read_seq": "0",
                    "read_at_us": "0",
                    "head_seq": "1",
                    "unread": "0",
                    "mentions": "0",
                    "name": "Büro",
                }
            ],
            "more": False,
        }
        assert told.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_is_answered_by_a_node(daemon: HttpDaemon, method: str) -> None:
    async with Caller(daemon.url, "ann") as ann:
        answer = await ann.call(method)
    assert answer.status != 404 or answer.json["name"] != "UNKNOWN_METHOD"
    assert answer.status == 200 or answer.json["code"] in (301, 302, 400)


async def test_a_call_is_made_once(daemon: HttpDaemon) -> None:
    async with Caller(daemon.url, "ann") as ann:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        path = "/chat.v1.ChatService/CreateRoom"
        first = await ann.ask("POST", path, json={"name": "once"}, headers=key)
        again = await ann.ask("POST", path, json={"name": "once"}, headers=key)
        assert first.json["room"]["room_id"] == again.json["room"]["room_id"]
        other = await ann.ask("POST", path, json={"name": "twice"}, headers=key)
        assert (other.status, other.json["name"]) == (409, "REQUEST_ID_REUSED")


@pytest.mark.parametrize(
    ("path", "given", "status", "name"),
    [
        ("/chat.v1.ChatService/None", {"json": {}}, 404, "UNKNOWN_METHOD"),
        ("/admin.v1.AdminService/ListNodes", {"json": {}}, 404, "UNKNOWN_METHOD"),
        ("/node.v1.NodeService/Describe", {"json": {}}, 404, "UNKNOWN_METHOD"),
        ("/chat.v1.ChatService/ListUnread", {"data": b"{}"}, 400, "INVALID_ARGUMENT"),
        ("/chat.v1.ChatService/ListUnread", {"json": []}, 400, "INVALID_ARGUMENT"),
        ("/chat.v1.ChatService/ListUnread", {"json": {"none": 1}}, 400, "INVALID_ARGUMENT"),
        ("/chat.v1.ChatService/ListUnread", {"json": {"limit": "many"}}, 400, "INVALID_ARGUMENT"),
        ("/chat.v1.ChatService/CreateRoom", {"json": {"room_id": "a\0b"}}, 400, "INVALID_ID"),
        ("/chat.v1.ChatService/GetHistory", {"json": {"room_id": "no-room"}}, 403, "NOT_A_MEMBER"),
    ],
)
async def test_bad_requests(
    daemon: HttpDaemon, path: str, given: dict[str, object], status: int, name: str
) -> None:
    async with Caller(daemon.url, "ann") as ann:
        answer = await ann.ask("POST", path, **given)
        assert (answer.status, answer.json["name"]) == (status, name), answer.body
        assert sorted(answer.json) == ["code", "message", "name", "retry", "retry_after_ms"]


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"room_ids": ' + "[" * 5_000, "\xff", "nul", "1e999"])
async def test_what_is_no_json_is_refused(daemon: HttpDaemon, text: str) -> None:
    async with Caller(daemon.url, "ann", **{"Content-Type": "application/json"}) as ann:
        for path in ("/chat.v1.ChatService/ListUnread", "/v1/rooms/r/events"):
            answer = await ann.ask("POST", path, data=text.encode("latin-1"))
            assert (answer.status, answer.json["name"]) == (400, "INVALID_ARGUMENT")


async def test_a_refusal_names_fields_as_they_are_in_the_protocol(daemon: HttpDaemon) -> None:
    async with Caller(daemon.url, "ann") as ann:
        unknown = (await ann.call("GetHistory", room="r")).json["message"]
        assert '"room"' in unknown
        assert "\n" not in unknown
        assert "roomId" not in unknown
        for answer in (await ann.call("GetHistory", room_id="a\0b"), await ann.get("/v1/rooms/a%00b/events")):
            assert answer.json["message"] == "room_id holds a NUL"


async def test_damaged_protobuf_is_refused(daemon: HttpDaemon) -> None:
    async with Caller(daemon.url, "ann", **{"Content-Type": "application/protobuf"}) as ann:
        answer = await ann.ask("POST", "/chat.v1.ChatService/ListUnread", data=b"\xff\xff\xff")
        assert (answer.status, answer.json["name"]) == (400, "MALFORMED_FRAME")


async def test_an_operator_calls_as_anybody(daemon: HttpDaemon) -> None:
    name = room()
    async with Caller(daemon.url, "operator", **{"Chatd-Profile": "ann"}) as operator:
        made = await operator.call("CreateRoom", room_id=name)
        assert made.json["room"]["created_by"] == "ann"
    async with Caller(daemon.url, "ann", **{"Chatd-Profile": "bob"}) as ann:
        refused = await ann.call("ListUnread")
        assert (refused.status, refused.json["name"]) == (403, "PERMISSION_DENIED")


async def test_two_users_on_one_connection_are_two(daemon: HttpDaemon) -> None:
    name = room()
    async with Caller(daemon.url, "ann") as ann:
        await ann.call("CreateRoom", room_id=name)
        bobs = {"Authorization": "Bearer token-of-bob"}
        path = "/chat.v1.ChatService/GetHistory"
        refused = await ann.ask("POST", path, json={"room_id": name}, headers=bobs)
        assert (refused.status, refused.json["name"]) == (403, "NOT_A_MEMBER")
        assert (await ann.call("GetHistory", room_id=name)).status == 200
