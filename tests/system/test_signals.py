"""Typing, receipts and read markers from one device to the others: over two gateways, on PostgreSQL
over two default nodes."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatd.client import HEAD, Client
from chatd.pb.chat.v1.chat_pb2 import SetReadMarkerRequest, SetTypingRequest
from chatd.pb.events.v1.signals_pb2 import Signal
from tests.protocol.conversation import Conversation, texts
from tests.system.deployment import Deployment

ROOM_LIMIT = 4
BURST, PER_SECOND = 3, 1


@pytest.fixture(scope="module")
def deployment(shared_db_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Each test has rooms and devices of its own in it."""
    folder: Path = tmp_path_factory.mktemp("signals")
    defaults = 2 if shared_db_uri.startswith("postgresql") else 1
    settings: Any = {
        "RECEIPT_ROOM_LIMIT": ROOM_LIMIT,
        "TYPING_PER_SECOND": PER_SECOND,
        "TYPING_BURST": BURST,
        "SIGNAL_FLUSH_MS": 5,
        "REPAIR_PULL_SECONDS": 3600,
    }
    with Deployment(folder, shared_db_uri, defaults=defaults, gateways=2, **settings) as running:
        yield running


def hear_signal(device: Conversation, fits: Callable[[Signal], bool], seconds: float = 15) -> Signal:
    """The first signal that fits; whatever else comes is passed over."""
    end = time.monotonic() + seconds
    while True:
        for one in device.hear(end - time.monotonic()).signals:
            if fits(one):
                return one


def test_signals_reach_who_asked_and_count_for_nothing(deployment: Deployment) -> None:
    with (
        Conversation(deployment.uri(0), deployment.token, "alice") as alice,
        Conversation(deployment.uri(1), deployment.token, "alice") as alice2,
        Conversation(deployment.uri(1), deployment.token, "bob") as bob,
        Conversation(deployment.uri(0), deployment.token, "bob") as deaf,
    ):
        alice.create_room("r", "bob")
        bob.request("ChatService/SetReadMarker", SetReadMarkerRequest(room_id="r", seq=1))
        for device, one, wants in (
            ("a1", alice, True),
            ("a2", alice2, True),
            ("b", bob, True),
            ("deaf", deaf, False),
        ):
            one.open(device, want_signals=wants)
            while not one.hear().HasField("caught_up"):
                pass

        reply = bob.request("ChatService/SetTyping", SetTypingRequest(room_id="r", typing=True))
        assert not reply.HasField("error")
        for one in (alice, alice2):
            typing = hear_signal(one, lambda signal: signal.HasField("typing")).typing
            assert (typing.room_id, typing.profile_id, typing.typing) == ("r", "bob", True)

        with Conversation(deployment.uri(0), deployment.token, "alice") as sender:
            sender.send_texts("r", "hello")
        assert texts(bob.deliveries(1)) == ["hello"]
        bob.ack(1)
        receipt = hear_signal(alice, lambda signal: signal.delivered.profile_id == "bob").delivered
        assert (receipt.room_id, receipt.device_id, receipt.first_seq, receipt.seq) == ("r", "", 2, 2)

        bob.request("ChatService/SetReadMarker", SetReadMarkerRequest(room_id="r", seq=2, device_id="b"))
        read = hear_signal(alice2, lambda signal: signal.HasField("read")).read
        assert (read.room_id, read.profile_id, read.seq) == ("r", "bob", 2)
        assert read.read_at_us > 0

        frame = deaf.hear()
        assert texts(frame.deliveries) == ["hello"]
        deaf.ack(1)
        deaf.hear_nothing(0.2)
        bob.ack(1)  # the signals were not counted: this is no ack ahead
        bob.heartbeat(1)
        while not (frame := bob.hear()).HasField("heartbeat"):
            assert not frame.HasField("closed"), frame


def test_a_large_room_is_not_told(deployment: Deployment) -> None:
    with (
        Conversation(deployment.uri(0), deployment.token, "anna") as anna,
        Conversation(deployment.uri(0), deployment.token, "anna") as second,
        Conversation(deployment.uri(1), deployment.token, "ben") as ben,
    ):
        anna.create_room("large", "ben", *(f"p{number}" for number in range(ROOM_LIMIT)))
        for device, one in (("a", anna), ("a2", second), ("b", ben)):
            one.open(device, want_signals=True)
            one.hear_kind("caught_up")
        assert not ben.request(
            "ChatService/SetTyping", SetTypingRequest(room_id="large", typing=True)
        ).HasField("error")
        anna.request("ChatService/SetReadMarker", SetReadMarkerRequest(room_id="large", seq=1, device_id="a"))
        assert hear_signal(second, lambda signal: True).read.seq == 1, "the profile's own devices are, always"
        ben.hear_nothing(0.3)
        anna.hear_nothing(0.1)


def test_typing_is_limited_and_only_for_members(deployment: Deployment) -> None:
    with Conversation(deployment.uri(0), deployment.token, "tina") as tina:
        tina.create_room("typing")
        request = SetTypingRequest(room_id="typing", typing=True)
        began, admitted = time.monotonic(), 0
        while not (reply := tina.request("ChatService/SetTyping", request)).HasField("error"):
            admitted += 1
            most = BURST + PER_SECOND * (time.monotonic() - began)
            assert admitted <= 2 * most, "each node counts for itself"
        assert reply.error.code == 606
        assert admitted >= BURST
        assert 0 < reply.error.retry_after_ms <= 1_000
        assert tina.refused("ChatService/SetTyping", SetTypingRequest(room_id="nowhere")) == 401
        with Conversation(deployment.uri(0), deployment.token, "mallory") as mallory:
            assert mallory.refused("ChatService/SetTyping", request) == 401
            assert (
                mallory.refused("ChatService/SetReadMarker", SetReadMarkerRequest(room_id="typing", seq=1))
                == 401
            )


async def test_the_sdk_marks_counts_and_tells(deployment: Deployment) -> None:
    heard: list[Signal] = []
    async with (
        Client(deployment.uri(0), deployment.token, profile="sue") as sue,
        Client(deployment.uri(1), deployment.token, profile="sam") as sam,
    ):
        await sue.create_room("sdk", profiles=["sam"])
        await sam.set_read_marker("sdk", 1)
        async with (
            sue.stream("a", on_signal=heard.append, start=HEAD) as mine,
            sam.stream("b", start=HEAD) as his,
        ):
            await asyncio.gather(mine.caught_up(), his.caught_up())
            acks = [await sue.send("sdk", f"{number}") for number in range(3)]
            async for delivery in his:
                if delivery.seq == acks[-1].seq:
                    break
            his.acknowledge()
            (room,) = await sam.unread()
            assert (room.room_id, room.read_seq, room.unread) == ("sdk", 1, 3)
            done = await sam.set_read_marker("sdk", acks[1].seq, device_id="b")
            assert (done.seq, done.unread) == (acks[1].seq, 1)
            end = time.monotonic() + 15
            while True:
                status = await sue.delivery_status("sdk", acks[1].seq)
                told = {(str(one.WhichOneof("kind")), one.read.seq or one.delivered.seq) for one in heard}
                if status.delivered and {("delivered", acks[2].seq), ("read", acks[1].seq)} <= told:
                    break
                assert time.monotonic() < end, (status, heard)
                await asyncio.sleep(0.02)
            assert (status.recipients, status.delivered, status.read) == (1, 1, 1)
            assert (await sue.delivery_status("sdk", acks[2].seq)).read == 0
            await sam.set_typing("sdk")
            while not any(one.HasField("typing") for one in heard):
                assert time.monotonic() < end
                await asyncio.sleep(0.02)


async def test_what_on_signal_raises_ends_the_stream(deployment: Deployment) -> None:
    def on_signal(signal: Signal) -> None:
        raise ZeroDivisionError

    async with Client(deployment.uri(0), deployment.token, profile="rita") as rita:
        await rita.create_room("raises", profiles=["rob"])
        async with rita.stream("a", on_signal=on_signal, start=HEAD) as stream:
            await stream.caught_up()
            async with Client(deployment.uri(0), deployment.token, profile="rob") as rob:
                await rob.set_typing("raises")
            with pytest.raises(ZeroDivisionError):
                await asyncio.wait_for(stream.__anext__(), 15)
