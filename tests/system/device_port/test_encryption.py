"""The encrypted device port of a real gateway: one copied line is enough to get in, and nobody gets
in without the key."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from chatd.client import HEAD, Client, client_key
from chatd.core.address import Address
from chatd.core.curve import CurveClientHandshake, new_key_pair
from chatd.core.zmtp import COMMAND, frame, greeting
from chatd.errors import PermissionDenied, Unavailable
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Heartbeat, Hello, ServerFrame
from tests.chatctl.command import Chatctl
from tests.core.curve.wire import DEALER, Peer
from tests.daemon.test_reload import records, until
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation
from tests.protocol.limited import OPERATOR, daemon_with_users, token_of
from tests.raw_peer import RawPeer, ready, target_of

CURVE = greeting(b"CURVE", as_server=False)
HELLO_FRAME_BYTES = 202


def encrypted(folder: Path, users: list[str], **settings: object) -> Daemon:
    """A daemon whose device port is encrypted. Not started yet."""
    made = daemon_with_users(folder, users, settings)
    made.settings["GATEWAY_URI"] = f"{made.uri}#curve"
    return made


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with encrypted(tmp_path_factory.mktemp("chatd"), ["ann", "ben"]) as running:
        yield running


async def test_one_copied_line_is_enough(daemon: Daemon) -> None:
    async with Client(daemon.public_uri, token_of("ann")) as ann:
        await ann.create_room("lobby", profiles=["ben"])
        async with ann.stream("laptop", start=HEAD) as stream:
            await until(lambda: stream.epoch > 0)
            sent = [await ann.send("lobby", text) for text in ("short", "x" * 50_000)]
            heard = [(await anext(stream)).event_id for _ in range(2)]
            assert heard == [ack.event_id for ack in sent]


def test_a_welcome_has_the_gateways_own_address_with_its_newest_key(daemon: Daemon) -> None:
    with Conversation(daemon.public_uri, token_of("ann")) as ann:
        assert list(ann.open("phone").gateways) == [daemon.public_uri]


def test_a_req_makes_calls(daemon: Daemon) -> None:
    with Conversation(daemon.public_uri, token_of("ann"), kind=zmq.REQ) as ann:
        ann.create_room("req")
        assert ann.send_texts("req", "hello") == [2]


def hello_for(server_key: bytes) -> bytes:
    return frame(CurveClientHandshake(server_key, new_key_pair(), DEALER).hello(), COMMAND)


INTRUDERS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "null": (lambda key: greeting(b"NULL", as_server=False) + ready(), "other_security_mechanism"),
    "plain": (
        lambda key: greeting(b"PLAIN", as_server=False) + frame(b"\x05HELLO\x01u\x01p", COMMAND),
        "other_security_mechanism",
    ),
    "another key": (lambda key: CURVE + hello_for(new_key_pair().public), "failed_handshake"),
    "a changed hello": (lambda key: CURVE + hello_for(key)[:-1] + b"\0", "failed_handshake"),
    "no hello": (lambda key: CURVE + ready(), "failed_handshake"),
    "a message first": (lambda key: CURVE + frame(b"\x07MESSAGE" + bytes(60)), "broken_protocol"),
    "garbage": (lambda key: bytes(range(256)), "old_or_foreign_protocol"),
    "zmtp 2": (lambda key: b"\xff" + bytes(8) + b"\x7f\x01\x05" + bytes(60), "old_or_foreign_protocol"),
}


def ended(daemon: Daemon, reason: str) -> int:
    return sum(record.get(reason, 0) for record in records(daemon, "Connections were ended"))


@pytest.mark.parametrize("intruder", INTRUDERS)
async def test_others_are_hung_up_on_at_once_and_counted(daemon: Daemon, intruder: str) -> None:
    say, reason = INTRUDERS[intruder]
    before = ended(daemon, reason)
    with RawPeer(daemon.uri, opening=say(Address.parse(daemon.public_uri).key)) as peer:
        assert await asyncio.to_thread(peer.ends, 3.0)
    await until(lambda: ended(daemon, reason) == before + 1)


async def test_a_client_that_knows_another_key_is_told_of_both_reasons(daemon: Daemon) -> None:
    wrong = str(Address(daemon.uri, new_key_pair().public))
    async with Client(wrong, token_of("ann"), call_timeout=0.5) as client:
        with pytest.raises(Unavailable, match=r"no gateway answers at .*, or it has another key"):
            await client.unread()
    async with Client([wrong, daemon.public_uri], token_of("ann")) as client:
        await client.unread()


async def test_a_client_without_encryption_gets_nowhere(daemon: Daemon) -> None:
    async with Client(daemon.uri, token_of("ann"), call_timeout=0.5) as client:
        with pytest.raises(Unavailable):
            await client.unread()


async def test_a_client_comes_again_when_the_port_is_spoken_to_otherwise(tmp_path: Path) -> None:
    """libzmq's sockets never try again after another security mechanism."""
    daemon = encrypted(tmp_path, ["ann"])
    async with (
        Client(daemon.uri, token_of("ann"), call_timeout=0.5) as ann,
        ann.stream("phone", start=HEAD) as stream,
    ):
        with daemon, pytest.raises(Unavailable):
            await ann.unread()
        daemon.settings["GATEWAY_URI"] = daemon.uri
        with daemon:
            await ann.unread()
            await until(lambda: stream.epoch > 0)


class Recorder:
    """A socket that keeps what was sent."""

    def __init__(self, uri: str) -> None:
        self._socket = socket.create_connection(target_of(uri))
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data
        self._socket.sendall(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._socket, name)


def test_a_recorded_connection_cannot_be_repeated(daemon: Daemon) -> None:
    """Its Hello would take the place of the stream that it has opened."""
    wire = Recorder(daemon.uri)
    with Peer(wire, minor=1, as_server=False) as peer:  # type: ignore[arg-type]
        peer.connect(Address.parse(daemon.public_uri).key, new_key_pair())
        hello = Hello(token=token_of("ben"), device_id="tablet", version=1, start=HEAD.to_pb())
        peer.send(ClientFrame(hello=hello).SerializeToString())
        assert ServerFrame.FromString(peer.receive()[0]).HasField("welcome")
        with RawPeer(daemon.uri, opening=wire.sent) as thief:
            assert thief.ends(3.0)
        with RawPeer(daemon.uri, opening=wire.sent[: len(CURVE) + HELLO_FRAME_BYTES]) as thief:
            assert not thief.ends(0.1)  # it has a WELCOME that it cannot open
        assert ServerFrame.FromString(peer.receive()[0]).HasField("caught_up")
        peer.send(ClientFrame(heartbeat=Heartbeat(mark=7)).SerializeToString())
        assert ServerFrame.FromString(peer.receive()[0]).heartbeat.mark == 7


async def test_a_token_may_be_good_with_one_key_only(tmp_path: Path) -> None:
    pair = client_key(tmp_path / "ann.key")
    assert pair is not None
    made = encrypted(tmp_path / "data", ["ben"])
    with (made.folder / "tokens.toml").open("a") as tokens:
        tokens.write(f'[tokens.pinned]\nprofile = "ann"\nkey = "{pair.public.hex()}"\n')
    with made as daemon:
        for key in (tmp_path / "ann.key", pair.secret):
            async with Client(daemon.public_uri, "pinned", key=key) as ann:
                await ann.unread()
        async with Client(daemon.public_uri, "pinned") as thief:
            with pytest.raises(PermissionDenied):
                await thief.unread()


def test_the_operator_uses_chatctl_with_the_line(daemon: Daemon) -> None:
    chatctl = Chatctl(daemon)
    chatctl.environment["CHATD_URI"] = daemon.public_uri
    assert "events_committed" in chatctl("--token", OPERATOR, "status").stdout
    chatctl.environment["CHATD_URI"] = str(Address(daemon.uri, new_key_pair().public))
    refused = chatctl("--token", OPERATOR, "--timeout", "0.5", "status", code=69)
    assert "another key" in refused.stderr
