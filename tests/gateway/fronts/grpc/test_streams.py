"""Device streams over gRPC."""

import asyncio
import time
import uuid
from pathlib import Path
from typing import Any

import grpc
import pytest

from chatd.client import Client
from chatd.errors import Superseded
from chatd.gateway.fronts.clogging import MAX_UNSENT
from chatd.pb.gateway.v1.gateway_pb2 import Ack, Bye, Heartbeat, Hello, RpcRequest
from tests.daemon.metrics.scraping import metrics_uri, value
from tests.daemons import free_port
from tests.gateway.fronts.grpc.serving import SECONDS, Caller, GrpcDaemon, Stream, error_of
from tests.gateway.fronts.grpc.test_calls import room
from tests.gateway.fronts.http.serving import Caller as HttpCaller
from tests.gateway.fronts.http.test_websocket import JSON, hear, hello
from tests.protocol.limited import token_of


def device() -> str:
    return f"grpc-{uuid.uuid4().hex[:8]}"


def send(caller: Caller, name: str, text: str) -> int:
    """The seq of a new event."""
    event = {"event_id": uuid.uuid4().hex, "room_id": name, "type": 1, "payload": {"text": text}}
    return int(caller.call("SendEvents", events=[event]).acks[0].seq)


def test_a_stream_and_its_resume(daemon: GrpcDaemon) -> None:
    name, phone = room(), device()
    with daemon.channel() as channel:
        ann = Caller(channel, "ann")
        ann.call("CreateRoom", room_id=name)
        with Stream(channel) as stream:
            welcome = stream.hello("ann", phone).welcome
            assert (welcome.profile_id, welcome.device_id, welcome.epoch) == ("ann", phone, 1)
            assert send(ann, name, "x" * 60_000) == 2
            assert next(stream.deliveries()) == (name, 2)
            stream.say(heartbeat=Heartbeat(mark=7))
            assert stream.hear().heartbeat.mark == 7
            stream.say(call=RpcRequest(call_id=3, method="ChatService/ListUnread"))
            assert stream.hear().reply.call_id == 3
            stream.say(ack=Ack(up_to=1))
            stream.say(bye=Bye())
            closed = stream.hear()
            assert closed.HasField("closed")
            assert not closed.closed.error.code
            with pytest.raises(StopIteration):
                stream.hear()
            assert stream.rpc.code() is grpc.StatusCode.OK
        with Stream(channel) as stream:
            assert stream.hello("ann", phone).welcome.epoch == 2
            assert send(ann, name, "next") == 3
            assert next(stream.deliveries()) == (name, 3), "what was acknowledged does not come again"
        with Stream(channel) as stream:
            stream.say(hello=Hello(token=token_of("ann"), device_id=phone, version=1))
            assert next(stream.deliveries()) == (name, 3), "what was not does"


async def test_a_device_goes_from_front_to_front(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    name, phone = "r", device()
    with GrpcDaemon(tmp_path, {"HTTP_URI": url}) as daemon, daemon.channel() as channel:
        async with (
            Client(daemon.uri, token_of("ann")) as client,
            HttpCaller(url, "ann") as ann,
            client.stream(phone) as native,
        ):
            await native.caught_up()
            with Stream(channel) as stream:
                await asyncio.to_thread(stream.hello, "ann", phone)
                with pytest.raises(Superseded):
                    await asyncio.wait_for(anext(native), SECONDS)
                await ann.call("CreateRoom", room_id=name)
                assert await asyncio.to_thread(next, stream.deliveries()) == (name, 1)
                async with ann.session.ws_connect("/v1/stream", protocols=[JSON]) as socket:
                    await socket.send_json(
                        {"hello": {"token": token_of("ann"), "device_id": phone, "version": 1}}
                    )
                    frames: list[dict[str, Any]] = []
                    while not any("deliveries" in frame for frame in frames):
                        frames.append(await hear(socket))
                    assert await asyncio.to_thread(ended, stream) == ("SUPERSEDED", grpc.StatusCode.ABORTED)
                    with Stream(channel) as back:
                        back.say(hello=Hello(token=token_of("ann"), device_id=phone, version=1))
                        assert await asyncio.to_thread(next, back.deliveries()) == (name, 1)
                        while "closed" not in (said := await hear(socket)):
                            pass
                        assert said["closed"]["error"]["name"] == "SUPERSEDED"
                        async with client.stream(phone) as native_again:
                            assert (await asyncio.wait_for(anext(native_again), SECONDS)).seq == 1
                            assert (await asyncio.to_thread(ended, back))[0] == "SUPERSEDED"
            async with ann.session.ws_connect("/v1/stream", protocols=[JSON]) as socket:
                await hello(socket, "ann", device())


def ended(stream: Stream) -> tuple[str, grpc.StatusCode]:
    """The name of the error that the stream ends with, and its status."""
    refused = stream.rest()
    assert isinstance(refused, grpc.RpcError)
    return error_of(refused).name, refused.code()


@pytest.mark.parametrize(
    ("said", "name", "status"),
    [
        (
            {"hello": Hello(token="none", device_id="d", version=1)},
            "UNAUTHENTICATED",
            grpc.StatusCode.UNAUTHENTICATED,
        ),
        (
            {"hello": Hello(token=token_of("ann"), device_id="d")},
            "UNSUPPORTED_VERSION",
            grpc.StatusCode.FAILED_PRECONDITION,
        ),
        ({"ack": Ack(up_to=1)}, "NO_STREAM", grpc.StatusCode.FAILED_PRECONDITION),
    ],
)
def test_what_ends_a_stream_is_its_status(
    daemon: GrpcDaemon, said: dict[str, Any], name: str, status: grpc.StatusCode
) -> None:
    with daemon.channel() as channel, Stream(channel) as stream:
        stream.say(**said)
        assert stream.hear().closed.error.name == name
        assert ended(stream) == (name, status)


def test_what_is_no_frame_is_refused_and_the_stream_goes_on(daemon: GrpcDaemon) -> None:
    with daemon.channel() as channel, Stream(channel) as stream:
        stream.hello("ann", device())
        for data in (b"", b"\xff\xff"):
            stream.say_raw(data)
            assert stream.hear().error.name in ("MALFORMED_FRAME", "UNKNOWN_FRAME")
        stream.say(heartbeat=Heartbeat(mark=1))
        assert stream.hear().heartbeat.mark == 1


def test_a_client_that_has_finished_has_hung_up(daemon: GrpcDaemon) -> None:
    with daemon.channel() as channel, Stream(channel) as stream:
        stream.hello("ann", device())
        stream.finish()
        assert stream.rest() is None
        assert stream.rpc.code() is grpc.StatusCode.OK


def test_who_says_nothing_in_time_is_hung_up_on(tmp_path: Path) -> None:
    with GrpcDaemon(tmp_path, {"HANDSHAKE_TIMEOUT_MS": 300}) as daemon, daemon.channel() as channel:
        with Stream(channel) as stream:
            assert ended(stream) == ("UNAVAILABLE", grpc.StatusCode.UNAVAILABLE)
        silent = channel.stream_stream("/chat.v1.ChatService/ListUnread")
        with Stream(channel) as other:
            said = other._said
            call = silent(iter(said.get, None), metadata=[("authorization", "Bearer x")], timeout=SECONDS)
            with pytest.raises(grpc.RpcError) as refused:
                next(call)
            other.finish()  # for the thread that says this call's, too
        assert error_of(refused.value).name == "UNAVAILABLE"


def test_one_that_does_not_read_is_alone_in_it(tmp_path: Path) -> None:
    """It is given nothing again, however long the others take."""
    settings = {**metrics_uri(), "DELIVERY_RETRY_MS": 300_000}
    with (
        GrpcDaemon(tmp_path, settings) as daemon,
        daemon.channel() as channel,
        daemon.channel() as other,
    ):
        ann = Caller(other, "operator", chatd_profile="ann")
        ann.call("CreateRoom", room_id="r", profile_ids=["bob"])
        window = {"window_messages": 10_000, "window_bytes": 16_777_216}
        with Stream(channel) as slow, Stream(other) as quick:
            slow.hello("ann", "slow", **window)
            quick.hello("bob", "quick", **window)
            heard = quick.deliveries()
            text = "x" * 60_000
            for number in range(200):
                seq = send(ann, "r", text)
                while next(heard)[1] != seq:
                    pass
                quick.say(ack=Ack(up_to=number + 1))
            unsent = value(daemon, "chatd_unsent_bytes", front="grpc")
            assert unsent is not None
            assert MAX_UNSENT / 2 < unsent < 2 * MAX_UNSENT, "the rest waits in the outbox"
            until = time.monotonic() + 3 * SECONDS
            late = slow.deliveries()
            seqs: list[int] = []
            while not seqs or seqs[-1] != seq:
                seqs.append(next(late)[1])
                if len(seqs) % 20 == 0:
                    slow.say(ack=Ack(up_to=len(seqs)))
                assert time.monotonic() < until
            assert seqs == list(range(2, seq + 1))
