"""The front with the implementations that clients use: pyzmq's libzmq 4.3.5, the system's libzmq,
zeromq.js; and with peers too old for it, which are refused."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from ctypes.util import find_library
from pathlib import Path

import pytest
import zmq
from structlog.testing import capture_logs

from chatd.core.curve import COMMAND, CurveServer, decode_key, encode_key, new_key_pair
from chatd.errors import PermissionDenied
from chatd.gateway.authentication.identity import Identity
from chatd.transport.sockets import Context, new_context
from tests.core.curve.wire import PING, PONG, Peer
from tests.core.zmtp.peer import OPENED, hello, wire
from tests.daemons import Daemon
from tests.gateway.fronts.echo import MAX_FRAME, SECONDS, EchoFront, echoed, receive, until, until_there_are

PEERS = Path(__file__).parent / "peers"
HEARTBEAT_MS, TIMEOUT_MS = 40, 2_000
JEROMQ = next((str(path) for path in Path("/usr/share/java").glob("jeromq-0.3*.jar")), None)
ZMTP_1 = b"\x01\0\x05\0text"
ZMTP_2 = hello()[:10] + b"\x01\x05\0\0"
HTTP = b"GET / HTTP/1.1\r\nHost: chat\r\n\r\n"


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
async def echo(context: Context) -> AsyncIterator[EchoFront]:
    made = EchoFront(context)
    yield made
    await made.close()


class TestPyzmq:
    @pytest.mark.parametrize("kind", [zmq.DEALER, zmq.REQ])
    async def test_heartbeats_keep_a_quiet_connection(self, echo: EchoFront, kind: int) -> None:
        client = echo.client(kind, heartbeat_ivl=HEARTBEAT_MS, heartbeat_timeout=TIMEOUT_MS)
        await echoed(client, b"before")
        await asyncio.sleep(1.5 * TIMEOUT_MS / 1_000)
        assert echo.commands > TIMEOUT_MS / HEARTBEAT_MS / 4
        await echoed(client, b"after")
        assert len(echo.links) == 1
        assert not echo.ended

    async def test_a_heartbeat_between_calls_and_large_messages(self, echo: EchoFront) -> None:
        client = echo.client(heartbeat_ivl=20, heartbeat_timeout=10 * TIMEOUT_MS)
        while echo.commands < 10:
            await echoed(client, b"x" * (MAX_FRAME // 4), b"")
        assert len(echo.links) == 1

    @pytest.mark.parametrize("kind", [zmq.DEALER, zmq.REQ])
    async def test_connections_of_one_routing_id_hear_only_their_own(
        self, echo: EchoFront, kind: int
    ) -> None:
        twins = [echo.client(kind, routing_id=b"twin") for _ in range(3)]
        await until_there_are(3, echo.links)
        for number, twin in enumerate(twins):
            twin.send(b"%d" % number)
        for number, twin in enumerate(twins):
            assert await receive(twin) == [b"%d" % number]
        for number, twin in enumerate(twins):
            await echoed(twin, b"again %d" % number)
        assert sorted(echo.heard) == sorted([b"0", b"1", b"2", b"again 0", b"again 1", b"again 2"])
        assert not echo.ended

    async def test_a_routing_id_like_one_of_libzmqs_own_is_nothing_special(self, echo: EchoFront) -> None:
        """libzmq makes such ids itself, for its own use, and lets nobody choose one."""
        identity = b"\0\x6b\x8b\x45\x67"
        ready = b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x05" + identity
        for _ in range(2):
            reader, writer = await asyncio.open_connection(*address(echo.uri))
            writer.write(hello() + wire(4, ready) + wire(0, b"hi"))
            async with asyncio.timeout(SECONDS):
                await reader.readuntil(wire(0, b"hi"))
            writer.close()
        assert echo.heard == [b"hi", b"hi"]

    async def test_a_probe_is_an_empty_message(self, echo: EchoFront) -> None:
        client = echo.client(probe_router=1)
        assert await receive(client) == [b""]
        await echoed(client, b"hi")
        assert echo.heard == [b"", b"hi"]

    @pytest.mark.parametrize("kind", [zmq.DEALER, zmq.REQ])
    async def test_messages_up_to_the_largest(self, echo: EchoFront, kind: int) -> None:
        client = echo.client(kind)
        await echoed(client, b"", b"x", b"x" * 255, b"x" * 256, b"x" * 65_536, b"x" * MAX_FRAME)

    async def test_one_that_is_too_large_is_refused_and_the_next_is_heard(self, echo: EchoFront) -> None:
        client = echo.client()
        client.send(b"x" * (MAX_FRAME + 1))
        client.send(b"x" * (3 * MAX_FRAME))
        client.send_multipart([b"two", b"parts"])
        client.send(b"next")
        assert [await receive(client) for _ in range(4)] == [
            [b"FRAME_TOO_LARGE"],
            [b"FRAME_TOO_LARGE"],
            [b"MALFORMED_FRAME"],
            [b"next"],
        ]
        assert len(echo.links) == 1

    @pytest.mark.parametrize(
        ("parts", "refusal"),
        [([b"x" * (MAX_FRAME + 1)], b"FRAME_TOO_LARGE"), ([b"a", b"b"], b"MALFORMED_FRAME")],
    )
    async def test_a_req_hears_that_its_first_message_is_refused(
        self, echo: EchoFront, parts: list[bytes], refusal: bytes
    ) -> None:
        client = echo.client(zmq.REQ)
        client.send_multipart(parts)
        assert await receive(client) == [refusal]
        await echoed(client, b"next")

    async def test_a_thousand_at_once_come_back_in_their_order(self, echo: EchoFront) -> None:
        client = echo.client(heartbeat_ivl=20, heartbeat_timeout=10 * TIMEOUT_MS)
        bodies = [b"%d " % number * (number % 50) for number in range(1_000)]
        for body in bodies:
            client.send(body)
        assert [await receive(client) for _ in bodies] == [[body] for body in bodies]

    @pytest.mark.parametrize("kind", [zmq.DEALER, zmq.REQ])
    async def test_a_client_comes_again_when_it_is_hung_up_on(self, echo: EchoFront, kind: int) -> None:
        client = echo.client(kind, reconnect_ivl=10)
        for number in range(3):
            await echoed(client, b"%d" % number)
            echo.links[-1].hang_up()
            await until_there_are(number + 2, echo.links)
        assert len(echo.ended) == 3
        assert len({*echo.links}) == 4

    async def test_a_client_comes_again_to_another_process_at_the_port(
        self, echo: EchoFront, context: Context
    ) -> None:
        client = echo.client(reconnect_ivl=10)
        await echoed(client, b"one")
        echo.front.close()
        await until(lambda: echo.ended)
        client.send(b"two")
        another = EchoFront(context, echo.uri)
        assert await receive(client) == [b"two"]
        await another.close()

    async def test_a_router_is_refused_although_libzmq_would_let_it_talk_to_a_router(
        self, echo: EchoFront
    ) -> None:
        echo.client(zmq.ROUTER, probe_router=1)
        await until(lambda: echo.door.hung_up.value)
        assert echo.heard == []

    async def test_a_subscriber_gives_up_for_good(self, echo: EchoFront) -> None:
        client = echo.client(zmq.SUB, reconnect_ivl=10)
        await until(lambda: echo.ended)
        await echoed(echo.client(), *[b"x"] * 100)  # meanwhile it could have come again
        assert len(echo.links) == 2
        assert not client.poll(0)

    async def test_encryption_that_is_not_spoken_here_is_refused(self, echo: EchoFront) -> None:
        """libzmq finds the mismatch itself, and ends the connection."""
        public, secret = zmq.curve_keypair()
        client = echo.client(curve_publickey=public, curve_secretkey=secret, curve_serverkey=public)
        client.send(b"secret")
        await until(lambda: echo.ended)
        assert echo.heard == []


class TestEncrypted:
    @pytest.fixture
    async def sealed(self, context: Context) -> AsyncIterator[tuple[EchoFront, CurveServer]]:
        server = CurveServer(new_key_pair())
        made = EchoFront(context, curve=server)
        yield made, server
        await made.close()

    async def test_heartbeats_among_calls_break_nothing(self, sealed: tuple[EchoFront, CurveServer]) -> None:
        echo, server = sealed
        public, secret = zmq.curve_keypair()
        key = encode_key(server.public).encode()
        client = echo.client(
            heartbeat_ivl=15,
            heartbeat_timeout=10 * TIMEOUT_MS,
            curve_publickey=public,
            curve_secretkey=secret,
            curve_serverkey=key,
        )
        while echo.commands < 20:
            for _ in range(20):
                client.send(b"x" * 5_000)
            for _ in range(20):
                assert await receive(client) == [b"x" * 5_000]
        assert len(echo.links) == 1

    async def test_a_link_has_the_key_that_its_client_has_proved(
        self, sealed: tuple[EchoFront, CurveServer]
    ) -> None:
        """A token that is bound to it is good over this connection, and over no other."""
        echo, server = sealed
        key = encode_key(server.public).encode()
        keys = [zmq.curve_keypair() for _ in range(2)]
        for public, secret in keys:
            client = echo.client(curve_publickey=public, curve_secretkey=secret, curve_serverkey=key)
            await echoed(client, b"a call")
        bound = Identity("alice", key=decode_key(keys[0][0].decode()))
        bound.check_key(echo.links[0].client_key)
        with pytest.raises(PermissionDenied):
            bound.check_key(echo.links[1].client_key)

    async def test_a_reply_may_go_before_the_pong(self, sealed: tuple[EchoFront, CurveServer]) -> None:
        echo, server = sealed

        def talk() -> None:
            sock = socket.create_connection(address(echo.uri))
            with Peer(sock, minor=1, as_server=False).connect(server.public, new_key_pair()) as peer:
                call, ping = peer.session.seal(b"a call"), peer.session.seal(PING + b"\0\0context", COMMAND)
                sock.sendall(wire(0, call) + wire(0, ping))
                assert peer.read() == (0, b"a call")
                assert peer.read() == (COMMAND, PONG + b"context")

        async with asyncio.timeout(SECONDS):
            await asyncio.to_thread(talk)


COUNT = 300


def _libzmq() -> list[str]:
    library = find_library("zmq")
    if library is None:
        pytest.skip("libzmq.so.5 is not installed: apt-get install libzmq5")
    return [sys.executable, str(PEERS / "libzmq.py"), library]


@pytest.fixture(scope="module")
def zeromq_js(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs it; npm's package is that of NODE_PATH, or comes into a folder that
    goes."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        pytest.skip("node is not installed")
    if _succeeds([node, "-e", "require('zeromq')"], PEERS):
        return [node, str(PEERS / "zeromq.js")]
    folder = tmp_path_factory.mktemp("node")
    install = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0", "zeromq@6"]
    if npm is None or not _succeeds([npm, *install], folder):
        pytest.skip("npm brings no zeromq: NODE_PATH=folder/node_modules names one")
    shutil.copy(PEERS / "zeromq.js", folder)
    if not _succeeds([node, "-e", "require('zeromq')"], folder):
        pytest.skip("npm's zeromq has no binary for this machine")
    return [node, str(folder / "zeromq.js")]


def _succeeds(command: list[str], folder: Path) -> bool:
    try:
        subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=60)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    return True


async def printed(*command: str) -> str:
    """Its output; its errors are the test's."""
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode().strip()


@pytest.mark.parametrize("kind", ["dealer", "req"])
class TestOthers:
    async def test_the_systems_libzmq(self, echo: EchoFront, kind: str) -> None:
        assert await printed(*_libzmq(), kind, echo.uri, str(COUNT), str(MAX_FRAME)) == str(COUNT)
        assert len(echo.heard) == COUNT
        assert len(echo.links) == 1

    async def test_zeromq_js(self, echo: EchoFront, zeromq_js: list[str], kind: str) -> None:
        assert await printed(*zeromq_js, kind, echo.uri, str(COUNT), str(MAX_FRAME)) == str(COUNT)
        assert len(echo.heard) == COUNT
        assert len(echo.links) == 1


class TestOldPeers:
    @pytest.mark.parametrize(
        ("said", "reason"),
        [
            pytest.param(ZMTP_1, "old_or_foreign_protocol", id="ZMTP 1"),
            pytest.param(ZMTP_2, "old_or_foreign_protocol", id="ZMTP 2"),
            pytest.param(HTTP, "old_or_foreign_protocol", id="HTTP"),
            pytest.param(hello(b"PLAIN"), "other_security_mechanism", id="PLAIN"),
            pytest.param(OPENED + b"\xff", "broken_protocol", id="garbage"),
        ],
    )
    async def test_one_is_hung_up_on_at_once(self, echo: EchoFront, said: bytes, reason: str) -> None:
        reader, writer = await asyncio.open_connection(*address(echo.uri))
        writer.write(said + bytes(9))
        async with asyncio.timeout(SECONDS):
            assert (await reader.read())[:12] == b"\xff" + bytes(8) + b"\x7f\x03\x01"
        writer.close()
        assert echo.heard == []
        with capture_logs() as logs:
            echo.door.tick(asyncio.get_running_loop().time())
        assert [(line["event"], line[reason]) for line in logs] == [("Connections were ended", 1)]

    async def test_jeromq_of_before_zmtp_3_gives_up_by_itself(self, echo: EchoFront) -> None:
        """It takes the greeting's mechanism for a frame, and ends the connection before it has said
        anything; then it comes again."""
        java = shutil.which("java")
        if java is None or JEROMQ is None:
            pytest.skip("jeromq 0.3 is not installed: apt-get install libjeromq-java default-jdk-headless")
        assert await printed(java, "-cp", JEROMQ, str(PEERS / "Jeromq.java"), echo.uri) == "nothing"
        await until(lambda: len(echo.ended) == len(echo.links) > 1)
        assert echo.heard == []


def test_a_daemon_hangs_up_on_old_peers_and_says_so(tmp_path: Path) -> None:
    with Daemon("all", tmp_path) as daemon:
        for said in (ZMTP_1, ZMTP_2, HTTP):
            with socket.create_connection(address(daemon.uri), timeout=SECONDS / 10) as sock:
                sock.sendall(said)
                while sock.recv(4_096):
                    pass
        deadline = time.monotonic() + SECONDS
        while _said(daemon, "old_or_foreign_protocol") < 3:
            assert time.monotonic() < deadline, daemon.log.read_text()
            time.sleep(0.05)


def _said(daemon: Daemon, reason: str) -> int:
    """Connections that were ended for this reason, by the daemon's log."""
    lines = [
        json.loads(line) for line in daemon.log.read_text().splitlines(keepends=True) if line.endswith("}\n")
    ]
    return sum(line.get(reason, 0) for line in lines if line["message"] == "Connections were ended")


def address(uri: str) -> tuple[str, int]:
    host, _, port = uri.removeprefix("tcp://").rpartition(":")
    return host, int(port)
