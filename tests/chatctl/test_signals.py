"""Signals as tail prints them: in the columns, and against a real daemon."""

import asyncio
import json
import signal

import pytest

from chatctl.forms import Form
from chatctl.output import Output
from chatctl.signals import show_signal
from chatd.client import HEAD, Client
from chatd.pb.events.v1.signals_pb2 import DeliveredReceipt, Presence, ReadReceipt, Signal, Typing
from tests.chatctl.command import Chatctl
from tests.daemons import Daemon, operator_token

KINDS = ("typing", "delivered", "read")
TYPING = Signal(typing=Typing(room_id="r", profile_id="bob", typing=True))
STOPPED = Signal(typing=Typing(room_id="r", profile_id="bob"))
DELIVERED = Signal(
    delivered=DeliveredReceipt(room_id="r", profile_id="bob", device_id="phone", first_seq=3, seq=5)
)
READ = Signal(read=ReadReceipt(room_id="r", profile_id="bob", seq=4, read_at_us=3))
PRESENCE = Signal(presence=Presence(profile_id="bob"))
ALL = (TYPING, STOPPED, DELIVERED, READ, PRESENCE)


def test_a_line_for_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    for one in ALL:
        show_signal(Output(Form.PLAIN), one, (), KINDS)
    assert [line.split("\t") for line in capsys.readouterr().out.splitlines()] == [
        ["r", "-", "-", "bob", "is writing"],
        ["r", "-", "-", "bob", "has stopped writing"],
        ["r", "-", "-", "bob", "received 3 to 5 on phone"],
        ["r", "-", "-", "bob", "read up to 4"],
    ]
    of_others = DeliveredReceipt(room_id="r", profile_id="bob", first_seq=3, seq=5)
    show_signal(Output(Form.PLAIN), Signal(delivered=of_others), (), KINDS)
    assert capsys.readouterr().out == "r\t-\t-\tbob\treceived 3 to 5\n"


def test_json_has_the_kind_and_the_fields_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    for one in (TYPING, DELIVERED, READ):
        show_signal(Output(Form.JSON), one, (), KINDS)
    assert capsys.readouterr().out.splitlines() == [
        '{"kind": "typing", "room_id": "r", "profile_id": "bob", "typing": true}',
        '{"kind": "delivered", "room_id": "r", "profile_id": "bob", "device_id": "phone", "first_seq": 3, "seq": 5}',
        '{"kind": "read", "room_id": "r", "profile_id": "bob", "seq": 4, "read_at_us": 3}',
    ]


def test_other_rooms_and_kinds_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    for one in ALL:
        show_signal(Output(Form.PLAIN), one, {"other"}, KINDS)
        show_signal(Output(Form.PLAIN), one, {"r"}, ("read",))
    assert capsys.readouterr().out == "r\t-\t-\tbob\tread up to 4\n"


def test_tail_shows_who_writes_receives_and_reads(chatctl: Chatctl, daemon: Daemon) -> None:
    chatctl.create_room("talk", "bob")

    async def bobs_side() -> None:
        token = operator_token(daemon.folder)
        async with (
            Client(daemon.uri, token, profile="alice") as alice,
            Client(daemon.uri, token, profile="bob") as bob,
            bob.stream("b", start=HEAD) as stream,
        ):
            await stream.caught_up()
            for _ in range(100):
                await bob.set_typing("talk")
                await bob.set_typing("talk", False)
                ack = await alice.send("talk", "x")
                await bob.set_read_marker("talk", ack.seq)
                async for delivery in stream:
                    if delivery.seq == ack.seq:
                        break
                stream.acknowledge()
                if done.is_set():
                    return
                await asyncio.sleep(0.05)

    async def both() -> list[dict[str, object]]:
        options = ("--device", "a", "--receipts", "--typing", "--json")
        tail = chatctl.start("--as", "alice", "tail", "talk", *options)
        assert tail.stdout is not None
        talking = asyncio.create_task(bobs_side())
        shown: list[dict[str, object]] = []
        try:
            async with asyncio.timeout(40):
                while not {"typing", "delivered", "read"} <= {str(one.get("kind")) for one in shown}:
                    shown.append(json.loads(await asyncio.to_thread(tail.stdout.readline)))
        finally:
            done.set()
            tail.send_signal(signal.SIGINT)
            tail.communicate(timeout=20)
            await talking
        return shown

    done = asyncio.Event()
    shown = asyncio.run(both())
    for one in shown:
        if "kind" in one:
            assert (one["room_id"], one["profile_id"]) == ("talk", "bob") or one["kind"] == "delivered"
        else:
            assert one["text"] in ("x", "alice, bob joined")
