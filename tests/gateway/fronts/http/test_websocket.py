"""Device streams over WebSockets."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from chatd.client import Client
from chatd.errors import Superseded
from chatd.pb.chat.v1.chat_pb2 import RoomEvent, SendEventsRequest
from chatd.pb.events.v1.payloads_pb2 import EVENT_TYPE_MESSAGE
from chatd.pb.gateway.v1.gateway_pb2 import Ack, Bye, ClientFrame, Hello, RpcRequest, ServerFrame
from tests.core.test_websocket import said
from tests.gateway.fronts.http.serving import Caller, HttpDaemon
from tests.gateway.fronts.http.test_service import room
from tests.protocol.limited import token_of

JSON, PROTO = "chatd.v1.json", "chatd.v1.proto"


def device() -> str:
    return f"web-{uuid.uuid4().hex[:8]}"


async def hear(socket: ClientWebSocketResponse) -> dict[str, Any]:
    """The next frame in JSON."""
    message = await socket.receive(timeout=20)
    assert message.type is WSMsgType.TEXT, message
    frame: dict[str, Any] = json.loads(message.data)
    return frame


async def hello(socket: ClientWebSocketResponse, user: str, name: str, **more: Any) -> dict[str, Any]:
    await socket.send_json({"hello": {"token": token_of(user), "device_id": name, "version": 1} | more})
    welcome = (await hear(socket))["welcome"]
    while "caught_up" not in await hear(socket):
        pass
    return welcome  # type: ignore[no-any-return]


async def delivered(socket: ClientWebSocketResponse) -> list[tuple[str, int]]:
    frame = await hear(socket)
    return [(one["event"]["room_id"], int(one["event"]["seq"])) for one in frame.get("deliveries", ())]


async def test_a_stream_in_json(daemon: HttpDaemon) -> None:
    name, web = room(), device()
    async with Caller(daemon.url, "ann") as ann:
        await ann.call("CreateRoom", room_id=name)
        async with ann.session.ws_connect("/v1/stream", protocols=[JSON]) as socket:
            welcome = await hello(socket, "ann", web)
            assert (welcome["profile_id"], welcome["device_id"], welcome["epoch"]) == ("ann", web, "1")
            await ann.ask("POST", f"/v1/rooms/{name}/events", json={"text": "grüß dich"})
            (one,) = (await hear(socket))["deliveries"]
            assert (one["payload"], one["event"]["seq"]) == ({"text": "grüß dich"}, "2")
            await socket.send_json({"heartbeat": {"mark": "7"}})
            assert await hear(socket) == {"heartbeat": {"mark": "7"}}
            call = {"call_id": "3", "method": "ChatService/ListUnread"}
            await socket.send_json({"call": call})
            assert (await hear(socket))["reply"]["call_id"] == "3"
            await socket.send_json({"ack": {"up_to": 1}})
            await socket.send_json({"bye": {}})
            assert (await hear(socket))["closed"]["error"]["name"] == "OK"
            assert (await socket.receive(timeout=20)).type is WSMsgType.CLOSE
            assert socket.close_code == 4000
        async with ann.session.ws_connect("/v1/stream", protocols=[JSON]) as socket:
            await hello(socket, "ann", web)
            await ann.ask("POST", f"/v1/rooms/{name}/events", json={"text": "next"})
            assert await delivered(socket) == [(name, 3)], "what was acknowledged does not come again"


async def test_a_stream_in_protobuf(daemon: HttpDaemon) -> None:
    name = room()
    async with (
        Caller(daemon.url, "ann") as ann,
        ann.session.ws_connect("/v1/stream", protocols=["x", PROTO, JSON]) as socket,
    ):
        assert socket.protocol == PROTO
        frame = ClientFrame(hello=Hello(token=token_of("ann"), device_id=device(), version=1))
        await socket.send_bytes(frame.SerializeToString())
        while not (await proto(socket)).HasField("caught_up"):
            pass
        await ann.call("CreateRoom", room_id=name)
        large = "x" * 60_000
        await ann.ask("POST", f"/v1/rooms/{name}/events", json={"text": large})
        seen: list[int] = []
        while 2 not in seen:
            frames = (await proto(socket)).deliveries
            seen += [one.event.seq for one in frames if one.event.room_id == name]
        assert frames[-1].payload["text"] == large
        await socket.send_bytes(ClientFrame(ack=Ack(up_to=len(seen))).SerializeToString())
        await socket.send_bytes(ClientFrame(bye=Bye()).SerializeToString())
        assert (await proto(socket)).closed.error.code == 0


async def proto(socket: ClientWebSocketResponse) -> ServerFrame:
    return ServerFrame.FromString(await socket.receive_bytes(timeout=20))


async def test_a_device_goes_from_front_to_front(daemon: HttpDaemon) -> None:
    name, phone = room(), device()
    async with (
        Caller(daemon.url, "ann") as ann,
        Client(daemon.uri, token_of("ann")) as client,
        client.stream(phone) as stream,
    ):
        await stream.caught_up()
        async with ann.session.ws_connect("/v1/stream", protocols=[JSON]) as socket:
            await hello(socket, "ann", phone)
            with pytest.raises(Superseded):
                await asyncio.wait_for(anext(stream), 20)
            await ann.call("CreateRoom", room_id=name)
            assert await delivered(socket) == [(name, 1)]
            async with client.stream(phone) as back:
                closed = (await hear(socket))["closed"]["error"]
                assert (closed["name"], closed["code"]) == ("SUPERSEDED", 600)
                await socket.receive(timeout=20)
                assert socket.close_code == 4600
                one = await asyncio.wait_for(anext(back), 20)
                assert (one.room_id, one.seq) == (name, 1), "it was not acknowledged"


@pytest.mark.parametrize(
    ("said", "code", "name"),
    [
        ({"hello": {"token": "none", "device_id": "d", "version": 1}}, 4200, "UNAUTHENTICATED"),
        ({"hello": {"token": token_of("ann"), "device_id": "d"}}, 4103, "UNSUPPORTED_VERSION"),
        ({"ack": {"up_to": 1}}, 4104, "NO_STREAM"),
    ],
)
async def test_what_ends_a_stream_closes_the_socket(
    daemon: HttpDaemon, said: dict[str, object], code: int, name: str
) -> None:
    async with (
        Caller(daemon.url) as nobody,
        nobody.session.ws_connect("/v1/stream", protocols=[JSON]) as socket,
    ):
        await socket.send_json(said)
        assert (await hear(socket))["closed"]["error"]["name"] == name
        assert (await socket.receive(timeout=20)).type is WSMsgType.CLOSE
        assert socket.close_code == code


@pytest.mark.parametrize("said", ["", "{", "[]", '{"none": 1}', '{"ack": 5}', "\ud800", b"\x1a\x00"])
async def test_what_is_no_frame_is_refused_and_the_stream_goes_on(
    daemon: HttpDaemon, said: str | bytes
) -> None:
    async with (
        Caller(daemon.url) as nobody,
        nobody.session.ws_connect("/v1/stream", protocols=[JSON]) as socket,
    ):
        await hello(socket, "ann", device())
        if isinstance(said, bytes):
            await socket.send_bytes(said)
        elif said == "\ud800":
            await socket.send_str('{"heartbeat": {"mark": "\\ud800"}}')
        else:
            await socket.send_str(said)
        assert (await hear(socket))["error"]["name"] in ("MALFORMED_FRAME", "UNKNOWN_FRAME")
        await socket.send_json({"heartbeat": {}})
        assert await hear(socket) == {"heartbeat": {}}


@pytest.mark.parametrize(
    ("headers", "protocols", "status"),
    [
        ({"Origin": "https://evil.example"}, [JSON], 403),
        ({}, ["soap"], 400),
        ({}, [], 400),
    ],
)
async def test_who_gets_no_socket(
    daemon: HttpDaemon, headers: dict[str, str], protocols: list[str], status: int
) -> None:
    async with Caller(daemon.url) as nobody:
        with pytest.raises(WSServerHandshakeError) as refused:
            await nobody.session.ws_connect("/v1/stream", protocols=protocols, headers=headers)
        assert refused.value.status == status


async def test_a_page_of_the_address_itself_may(daemon: HttpDaemon) -> None:
    async with Caller(daemon.url, Origin=daemon.url) as page:
        async with page.session.ws_connect("/v1/stream", protocols=[JSON]) as socket:
            await hello(socket, "ann", device())
        assert (await page.get("/v1/stream", headers={"Sec-WebSocket-Protocol": JSON})).status == 400


async def test_who_says_nothing_in_time_is_hung_up_on(tmp_path: Any) -> None:
    with HttpDaemon(tmp_path, {"HANDSHAKE_TIMEOUT_MS": 300}) as daemon:
        async with (
            Caller(daemon.url) as nobody,
            nobody.session.ws_connect("/v1/stream", protocols=[JSON]) as socket,
        ):
            assert (await socket.receive(timeout=20)).type in (
                WSMsgType.CLOSED,
                WSMsgType.ERROR,
                WSMsgType.CLOSE,
            )


@pytest.mark.parametrize("kind", ["ping", "pong"])
async def test_a_flood_of_pings_is_hung_up_on(daemon: HttpDaemon, kind: str) -> None:
    async with (
        Caller(daemon.url) as nobody,
        nobody.session.ws_connect("/v1/stream", protocols=[JSON], autoping=False) as socket,
    ):
        await hello(socket, "ann", device())
        with pytest.raises(ConnectionError):
            await flood(socket, kind)


async def flood(socket: ClientWebSocketResponse, kind: str) -> None:
    for _ in range(100_000):
        await getattr(socket, kind)()
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("wire", "code"),
    [(b"\x81\x05Hello", 1002), (said(1, b"\xff"), 1007), (said(1, bytes(1 << 25))[:14], 1009)],
)
async def test_what_is_no_websocket_is_closed(daemon: HttpDaemon, wire: bytes, code: int) -> None:
    async with (
        Caller(daemon.url) as nobody,
        nobody.session.ws_connect("/v1/stream", protocols=[JSON]) as socket,
    ):
        await hello(socket, "ann", device())
        transport_of(socket).write(wire)
        assert (await socket.receive(timeout=20)).type is WSMsgType.CLOSE
        assert socket.close_code == code


async def test_a_message_may_come_in_parts_and_pings_are_answered(daemon: HttpDaemon) -> None:
    async with (
        Caller(daemon.url) as nobody,
        nobody.session.ws_connect("/v1/stream", protocols=[JSON], autoping=False) as socket,
    ):
        await hello(socket, "ann", device())
        transport_of(socket).write(said(1, b'{"heart', fin=0) + said(9, b"?") + said(0, b'beat":{}}'))
        pong = await socket.receive(timeout=20)
        assert (pong.type, pong.data) == (WSMsgType.PONG, b"?")
        assert await hear(socket) == {"heartbeat": {}}


async def test_one_that_is_cut_off_ends_at_once(daemon: HttpDaemon) -> None:
    phone = device()
    async with Caller(daemon.url) as nobody:
        async with nobody.session.ws_connect("/v1/stream", protocols=[JSON]) as socket:
            await hello(socket, "ann", phone)
            transport_of(socket).abort()
        async with asyncio.timeout(20):
            while not any(
                f'"device": "{phone}"' in line and "the connection ended" in line
                for line in daemon.log.read_text().splitlines()
            ):
                await asyncio.sleep(0.05)


async def test_lines_in_a_text_are_no_small_chunks(daemon: HttpDaemon) -> None:
    lines = "\r\n" * 3_000
    async with Caller(daemon.url, "ann") as ann:
        name = room()
        await ann.call("CreateRoom", room_id=name)
        async with ann.session.ws_connect("/v1/stream", protocols=[PROTO]) as socket:
            event = RoomEvent(event_id=uuid.uuid4().hex, room_id=name, type=EVENT_TYPE_MESSAGE)
            event.payload["text"] = lines
            call = RpcRequest(
                call_id=1,
                method="ChatService/SendEvents",
                payload=SendEventsRequest(events=[event]).SerializeToString(),
                token=token_of("ann"),
            )
            await socket.send_bytes(ClientFrame(call=call).SerializeToString())
            assert not (await proto(socket)).reply.HasField("error")


async def test_one_that_does_not_read_is_alone_in_it(tmp_path: Any) -> None:
    with HttpDaemon(tmp_path) as daemon:
        async with Caller(daemon.url, "ann") as ann, Caller(daemon.url, "bob") as bob:
            await ann.call("CreateRoom", room_id="r", profile_ids=["bob"])
            async with ann.session.ws_connect("/v1/stream", protocols=[JSON]) as slow:
                window = {"window_messages": 10_000, "window_bytes": 16_777_216}
                await hello(slow, "ann", "slow", **window)
                transport_of(slow).pause_reading()
                async with bob.session.ws_connect("/v1/stream", protocols=[JSON]) as quick:
                    await hello(quick, "bob", "quick", **window)
                    text = "x" * 60_000
                    for number in range(150):
                        sent = await ann.ask("POST", "/v1/rooms/r/events", json={"text": text})
                        assert sent.status == 200
                        await delivered_up_to(quick, int(sent.json["seq"]))
                        await quick.send_json({"ack": {"up_to": number + 1}})
                    resident = resident_mib(daemon.pid)
                    assert resident < 400
                transport_of(slow).resume_reading()
                await delivered_up_to(slow, int(sent.json["seq"]))


def transport_of(socket: ClientWebSocketResponse) -> asyncio.Transport:
    transport = socket._reader._protocol.transport
    assert transport is not None
    return transport


async def delivered_up_to(socket: ClientWebSocketResponse, seq: int) -> None:
    """Hear deliveries until this one, which come in order."""
    while True:
        seqs = [number for _, number in await delivered(socket)]
        if seq in seqs:
            return


def resident_mib(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024
