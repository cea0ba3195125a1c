"""Device streams over GET: server-sent events and lines of JSON."""

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientResponse

from chatd.client import Client
from chatd.errors import Unavailable
from chatd.gateway.authentication.identity import Identity
from chatd.gateway.fronts.http import events as module
from chatd.gateway.fronts.http.event_stream import EventStream
from chatd.gateway.fronts.http.event_text import FrameTexts, ServerSentEvents
from chatd.gateway.fronts.http.exchange import Exchange
from chatd.gateway.fronts.http.origins import Origins
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.gateway.v1.gateway_pb2 import Error, ServerFrame, Welcome
from tests.gateway.fronts.http import short_resume
from tests.gateway.fronts.http.serving import Caller, HttpDaemon
from tests.gateway.fronts.http.test_service import room
from tests.gateway.fronts.http.test_websocket import device
from tests.protocol.limited import OPERATOR, token_of

NOTIFIED = "A device that is away is notified"


class Events:
    """A response as EventSource reads it."""

    def __init__(self, response: ClientResponse) -> None:
        self._response = response
        self.last_id = ""

    async def next(self) -> tuple[str, Any]:
        """The name and the data of the next event; "end" and None at the end."""
        name, data = "message", []
        while line := (await asyncio.wait_for(self._response.content.readline(), 20)).decode():
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "id":
                self.last_id = value
            elif field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif not line.strip() and data:
                return name, json.loads("\n".join(data))
        return "end", None

    async def until(self, wanted: str) -> Any:
        while True:
            name, data = await self.next()
            if name == wanted:
                return data
            assert name != "end"


@asynccontextmanager
async def events(caller: Caller, name: str, *, last_id: str = "", **query: str) -> AsyncIterator[Events]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    path = f"/v1/devices/{name}/events"
    async with caller.session.get(path, params=query, headers=headers) as response:
        assert response.status == 200, await response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        assert re.fullmatch("[0-9a-f]{16}", response.headers["Chatd-Log"])
        yield Events(response)


async def send(caller: Caller, name: str, text: str) -> int:
    sent = await caller.ask("POST", f"/v1/rooms/{name}/events", json={"text": text})
    return int(sent.json["seq"])


async def owed(daemon: HttpDaemon, user: str, name: str) -> int:
    async with Caller(daemon.url, user) as caller:
        answer = await caller.ask(
            "GET",
            f"/v1/devices/{name}/events",
            params={"poll": "1", "ack": "explicit"},
            headers={"Accept": "application/x-ndjson"},
        )
    return sum(b'"delivery"' in line for line in answer.body.splitlines())


async def until_nothing_is_owed(daemon: HttpDaemon, name: str) -> None:
    """An operator sees it, without being the device."""
    request = admin_pb2.ListDevicesRequest(device_id=name)
    async with Client(daemon.uri, OPERATOR) as operator, asyncio.timeout(20):
        while True:
            found = await operator.call("AdminService/ListDevices", request, admin_pb2.ListDevicesResponse)
            if [one.owed for one in found.devices] == [0]:
                return
            await asyncio.sleep(0.02)


async def test_events_come_and_are_acknowledged_when_they_have_arrived(daemon: HttpDaemon) -> None:
    name, web = room(), device()
    async with Caller(daemon.url, "ann") as ann:
        async with events(ann, web) as stream:
            await stream.until("caught_up")
            await ann.call("CreateRoom", room_id=name)
            await send(ann, name, "grüß\ndich")
            assert (await stream.next())[1]["event"]["seq"] == "1"
            kind, one = await stream.next()
            assert (kind, one["payload"]["text"]) == ("message", "grüß\ndich")
            assert stream.last_id.endswith(".2")
            await until_nothing_is_owed(daemon, web)
        assert await owed(daemon, "ann", web) == 0


async def test_a_new_device_begins_where_it_is_told(daemon: HttpDaemon) -> None:
    name, web = room(), device()
    async with Caller(daemon.url, "ann") as ann:
        await ann.call("CreateRoom", room_id=name)
        for text in "abc":
            await send(ann, name, text)
        async with events(ann, web, ack="explicit", start=f"seqs:{name}:2") as stream:
            kind, start = await stream.next()
            assert (kind, start) == ("new_device", {"seqs": {"rooms": [{"room_id": name, "after_seq": "2"}]}})
            for seq in "34":
                assert (await stream.next())[1]["event"]["seq"] == seq
        async with events(ann, web, start="joined") as stream:
            kind, one = await stream.next()
            assert (kind, one["event"]["seq"]) == ("message", "3"), "it is known"
        path = f"/v1/devices/{web}/events"
        refused = await ann.ask("GET", path, params={"start": "tomorrow"})
        assert (refused.status, refused.json["name"]) == (400, "INVALID_ARGUMENT")


async def test_explicit_acks(daemon: HttpDaemon) -> None:
    name, web = room(), device()
    async with Caller(daemon.url, "ann") as ann:
        async with events(ann, web, ack="explicit") as stream:
            await stream.until("caught_up")
            await ann.call("CreateRoom", room_id=name)
            ids = []
            for text in "abc":
                await send(ann, name, text)
            for _ in range(4):
                await stream.until("message")
                ids.append(stream.last_id)
            done = await ann.ask("POST", f"/v1/devices/{web}/ack", json={"up_to": ids[1]})
            assert done.status == 204
            for bad, status, code in (
                ("nonsense", 400, "INVALID_ARGUMENT"),
                ("0000.1", 409, "NO_STREAM"),
                (ids[0].partition(".")[0] + ".99", 400, "INVALID_ARGUMENT"),
            ):
                refused = await ann.ask("POST", f"/v1/devices/{web}/ack", json={"up_to": bad})
                assert (refused.status, refused.json["name"]) == (status, code)
        assert await owed(daemon, "ann", web) == 2


async def test_nobody_else_acknowledges(daemon: HttpDaemon) -> None:
    name, web = room(), device()
    async with (
        Caller(daemon.url) as nobody,
        Caller(daemon.url, "bob") as bob,
        Caller(daemon.url, "ann") as ann,
        events(ann, web, ack="explicit") as stream,
    ):
        await stream.until("caught_up")
        await ann.call("CreateRoom", room_id=name)
        await stream.until("message")
        for caller, path_device, status in ((nobody, web, 401), (bob, web, 409), (ann, device(), 409)):
            path = f"/v1/devices/{path_device}/ack"
            refused = await caller.ask("POST", path, json={"up_to": stream.last_id})
            assert refused.status == status, "the id of a delivery is no token"
        for caller, other in ((bob, web), (ann, device())):
            async with events(caller, other, last_id=stream.last_id) as theirs:
                await theirs.until("caught_up")
        await send(ann, name, "still here")
        assert (await stream.until("message"))["event"]["seq"] == "2"
    assert await owed(daemon, "ann", web) == 2


async def test_acks_are_no_refusals(daemon: HttpDaemon) -> None:
    web = device()
    async with Caller(daemon.url, "ann") as ann, events(ann, web, ack="explicit") as stream:
        await stream.until("caught_up")
        await ann.call("CreateRoom", room_id=room())
        await stream.until("message")
        body = json.dumps({"up_to": stream.last_id}) + " " * 200_000  # 50 refusals' worth, if it were one
        for _ in range(45):
            done = await ann.ask("POST", f"/v1/devices/{web}/ack", data=body)
            assert done.status == 204, done.body
        more = {"up_to": stream.last_id, "upto": 1}
        assert (await ann.ask("POST", f"/v1/devices/{web}/ack", json=more)).status == 400


async def test_a_connection_that_closes_has_received_nothing() -> None:
    class Transport:
        def is_closing(self) -> bool:
            return True

        def get_write_buffer_size(self) -> int:
            return 0

        def get_extra_info(self, name: str) -> socket.socket:
            other, _ = pair
            return other

    class Request:
        class request:
            transport = Transport()

    with closing((pair := socket.socketpair())[0]), closing(pair[1]):
        stream = EventStream(
            cast(Exchange, Request()), ServerSentEvents(), FrameTexts(), is_automatic=True, is_poll=False
        )
        assert not stream._has_been_received()


async def test_an_ack_that_was_refused_is_said_again_and_nobody_is_told() -> None:
    stream = EventStream(
        cast(Exchange, None), ServerSentEvents(), FrameTexts(), is_automatic=True, is_poll=False
    )
    stream.send(ServerFrame(welcome=Welcome(epoch=1)).SerializeToString())
    stream.sent = stream.acknowledged = 3
    stream.send(ServerFrame(error=Error(code=606, name="RATE_LIMITED", refused="ack")).SerializeToString())
    assert stream._is_looking()
    assert not stream._early


class Stuck:
    """A stream whose last acks nobody writes."""

    owner = ("ann", "web")
    is_open = True
    was_superseded = False

    def acknowledge(self, up_to: int) -> None: ...

    def leave(self) -> None: ...


async def test_an_old_stream_that_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Request:
        async def authenticate(self) -> Identity:
            return Identity("ann")

    monkeypatch.setattr(module, "_LEAVE_SECONDS", 0.01)
    streams = module.EventStreams(lambda seconds, action: None, Origins(()))
    streams._streams["0"] = cast(EventStream, Stuck())
    with pytest.raises(Unavailable):
        await streams._resume(cast(Exchange, Request()), "web", "0.1")


async def test_the_last_id_resumes_and_acknowledges(daemon: HttpDaemon) -> None:
    name, web = room(), device()
    async with Caller(daemon.url, "ann") as ann:
        async with events(ann, web, ack="explicit") as stream:
            await stream.until("caught_up")
            await ann.call("CreateRoom", room_id=name)
            for text in "abc":
                await send(ann, name, text)
            for _ in range(3):
                await stream.until("message")
            last_id = stream.last_id
        async with events(ann, web, last_id=last_id, ack="explicit") as stream:
            assert (await stream.until("message"))["event"]["seq"] == "4"
            await stream.until("caught_up")
        async with events(ann, web, last_id="0123456789abcdef.7", ack="explicit") as stream:
            seqs = [(await stream.until("message"))["event"]["seq"]]
            assert seqs == ["4"], "a stream that is not known acknowledges nothing"


async def test_a_poll_ends_when_it_has_caught_up(daemon: HttpDaemon) -> None:
    name, web = room(), device()
    async with Caller(daemon.url, "ann", Accept="application/x-ndjson") as ann:
        first = await ann.get(f"/v1/devices/{web}/events", params={"poll": "1", "start": "head"})
        assert (first.status, first.headers["Content-Type"]) == (200, "application/x-ndjson")
        assert [json.loads(line) for line in first.body.splitlines() if line] == [
            {"new_device": {"point": "START_POINT_HEAD"}},
            {"caught_up": {}},
        ]
        await ann.call("CreateRoom", room_id=name)
        await send(ann, name, "one")
        polled = await ann.get(f"/v1/devices/{web}/events", params={"poll": "1"})
        lines = [json.loads(line) for line in polled.body.splitlines() if line]
        assert [line["delivery"]["event"]["seq"] for line in lines[:2]] == ["1", "2"]
        assert lines[2] == {"caught_up": {}}
        again = await ann.get(f"/v1/devices/{web}/events", params={"poll": "1"})
        assert b"delivery" not in again.body


async def test_who_was_superseded_does_not_come_again(daemon: HttpDaemon) -> None:
    web, name = device(), room()
    async with (
        Caller(daemon.url, "ann") as ann,
        Client(daemon.uri, token_of("ann")) as client,
        events(ann, web, ack="explicit") as stream,
    ):
        await stream.until("caught_up")
        await ann.call("CreateRoom", room_id=name)
        await stream.until("message")
        async with client.stream(web) as native:
            closed = await stream.until("closed")
            assert closed["error"]["name"] == "SUPERSEDED"
            assert (await stream.next())[0] == "end"
            path = f"/v1/devices/{web}/events"
            last = {"Last-Event-ID": stream.last_id}
            assert (await ann.get(path, headers=last)).status == 204
            for user, status in (("bob", 200), ("eve", 401)):  # it is not theirs
                async with Caller(daemon.url, user) as other:
                    assert (await other.get(path, params={"poll": "1"}, headers=last)).status == status
            assert (await asyncio.wait_for(anext(native), 20)).room_id == name


async def test_signals_come_where_they_are_asked_for(daemon: HttpDaemon) -> None:
    name, web = room(), device()
    async with Caller(daemon.url, "ann") as ann, Caller(daemon.url, "bob") as bob:
        await ann.call("CreateRoom", room_id=name, profile_ids=["bob"])
        async with events(ann, web, signals="1") as stream:
            await stream.until("caught_up")
            assert (await bob.call("SetTyping", room_id=name, typing=True)).status == 200
            signal = await stream.until("signal")
            assert signal["typing"]["room_id"] == name


async def test_a_silent_stream_lives(tmp_path: Any) -> None:
    with HttpDaemon(tmp_path, {"HEARTBEAT_INTERVAL_MS": 1_000}) as daemon:
        async with Caller(daemon.url, "ann") as ann, events(ann, "web") as stream:
            await stream.until("caught_up")
            await asyncio.sleep(4)
            await ann.call("CreateRoom", room_id="r")
            assert (await stream.until("message"))["event"]["room_id"] == "r"


@pytest.mark.parametrize(
    ("user", "path", "status", "name"),
    [
        ("eve", "/v1/devices/d/events", 401, "UNAUTHENTICATED"),
        ("", "/v1/devices/d/events", 401, "UNAUTHENTICATED"),
        ("ann", "/v1/devices/a%20b/events", 400, "INVALID_ID"),
        ("ann", "/v1/devices/d/events?ack=never", 400, "INVALID_ARGUMENT"),
        ("ann", "/v1/devices/d/events?pol=1", 400, "INVALID_ARGUMENT"),
    ],
)
async def test_bad_requests(daemon: HttpDaemon, user: str, path: str, status: int, name: str) -> None:
    async with Caller(daemon.url, user) as caller:
        answer = await caller.get(path)
        assert (answer.status, answer.json["name"]) == (status, name)


async def test_a_token_of_other_devices_acknowledges_nothing(tmp_path: Path) -> None:
    daemon = HttpDaemon(tmp_path)
    with (tmp_path / "tokens.toml").open("a", encoding="utf-8") as tokens:
        tokens.write('[tokens.anns-phone]\nprofile = "ann"\ndevices = ["phone"]\n')
    phone = {"Authorization": "Bearer anns-phone"}
    path = "/v1/devices/web"
    with daemon:
        async with Caller(daemon.url, "ann") as ann, events(ann, "web", ack="explicit") as stream:
            await stream.until("caught_up")
            await ann.call("CreateRoom", room_id="r")
            await stream.until("message")
            last = stream.last_id
            refused = await ann.ask("POST", f"{path}/ack", json={"up_to": last}, headers=phone)
            assert (refused.status, refused.json["name"]) == (403, "PERMISSION_DENIED")
            resumed = await ann.get(f"{path}/events", headers=phone | {"Last-Event-ID": last})
            assert (resumed.status, resumed.json["name"]) == (403, "PERMISSION_DENIED")
            assert (await ann.ask("POST", f"{path}/ack", json={"up_to": last})).status == 204


async def until_presence(watcher: Caller, state: str) -> None:
    """Wait until the watcher is told that bob is in this state."""
    async with asyncio.timeout(20):
        while state not in str((await watcher.call("GetPresence", profile_ids=["bob"])).json):
            await asyncio.sleep(0.02)


async def test_one_whose_client_has_gone_is_online_until_its_time_to_resume_is_over(tmp_path: Path) -> None:
    """It is offline then, is notified, and a Last-Event-ID acknowledges nothing any more."""
    settings = {
        "NOTIFIERS": "log",
        "NOTIFY_DELAY_SECONDS": 0,
        "NOTIFY_TICK_SECONDS": 0.1,
        "PRESENCE_GRACE_SECONDS": 0,
    }
    with HttpDaemon(tmp_path, settings, module=short_resume.__name__) as daemon:
        name, web = room(), device()
        async with Caller(daemon.url, "bob") as bob, Caller(daemon.url, "ann") as ann:
            await ann.call("CreateRoom", room_id=name, profile_ids=["bob"])
            await bob.call("SetPush", device_id=web, notifier="log")
            async with events(bob, web, ack="explicit", start="head") as stream:
                await stream.until("caught_up")
                await send(bob, name, "in flight")  # and he takes part: she may see his presence
                await stream.until("message")
                await until_presence(ann, "ONLINE")
                gone_at = time.monotonic()
            await send(ann, name, "while it is away")
            async with asyncio.timeout(20):
                while NOTIFIED not in (log := daemon.log.read_text()):
                    await asyncio.sleep(0.02)
            assert time.monotonic() - gone_at > short_resume.RESUME_SECONDS
            assert "A stream ended" in log.partition(NOTIFIED)[0]
            await until_presence(ann, "OFFLINE")
            async with events(bob, web, last_id=stream.last_id, ack="explicit") as stream:
                again = await stream.until("message")
                assert (again["payload"]["text"], again["retry_count"]) == ("in flight", 1)
