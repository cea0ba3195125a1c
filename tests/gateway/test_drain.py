"""A gateway that stops: every stream's acks are written before its device is told to leave, and
nobody waits for nothing."""

import asyncio
import time
from dataclasses import dataclass, field

from google.protobuf.message import Message

from chatd.core.model import Owed
from chatd.core.stream import Published, Run
from chatd.errors import Unavailable
from chatd.gateway.ack_flush import AckFlush
from chatd.gateway.authentication.identity import Identity
from chatd.gateway.connection import ClientConnection, ConnectionManager, PendingHello
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.drain import FAREWELL, RATE, SPREAD, Drain
from chatd.gateway.stream_log import StreamLog
from chatd.gateway.unwritten_acks import UnwrittenAcks
from chatd.gateway.waiting_calls import OnReply
from chatd.pb.admin.v1.admin_pb2 import DrainProcessRequest, ResumeProcessRequest
from chatd.pb.gateway.v1.gateway_pb2 import Hello
from chatd.pb.node.v1.node_pb2 import AckBatchRequest, AckBatchResponse, CloseStreamsRequest
from tests.gateway.links import KeptLink, log_watch

DRAINING = 602


@dataclass
class House:
    """A gateway's streams, and a default node that answers when it is told to."""

    ready: bool = True
    waiting: list[OnReply] = field(default_factory=list)
    closed: int = 0
    stopped: bool = False

    def __post_init__(self) -> None:
        unwritten = UnwrittenAcks(0.05, 0.0)
        self.connections = ConnectionManager(
            self,
            gateway_id="g",
            subscribe=lambda topic: None,
            unsubscribe=lambda topic: None,
            on_failed=unwritten.acked,
            on_ended=lambda peer: None,
            per_device=2,
            now=time.monotonic,
        )
        self.sender = DeviceSender(self.connections.forget, StreamLog())
        self.acks = AckFlush(
            unwritten,
            self,
            log_watch(self.connections.streams),
            is_ready=lambda: self.ready,
            send=self.send,
            end=self.sender.end,
            now=time.monotonic,
        )
        self.drain = Drain(
            asyncio.get_running_loop(),
            self.connections,
            self.acks,
            self.sender,
            calls_under_way=lambda: bool(self.waiting),
            stop_opening=self.stop,
            pause=self.stop,
            resume=self.resume,
            seconds=2,
        )

    def stop(self) -> None:
        self.stopped = True

    def resume(self) -> None:
        self.stopped = False

    def call(self, method: str, request: Message, on_reply: OnReply, *, affinity: str = "") -> None:
        assert isinstance(request, CloseStreamsRequest)
        self.closed += len(request.streams)

    def send(self, request: AckBatchRequest, on_reply: OnReply) -> None:
        self.waiting.append(on_reply)

    def want(self, peer: ClientConnection) -> None:
        pass

    def flush(self) -> None:
        pass

    def answer(self, error: Unavailable | None = None) -> None:
        waiting, self.waiting = self.waiting, []
        for on_reply in waiting:
            on_reply(AckBatchResponse().SerializeToString(), error)

    def stream(self, number: int, *, acked: bool) -> KeptLink:
        link = KeptLink()
        peer = ClientConnection(link, 0.0)
        opening = PendingHello(peer, Identity(f"p{number}"), "d", Hello(), window=(8, 1000))
        assert self.connections.expect(opening) is None
        assert self.connections.register(opening, 1, "") is None
        assert peer.stream is not None
        peer.stream.begin_pull()
        peer.stream.pulled(Owed(cursors={"r": 0}))
        assert peer.stream.offer(Published((Run("r", 1, 1),), 1, b""))
        if acked:
            peer.stream.ack(1)
            self.acks.acked(peer)
        return link


async def test_acks_are_written_before_a_device_is_told() -> None:
    house = House()
    acked, silent = house.stream(1, acked=True), house.stream(2, acked=False)
    draining = asyncio.create_task(house.drain.run(5))
    await asyncio.sleep(0.05)
    assert house.stopped
    assert [frame.closed.error.code for frame in silent.heard()] == [DRAINING]
    assert acked.heard() == []
    house.answer()
    await asyncio.wait_for(draining, 1)
    assert [frame.closed.error.code for frame in acked.heard()] == [DRAINING]
    assert (house.closed, house.connections.peers) == (2, {})


async def test_a_node_that_does_not_answer_holds_up_nobody_for_longer_than_allowed() -> None:
    house = House()
    link = house.stream(1, acked=True)
    started = time.monotonic()
    await house.drain.run(0.3)
    assert 0.25 < time.monotonic() - started < 1
    assert [frame.closed.error.code for frame in link.heard()] == [DRAINING]
    house.answer(Unavailable("late"))
    assert link.heard() == [], "told once"


async def test_devices_leave_one_by_one_when_there_are_other_gateways() -> None:
    house = House()
    house.sender.elsewhere = ("tcp://elsewhere",)
    links = [house.stream(number, acked=False) for number in range(20)]
    started = time.monotonic()
    draining = asyncio.create_task(house.drain.run(1))
    await asyncio.sleep(0.3)
    gone = [link for link in links if link.sent]
    assert 0 < len(gone) < len(links)
    assert list(gone[0].heard()[0].closed.gateways) == ["tcp://elsewhere"]
    await draining
    assert time.monotonic() - started >= 0.9 * min(SPREAD, len(links) / RATE) * (len(links) - 1) / len(links)
    assert not house.connections.peers


async def test_devices_hang_up_before_the_gateway_does_if_they_do_it_soon() -> None:
    """A libzmq socket with IMMEDIATE drops what it has not read yet when the gateway hangs up."""
    house = House()
    prompt, late = house.stream(1, acked=False), house.stream(2, acked=False)
    late.leaves = False
    draining = asyncio.create_task(house.drain.run(5))
    await asyncio.sleep(0.3 * FAREWELL)
    assert prompt.has_ended
    assert late.sent
    assert not draining.done()
    late.has_ended = True
    await asyncio.wait_for(draining, 0.5 * FAREWELL)

    house = House()
    house.stream(1, acked=False).leaves = False
    started = time.monotonic()
    await house.drain.run(5)
    assert FAREWELL <= time.monotonic() - started < 3 * FAREWELL, "no longer for one that stays"


async def test_an_operator_s_drain_can_be_taken_back() -> None:
    house = House()
    links = [house.stream(number, acked=False) for number in range(3)]
    begun = await house.drain.begin(DrainProcessRequest(gateway_id="g"))
    assert (begun.left, house.stopped, house.drain.is_drained) == (3, True, True)
    assert (await house.drain.begin(DrainProcessRequest(gateway_id="g"))).left <= 3
    async with asyncio.timeout(5):
        while house.connections.streams:
            await asyncio.sleep(0.01)
    assert [link.heard()[-1].closed.error.code for link in links] == [DRAINING] * 3
    assert (await house.drain.end(ResumeProcessRequest(gateway_id="g"))).resumed
    assert not house.stopped
    house.stream(9, acked=False)
    await asyncio.sleep(0)
    assert len(house.connections.streams) == 1, "nobody is sent away any more"
    assert not (await house.drain.end(ResumeProcessRequest(gateway_id="g"))).resumed
