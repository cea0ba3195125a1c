"""CURVE with libzmq on the other side of a TCP connection, in both roles.

pyzmq brings libzmq 4.3.5; Debian's 4.3.4 (package libzmq5) and zeromq.js (npm's ``zeromq``, found
by NODE_PATH) echo in processes of their own, where they are installed.
"""

import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ctypes.util import find_library
from pathlib import Path

import pytest
import zmq

from chatd.core.curve import (
    COMMAND,
    CurveError,
    CurveFailure,
    CurveServer,
    KeyPair,
    encode_key,
    encode_metadata,
    new_key_pair,
)
from tests.core.curve.wire import COMMAND_FRAME, PATIENCE_SECONDS, Peer, listen, port_of

MESSAGES = [
    [b""],
    [b"small"],
    [b"x" * 222],  # the longest in a short frame
    [b"x" * 223],
    [b"large" * 209716],
    [b"", b"", b"parts"],
    [bytes((number,)) * number for number in range(200)],
    [b"x" * 2**20, b"", b"y" * 2**20],
]
HEARTBEAT_MS = 50
PATIENCE_MS = int(PATIENCE_SECONDS * 1e3)
Context = zmq.Context[zmq.Socket[bytes]]
Socket = zmq.Socket[bytes]


@pytest.fixture
def context() -> Iterator[Context]:
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def server() -> CurveServer:
    return CurveServer(new_key_pair())


def client_socket(context: Context, kind: int, server_key: bytes, keys: KeyPair, port: int) -> Socket:
    sock = context.socket(kind)
    sock.curve_serverkey = encode_key(server_key).encode()
    sock.curve_publickey = encode_key(keys.public).encode()
    sock.curve_secretkey = encode_key(keys.secret).encode()
    sock.rcvtimeo = PATIENCE_MS
    sock.routing_id = b"device"
    sock.heartbeat_ivl = HEARTBEAT_MS
    sock.heartbeat_timeout = PATIENCE_MS  # not the interval: this machine may be busy
    sock.heartbeat_ttl = PATIENCE_MS
    sock.connect(f"tcp://127.0.0.1:{port}")
    return sock


@contextmanager
def client_of_libzmq(
    context: Context, server: CurveServer, kind: int = zmq.DEALER, *, minor: int = 1
) -> Iterator[tuple[Socket, Peer]]:
    """``(its socket, our server's side)`` of an open connection."""
    keys = new_key_pair()
    with (
        listen() as listener,
        client_socket(context, kind, server.public, keys, port_of(listener)) as sock,
        Peer(listener.accept()[0], minor=minor, as_server=True) as peer,
    ):
        peer.accept(server)
        assert peer.client_key == keys.public
        yield sock, peer


@pytest.mark.parametrize("minor", [0, 1])
def test_a_dealer_of_libzmq_talks_to_our_server(context: Context, server: CurveServer, minor: int) -> None:
    with client_of_libzmq(context, server, minor=minor) as (dealer, peer):
        assert peer.metadata == {"socket-type": b"DEALER", "identity": b"device"}
        for message in MESSAGES:
            dealer.send_multipart(message)
            assert peer.receive() == message
            peer.send(*message)
            assert dealer.recv_multipart() == message


def test_many_messages_are_under_way_at_once(context: Context, server: CurveServer) -> None:
    with client_of_libzmq(context, server) as (dealer, peer):
        for number in range(500):
            dealer.send(b"up %d" % number)
            peer.send(b"down", b"%d" % number)
        for number in range(500):
            assert peer.receive() == [b"up %d" % number]
            assert dealer.recv_multipart() == [b"down", b"%d" % number]


def test_a_req_of_libzmq_talks_to_our_server(context: Context, server: CurveServer) -> None:
    with client_of_libzmq(context, server, zmq.REQ) as (req, peer):
        assert peer.metadata["socket-type"] == b"REQ"
        for message in MESSAGES:
            req.send_multipart(message)
            assert peer.receive() == [b"", *message]
            peer.send(b"", *message)
            assert req.recv_multipart() == message


def test_heartbeats_are_sealed_commands(context: Context, server: CurveServer) -> None:
    with (
        client_of_libzmq(context, server) as (dealer, peer),
        closing(dealer.get_monitor_socket(zmq.EVENT_DISCONNECTED)) as monitor,
    ):
        while peer.pings < 5:
            assert peer.read()[0] == COMMAND
        peer.ping(b"context")
        assert peer.receive_pong() == b"context"
        peer.send(b"on time")
        assert dealer.recv() == b"on time"
        assert not monitor.poll(0)
        dealer.disable_monitor()


def test_a_client_with_another_servers_key_gets_nowhere(context: Context, server: CurveServer) -> None:
    other = new_key_pair().public
    with listen() as listener, client_socket(context, zmq.DEALER, other, new_key_pair(), port_of(listener)):
        with Peer(listener.accept()[0], minor=1, as_server=True) as peer, pytest.raises(CurveError) as error:
            peer.serve(server)
        assert error.value.failure == CurveFailure.NOT_AUTHENTIC


def test_a_client_may_know_either_key_of_a_server_that_changes_it(context: Context) -> None:
    old, new = new_key_pair(), new_key_pair()
    server = CurveServer(old, new)
    for pair in (old, new):
        with (
            listen() as listener,
            client_socket(context, zmq.DEALER, pair.public, new_key_pair(), port_of(listener)) as dealer,
            Peer(listener.accept()[0], minor=1, as_server=True) as peer,
        ):
            peer.accept(server)
            dealer.send(b"up")
            assert peer.receive() == [b"up"]


def test_libzmq_comes_again_after_a_silent_close_and_never_after_error(
    context: Context, server: CurveServer
) -> None:
    with (
        listen() as listener,
        client_socket(context, zmq.DEALER, server.public, new_key_pair(), port_of(listener)) as dealer,
        closing(dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)) as monitor,
    ):
        with Peer(listener.accept()[0], minor=1, as_server=True) as peer:
            peer.serve(server)
        with Peer(listener.accept()[0], minor=1, as_server=True) as peer:
            peer.write_frame(peer.serve(server).refuse("400"), COMMAND_FRAME)
            assert monitor.poll(PATIENCE_MS)
            assert struct.unpack("=HI", monitor.recv_multipart()[0]) == (zmq.EVENT_HANDSHAKE_FAILED_AUTH, 400)
        listener.settimeout(1.0)  # ten times libzmq's interval
        with pytest.raises(TimeoutError):
            listener.accept()
        dealer.disable_monitor()


def test_libzmq_takes_a_message_in_a_command_frame_for_a_command(
    context: Context, server: CurveServer
) -> None:
    """The reason why MESSAGE travels without ZMTP's command bit."""
    with client_of_libzmq(context, server) as (dealer, peer):
        peer.write_frame(peer.session.seal(b"\x04TEXT"), COMMAND_FRAME)
        peer.write_frame(peer.session.seal(b"after it"))
        assert dealer.recv() == b"after it"


def answer_zap(context: Context, allowed: bytes) -> threading.Thread:
    """A ZAP handler (RFC 27) for one key, until the context ends."""
    handler = context.socket(zmq.REP)
    handler.bind("inproc://zeromq.zap.01")

    def answer() -> None:
        try:
            while True:
                version, request, *_, key = handler.recv_multipart()
                status = (b"200", b"OK") if key == allowed else (b"400", b"no")
                handler.send_multipart([version, request, *status, b"device", b""])
        except zmq.ZMQError:
            handler.close(0)

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


@contextmanager
def router_of_libzmq(allowed: bytes) -> Iterator[tuple[Socket, bytes, int]]:
    """``(socket, public key, port)`` of a ROUTER that asks a ZAP handler."""
    keys = new_key_pair()
    context: Context = zmq.Context()
    thread = answer_zap(context, allowed)
    router = context.socket(zmq.ROUTER)
    router.linger = 0
    router.curve_server = True
    router.curve_secretkey = encode_key(keys.secret).encode()
    router.zap_domain = b"test"
    router.rcvtimeo = PATIENCE_MS
    router.heartbeat_ivl = HEARTBEAT_MS
    router.heartbeat_timeout = PATIENCE_MS
    port = router.bind_to_random_port("tcp://127.0.0.1")
    try:
        yield router, keys.public, port
    finally:
        router.close()
        context.term()
        thread.join()


@pytest.mark.parametrize("minor", [0, 1])
def test_our_client_talks_to_a_router_of_libzmq(minor: int) -> None:
    keys = new_key_pair()
    with router_of_libzmq(keys.public) as (router, server_key, port):
        sock = socket.create_connection(("127.0.0.1", port))
        metadata = encode_metadata({"Socket-Type": b"DEALER", "Identity": b"us"})
        with Peer(sock, minor=minor, as_server=False).connect(server_key, keys, metadata) as peer:
            assert peer.metadata["socket-type"] == b"ROUTER"
            for message in MESSAGES:
                peer.send(*message)
                frames = router.recv_multipart(copy=False)
                assert [frame.bytes for frame in frames] == [b"us", *message]
                assert frames[-1].get("User-Id") == "device"
                router.send_multipart([b"us", *message])
                assert peer.receive() == message
            threading.Timer(5 * HEARTBEAT_MS / 1e3, router.send_multipart, [[b"us", b"late"]]).start()
            assert peer.receive() == [b"late"]
            assert peer.pings >= 2
            peer.ping(b"sixteen octets!!")
            assert peer.receive_pong() == b"sixteen octets!!"


def test_a_router_of_libzmq_refuses_our_client() -> None:
    with router_of_libzmq(new_key_pair().public) as (_, server_key, port):
        sock = socket.create_connection(("127.0.0.1", port))
        with (
            Peer(sock, minor=1, as_server=False) as peer,
            pytest.raises(CurveError, match="refused: 400") as error,
        ):
            peer.connect(server_key, new_key_pair())
        assert error.value.failure == CurveFailure.REFUSED


def test_a_router_of_libzmq_with_another_key_hangs_up() -> None:
    keys = new_key_pair()
    with router_of_libzmq(keys.public) as (_, _, port):
        sock = socket.create_connection(("127.0.0.1", port))
        with Peer(sock, minor=1, as_server=False) as peer, pytest.raises((EOFError, ConnectionError)):
            peer.connect(new_key_pair().public, keys)


HERE = Path(__file__).parent


def _zeromq_js() -> list[str] | str:
    node = shutil.which("node")
    if node is None:
        return "node is not installed"
    found = subprocess.run([node, "-e", "require('zeromq')"], capture_output=True, check=False, timeout=60)
    if found.returncode:
        return "node finds no zeromq: npm install zeromq in some folder, NODE_PATH=that/node_modules"
    return [node, str(HERE / "echo.js")]


def _libzmq_of_debian() -> list[str] | str:
    library = find_library("zmq")
    if library is None:
        return "libzmq.so.5 is not installed: apt-get install libzmq5"
    return [sys.executable, str(HERE / "echo.py"), library]


@contextmanager
def echo(command: list[str] | str, role: str, port: int, server_key: str, keys: KeyPair) -> Iterator[None]:
    """A process that sends each message back where it came from."""
    if isinstance(command, str):
        pytest.skip(command)
    arguments = [role, str(port), server_key, encode_key(keys.public), encode_key(keys.secret)]
    process = subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.kill()
        process.communicate()


OTHERS = pytest.mark.parametrize("find", [_libzmq_of_debian, _zeromq_js], ids=["libzmq5", "zeromq.js"])


@OTHERS
def test_another_dealer_talks_to_our_server(server: CurveServer, find: Callable[[], list[str] | str]) -> None:
    keys = new_key_pair()
    server_key = encode_key(server.public)
    with (
        listen() as listener,
        echo(find(), "dealer", port_of(listener), server_key, keys),
        Peer(listener.accept()[0], minor=1, as_server=True).accept(server) as peer,
    ):
        assert (peer.client_key, peer.metadata["socket-type"]) == (keys.public, b"DEALER")
        for message in MESSAGES:
            peer.send(*message)
            assert peer.receive() == message
        peer.ping(b"context")
        assert peer.receive_pong() == b"context"
        while peer.pings < 3:
            peer.read()


@OTHERS
def test_our_client_talks_to_another_router(find: Callable[[], list[str] | str]) -> None:
    keys = new_key_pair()
    with listen() as listener:
        port = port_of(listener)
    with echo(find(), "router", port, "", keys):
        sock = socket.create_connection(("127.0.0.1", port))
        with Peer(sock, minor=1, as_server=False).connect(keys.public, new_key_pair()) as peer:
            for message in MESSAGES:
                peer.send(*message)
                assert peer.receive() == message
