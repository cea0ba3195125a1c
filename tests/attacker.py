"""Attacks on the device port by a process of their own, so that who measures is not slowed by who
attacks: ``python -m tests.attacker ATTACK URI [TOKEN]``, until it is killed. It says "on" when it
has begun.

The process is a nice one: on two cores the attacker's own work would take the time of those that
are attacked, which no daemon can help. An attacker has a machine of his own.
"""

import os
import random
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chatd.core.zmtp import COMMAND, MORE, command, frame
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello, RpcRequest
from tests.call_attacks import CALLS, call_again_and_again
from tests.raw_peer import GREETING, raise_descriptors, ready, target_of

STORM = 300
"""Connections of one attack at once."""
NICE = 10
OPENING = GREETING + ready()


def hello(token: str, device: str = "storm") -> bytes:
    """A Hello as it is sent."""
    return frame(ClientFrame(hello=Hello(token=token, device_id=device, version=1)).SerializeToString())


def call(token: str) -> bytes:
    """A small call as it is sent."""
    return frame(
        ClientFrame(
            call=RpcRequest(call_id=1, method="ChatService/ListUnread", token=token)
        ).SerializeToString()
    )


def endless_parts(_: str) -> bytes:
    """One message of many parts of a byte each."""
    return OPENING + frame(b"x", MORE) * 100_000


def small_parts(_: str) -> bytes:
    """One message of 3 million parts of a byte each, 9 MB on the wire, and its end."""
    return OPENING + frame(b"x", MORE) * 3_000_000 + frame(b"x")


def commands(token: str) -> bytes:
    """Commands that mean nothing, and some that want an answer."""
    return OPENING + call(token) + command(b"") * 20_000 + command(b"PING", b"\0\0" + bytes(16)) * 4_000


def empty_frames(_: str) -> bytes:
    """Frames without a kind."""
    return OPENING + b"\0\0" * 100_000


def nothing(_: str) -> bytes:
    """A connection, and then another."""
    return b""


def calls(token: str) -> bytes:
    """A client that authenticates, and comes again as soon as it is sent away."""
    return OPENING + call(token)


def tokens(_: str) -> bytes:
    """A stranger's token of a megabyte."""
    return OPENING + hello("t" * 1_000_000)


def nuls(token: str) -> bytes:
    """A Hello that PostgreSQL cannot store."""
    said = Hello(token=token, device_id="storm", client="a\0b", version=1)
    return OPENING + frame(ClientFrame(hello=said).SerializeToString())


def hellos(token: str) -> bytes:
    """A device that logs in, and again."""
    return OPENING + hello(token)


def http_nowhere(_: str) -> bytes:
    """Requests for paths that are not there."""
    return b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" * 50_000


def http_guesses(_: str) -> bytes:
    """Wrong tokens."""
    return b"GET /v1/unread HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n\r\n" * 50_000


def http_json(_: str) -> bytes:
    """Wrong tokens before JSON that takes long to read."""
    body = b'{"room_ids": [' + b",".join([b'""'] * 300_000) + b"]}"
    head = (
        b"POST /chat.v1.ChatService/ListUnread HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    return (head + body) * 20


def http_chunks(token: str) -> bytes:
    """A user's bodies in chunks of a byte."""
    head = (
        f"POST /chat.v1.ChatService/ListUnread HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    return (head + b"1\r\n \r\n" * 200_000 + b"2\r\n{}\r\n0\r\n\r\n") * 5


FLOODS: dict[str, Callable[[str], bytes]] = {
    one.__name__: one
    for one in (
        endless_parts,
        small_parts,
        commands,
        empty_frames,
        nothing,
        calls,
        hellos,
        tokens,
        nuls,
        http_nowhere,
        http_guesses,
        http_json,
        http_chunks,
    )
}
LARGE = ("http_json", "http_chunks", "small_parts", "endless_parts", "commands", "empty_frames", "tokens")
"""Attacks that say so much that a few connections are enough."""
HANGS_UP = ("nothing",)
"""Attacks that hang up by themselves as soon as they are connected."""


def flood(target: tuple[str, int], saying: bytes, *, at_once: int, hang_up: bool) -> None:
    """Connections that say all of it as quickly as it is taken; one that is ended comes again at
    once."""
    with selectors.DefaultSelector() as selector:
        peers: dict[socket.socket, memoryview] = {}

        def come() -> None:
            peer = socket.socket()
            peer.setblocking(False)
            peer.connect_ex(target)
            peers[peer] = memoryview(saying)
            selector.register(peer, selectors.EVENT_READ | selectors.EVENT_WRITE)

        def go(peer: socket.socket) -> None:
            selector.unregister(peer)
            del peers[peer]
            peer.close()
            come()

        for _ in range(at_once):
            come()
        print("on", flush=True)
        while True:
            for key, events in selector.select():
                peer = key.fileobj
                assert isinstance(peer, socket.socket)
                try:
                    if events & selectors.EVENT_READ and not peer.recv(65_536):
                        go(peer)
                        continue
                    if events & selectors.EVENT_WRITE:
                        if left := peers[peer]:
                            peers[peer] = left[peer.send(left[:262_144]) :]
                        elif hang_up:
                            go(peer)
                        else:
                            selector.modify(peer, selectors.EVENT_READ)
                except BlockingIOError:
                    pass
                except OSError:
                    go(peer)


def garbage(number: int, token: str) -> bytes:
    """Bytes of another protocol, of an old one, or of half of this one."""
    seeded = random.Random(number)
    kinds: list[bytes] = [
        b"GET / HTTP/1.1\r\nHost: chatd\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + seeded.randbytes(500),  # TLS's ClientHello
        seeded.randbytes(seeded.randint(1, 2_000)),
        b"\xff" + seeded.randbytes(200),
        b"\x01\x00\x00",  # ZMTP 1: an anonymous peer's identity
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\0\0",  # ZMTP 2: a DEALER
        GREETING[: seeded.randint(1, 63)],
        GREETING.replace(b"NULL", b"PLAI"),
        GREETING,
        OPENING[: seeded.randint(65, len(OPENING) - 1)],
        GREETING + ready(b"SUB"),
        GREETING + frame(b"\x05READY" + seeded.randbytes(50), COMMAND),
        GREETING + b"\x06" + (1 << 40).to_bytes(8, "big"),
        OPENING + call(token)[: seeded.randint(1, 20)],
        OPENING + b"\x02" + (1_000_000).to_bytes(8, "big") + bytes(10_000),
        OPENING + b"\x02" + (1 << 62).to_bytes(8, "big"),
        OPENING + frame(seeded.randbytes(300)),
        OPENING + frame(b"", MORE),
        OPENING + bytes((0xF8, 3)) + b"abc",
        OPENING + command(b"ERROR", b"\0"),
    ]
    return kinds[number % len(kinds)]


def crowd(target: tuple[str, int], saying: Callable[[int], bytes], *, many: int, drip: float = 0.0) -> None:
    """Open ``many`` connections. Each says its own all at once, or a byte each ``drip`` seconds."""
    raise_descriptors()
    peers: list[tuple[socket.socket, bytes]] = []
    for number in range(many):
        try:
            peer = socket.create_connection(target, timeout=10)
            peer.settimeout(10)
            said = saying(number)
            if not drip:
                peer.sendall(said)
            peers.append((peer, said))
        except ConnectionError:  # it has been ended while it spoke
            pass
        if number == many // 2:
            print("on", flush=True)
    at = 0
    while True:
        time.sleep(drip or 1.0)
        for peer, said in peers:
            if drip and at < len(said):
                try:
                    peer.send(said[at : at + 1])
                except OSError:
                    pass
        at += 1


def main(attack: str, uri: str, token: str = "") -> None:
    """Attack until killed."""
    os.nice(NICE)
    target = target_of(uri)
    if attack in FLOODS:
        flood(
            target,
            FLOODS[attack](token),
            at_once=8 if attack in LARGE else STORM,
            hang_up=attack in HANGS_UP,
        )
    elif attack in CALLS:
        call_again_and_again(uri, token, attack)
    elif attack == "garbage":
        crowd(target, lambda number: garbage(number, token), many=900)
    elif attack == "slowloris":
        crowd(target, lambda number: OPENING + hello(token, f"d{number}"), many=500, drip=1.0)
    elif attack == "idle":
        crowd(target, lambda number: OPENING + call(token), many=992)
    elif attack == "silent":
        crowd(target, lambda number: OPENING, many=5_000)
    else:
        raise SystemExit(f"no attack is called {attack!r}")


@contextmanager
def attack(kind: str, uri: str, token: str = "") -> Iterator[int]:
    """The attack, under way; its process id."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.attacker", kind, uri, token], stdout=subprocess.PIPE, env=os.environ
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"on\n", "the attack has not begun"
            yield process.pid
        finally:
            process.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
