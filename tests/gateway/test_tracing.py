"""A trace ends by itself, costs nothing then, and follows its device alone."""

import pytest

from chatd.core.ids import topic_of
from chatd.errors import LimitReached
from chatd.gateway.connection import ClientConnection
from chatd.gateway.tracing import FORGET_SECONDS, MAX_TRACES, Tracing
from chatd.pb.admin.v1.admin_pb2 import TraceStreamRequest
from chatd.pb.gateway.v1.gateway_pb2 import (
    ClientFrame,
    Heartbeat,
    Hello,
    Renew,
    RpcRequest,
    RpcResponse,
    ServerFrame,
)
from tests.gateway.links import KeptLink
from tests.gateway.test_drain import House

SECRET = "c4nary-token"
BEAT = ClientFrame(heartbeat=Heartbeat(mark=1)).SerializeToString()


class Rig:
    def __init__(self) -> None:
        self.now = 0.0
        self.house = House()
        self.tracing = Tracing(
            self.house.connections, gateway_id="g", now=lambda: self.now, clock=lambda: int(self.now * 1e6)
        )

    def device(self, name: str) -> ClientConnection:
        peer = ClientConnection(KeptLink(), self.now)
        peer.topic = topic_of("bob", name)
        return peer

    async def look(self, name: str, trace_id: str = "t", *, end: bool = False) -> list[str]:
        request = TraceStreamRequest(profile_id="bob", device_id=name, trace_id=trace_id, end=end)
        return [frame.kind for frame in (await self.tracing.look(request)).frames]


async def test_one_that_nobody_looks_at_ends() -> None:
    rig = Rig()
    await rig.look("d")
    peer = rig.device("d")
    rig.tracing.opening(peer, ClientFrame(hello=Hello(token=SECRET)).SerializeToString())
    assert peer.link.tap is not None
    peer.link.tap.received(BEAT)
    rig.now = FORGET_SECONDS
    rig.tracing.tick()
    assert await rig.look("d") == ["hello", "heartbeat"]
    rig.now = 3 * FORGET_SECONDS
    rig.tracing.tick()
    assert not rig.tracing.is_on
    peer.link.tap.received(BEAT)
    assert peer.link.tap is None, "nothing more is done for a frame"
    assert await rig.look("d") == []
    assert await rig.look("d", end=True) == []
    assert not rig.tracing.is_on


async def test_other_devices_are_not_seen() -> None:
    rig = Rig()
    await rig.look("d")
    other = rig.device("d2")
    rig.tracing.opening(other, BEAT)
    assert other.link.tap is None
    assert await rig.look("d") == []


async def test_two_traces_of_one_device_see_the_same() -> None:
    rig = Rig()
    for trace_id in ("one", "two"):
        await rig.look("d", trace_id)
    peer = rig.device("d")
    rig.tracing.opening(peer, BEAT)
    assert await rig.look("d", "one") == await rig.look("d", "two") == ["heartbeat"]


async def test_there_are_so_many_at_a_time() -> None:
    rig = Rig()
    for number in range(MAX_TRACES):
        await rig.look("d", str(number))
    with pytest.raises(LimitReached):
        await rig.look("d", "one more")


async def test_no_frame_shows_a_token_or_ends_a_stream() -> None:
    rig = Rig()
    await rig.look("d")
    peer = rig.device("d")
    rig.tracing.opening(peer, ClientFrame(hello=Hello(token=SECRET)).SerializeToString())
    tap = peer.link.tap
    assert tap is not None
    for frame in (
        ClientFrame(renew=Renew(token=SECRET)),
        ClientFrame(call=RpcRequest(method="m", token=SECRET, payload=SECRET.encode())),
        ClientFrame(),
    ):
        tap.received(frame.SerializeToString())
    tap.received(b"\xff")
    tap.sent(ServerFrame(reply=RpcResponse(call_id=1, payload=SECRET.encode())).SerializeToString())
    request = TraceStreamRequest(profile_id="bob", device_id="d", trace_id="t", payloads=True)
    seen = await rig.tracing.look(request)
    assert [frame.kind for frame in seen.frames] == [
        "hello",
        "renew",
        "call",
        "unknown",
        "unreadable",
        "reply",
    ]
    assert SECRET not in str(seen)
