"""proto/vectors.txt against the generated code and chatd's own ZMTP, and the session of PROTOCOL.md
that is typed into a shell."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from google.protobuf import symbol_database, text_format
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from chatd.core.compression import decompress
from chatd.core.zmtp import DELIMITER, LONG, Answer, Connection, Delimited, frame
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.events.v1.signals_pb2 import Signal
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello, ServerFrame, Welcome
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation

PROTO = Path(__file__).parents[2] / "proto"
BLOCK = re.compile(r"^name: (.+)\n(?:ZMTP|([\w.]+): (.*))\nhex:  ([0-9a-f]+)$", re.MULTILINE)


class Vector(NamedTuple):
    type: str
    """A protobuf message's full name; empty: bytes of ZMTP."""
    text: str
    encoded: bytes


VECTORS = {
    name: Vector(type_, text, bytes.fromhex(octets))
    for name, type_, text, octets in BLOCK.findall((PROTO / "vectors.txt").read_text())
}
MESSAGES = [name for name, vector in VECTORS.items() if vector.type]


def parsed(vector: Vector) -> Message:
    made: Message = symbol_database.Default().GetSymbol(vector.type)()
    return text_format.Parse(vector.text, made)


def test_every_block_is_read() -> None:
    assert len(VECTORS) == (PROTO / "vectors.txt").read_text().count("\nname: ")


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_has_these_bytes(name: str) -> None:
    message = parsed(VECTORS[name])
    assert message.SerializeToString(deterministic=True) == VECTORS[name].encoded
    assert type(message).FromString(VECTORS[name].encoded) == message


@pytest.mark.parametrize("type_", [ClientFrame, ServerFrame])
def test_every_kind_of_frame_has_its_bytes(type_: type[Message]) -> None:
    shown = {
        field.name
        for name in MESSAGES
        if isinstance(message := parsed(VECTORS[name]), type_)
        for field, _ in message.ListFields()
    }
    assert shown == {field.name for field in type_.DESCRIPTOR.fields}


@pytest.mark.parametrize(("kind", "path"), [(Hello, "hello"), (Welcome, "welcome"), (Signal, "signals")])
def test_every_field_of_what_opens_a_stream_and_every_signal_is_there(kind: type[Message], path: str) -> None:
    shown = set()
    for name in MESSAGES:
        message = parsed(VECTORS[name])
        if path in message.DESCRIPTOR.fields_by_name:
            found = getattr(message, path)
            for one in [found] if isinstance(found, kind) else found:
                shown |= {field.name for field, _ in one.ListFields()}
    assert shown == {field.name for field in kind.DESCRIPTOR.fields}


def test_a_payload_inside_a_frame_is_the_one_that_is_shown_alone() -> None:
    call, reply = parsed(VECTORS["call"]), parsed(VECTORS["reply"])
    assert isinstance(call, ClientFrame)
    assert isinstance(reply, ServerFrame)
    assert call.call.payload == VECTORS["payload of a SendEvents"].encoded
    assert reply.reply.payload == VECTORS["payload of the answer to a SendEvents"].encoded
    once = parsed(VECTORS["call that is made once"])
    assert isinstance(once, ClientFrame)
    assert chat_pb2.CreateRoomRequest.FromString(once.call.payload).room_id == "lobby"


def test_the_compressed_payload_is_one() -> None:
    frame_ = parsed(VECTORS["compressed delivery"])
    assert isinstance(frame_, ServerFrame)
    content = Struct.FromString(decompress(frame_.deliveries[0].compressed_payload))
    assert content["text"] == "la " * 50


def test_zmtp() -> None:
    def octets(name: str) -> bytes:
        return VECTORS[name].encoded

    gateway = Connection(max_body=1_000)
    assert gateway.opening == octets("greeting of the gateway, ZMTP 3.1") + octets("READY of the gateway")
    assert gateway.receive(octets("greeting of a client that speaks ZMTP 3.0")) == []
    assert not gateway.is_ready
    assert gateway.receive(octets("READY of a client")) == []
    assert gateway.is_ready
    heartbeat = VECTORS["heartbeat"].encoded
    message = octets("a message, Heartbeat 1")
    assert frame(heartbeat) == message
    assert gateway.receive(message) == [heartbeat]
    assert gateway.receive(octets("the same in the long form, for more than 255 octets")) == [heartbeat]
    delimited = octets("the same from a REQ, behind its delimiter")
    assert delimited == DELIMITER + message
    assert gateway.receive(delimited) == [Delimited(heartbeat)]
    (answer,) = gateway.receive(octets("PING with a TTL of 1 s and the context abc"))
    assert isinstance(answer, Answer)
    assert answer.wire == octets("PONG, its answer")


def test_the_session_in_a_shell(tmp_path: Path) -> None:
    """Every octet that the page has one type, and what it says that comes back."""
    if shutil.which("bash") is None or shutil.which("xxd") is None:
        pytest.skip("bash or xxd is not installed: apt-get install bash xxd")
    session = re.search(
        r"^```bash\n(.*?)^```$", (PROTO / "PROTOCOL.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert session is not None
    with Daemon("all", tmp_path) as daemon:
        token = operator_token(daemon.folder)
        place = daemon.uri.removeprefix("tcp://").replace(":", "/")
        with Conversation(daemon.uri, token) as warm:  # the first call of a node takes longer
            warm.open("warm")
        typed = subprocess.run(
            ["bash", "-c", session[1]],
            env={**os.environ, "TOKEN": token, "ADDRESS": place},
            capture_output=True,
            check=True,
            timeout=60,
        )
    assert typed.stderr == b""
    heard = undumped(typed.stdout)
    gateway = VECTORS["greeting of the gateway, ZMTP 3.1"].encoded + VECTORS["READY of the gateway"].encoded
    assert heard.startswith(gateway)
    frames = [ServerFrame.FromString(body) for body in bodies(heard[len(gateway) :])]
    replies = {one.reply.call_id: one.reply for one in frames if one.HasField("reply")}
    assert [replies[number].WhichOneof("outcome") for number in (1, 2)] == ["payload", "payload"]
    kinds = {one.ListFields()[0][0].name for one in frames}
    assert kinds == {"caught_up", "closed", "deliveries", "heartbeat", "reply", "welcome"}
    delivery = [delivery for one in frames for delivery in one.deliveries][-1]
    assert delivery.payload["text"] == "hello from a shell"
    assert frames[-1].closed.error.code == 0


def undumped(dumps: bytes) -> bytes:
    """The octets of what xxd has printed."""
    return b"".join(bytes.fromhex(line[10:49].decode()) for line in dumps.splitlines())


def bodies(wire: bytes) -> Iterator[bytes]:
    """The bodies of ZMTP frames."""
    at = 0
    while at < len(wire):
        start = at + (9 if wire[at] & LONG else 2)
        at = start + int.from_bytes(wire[at + 1 : start], "big")
        yield wire[start:at]
