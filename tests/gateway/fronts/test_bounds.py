"""Bounds of what connections make a gateway hold, over real sockets: unread answers, frames that do
not come to an end, large frames of strangers."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from chatd.core.zmtp import LONG, frame
from chatd.gateway.fronts import bounds
from chatd.gateway.fronts.bounds import FRAME_SECONDS, LONGEST_STEP
from chatd.gateway.fronts.clogging import HARD_UNSENT_FACTOR, MAX_UNSENT, MAX_UNSENT_ANSWERS
from chatd.gateway.fronts.zmtp_link import ZmtpLink
from chatd.transport.sockets import Context, new_context
from tests.gateway.fronts.test_zmtp import MAX_FRAME, Server, until
from tests.gateway.fronts.test_zmtp import MAX_UNSENT as TOGETHER
from tests.raw_peer import RawPeer

ANSWER = b"a" * 500_000


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
async def server(context: Context) -> AsyncIterator[Server]:
    made = Server(context, "tcp://127.0.0.1:*")
    yield made
    await made.close()


@pytest.fixture
def peers(server: Server) -> Iterator[list[RawPeer]]:
    made: list[RawPeer] = []
    yield made
    for peer in made:
        peer.socket.close()


async def come(server: Server, peers: list[RawPeer], said: bytes = b"hello") -> tuple[RawPeer, ZmtpLink]:
    """A client with small buffers that has said this, and its link."""
    peer = RawPeer(server.uri, buffer=4_096)
    peers.append(peer)
    before = len(server.heard)
    peer.send(said)
    await until(lambda: len(server.heard) > before)
    link = server.heard[-1][0].link
    assert isinstance(link, ZmtpLink)
    return peer, link


async def fill(link: ZmtpLink, most: int) -> int:
    """Answers sent until so many bytes wait."""
    sent = 0
    while not link.has_ended and link._transport.get_write_buffer_size() <= most:  # type: ignore[union-attr]
        link.send(ANSWER)
        sent += 1
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return sent


async def test_a_client_that_does_not_read_is_full_and_then_not_heard(
    server: Server, peers: list[RawPeer]
) -> None:
    peer, link = await come(server, peers)
    sent = await fill(link, MAX_UNSENT // 2)
    assert not link.is_full
    sent += await fill(link, MAX_UNSENT)
    assert link.is_full
    assert not link.is_held
    server.front.limits = type(server.front.limits)(MAX_FRAME, 10 * TOGETHER)
    sent += await fill(link, MAX_UNSENT_ANSWERS)
    assert link.is_held
    assert not link.refuses_calls, "they wait"
    for number in range(100):
        peer.send(b"%d" % number)
    await asyncio.sleep(0.05)
    assert len(server.heard) == 1
    assert server.roomy == []
    for _ in range(sent):
        assert await asyncio.to_thread(peer.hear_message) == ANSWER
    await until(lambda: len(server.heard) == 101)
    assert [body for _, body in server.heard[1:]] == [b"%d" % number for number in range(100)], "in order"
    assert [connection.link for connection in server.roomy] == [link]
    assert not link.is_full
    assert server.front.unsent.together == 0


async def test_a_slow_reader_whose_calls_wait_counts_as_heard(server: Server, peers: list[RawPeer]) -> None:
    server.front.limits = type(server.front.limits)(MAX_FRAME, 10 * TOGETHER)
    peer, link = await come(server, peers)
    await fill(link, MAX_UNSENT_ANSWERS)
    connection = link.connection
    assert connection is not None
    server.front.look()
    heard_at = connection.heard_at
    server.front.look()
    assert connection.heard_at == heard_at, "it has read nothing"
    for _ in range(4):
        await asyncio.to_thread(peer.hear_message)
    await asyncio.sleep(0.05)
    assert link.is_held
    server.front.look()
    assert connection.heard_at > heard_at


async def test_together_they_may_leave_so_much_unread(server: Server, peers: list[RawPeer]) -> None:
    while server.front.unsent.together <= TOGETHER:
        _, last = await come(server, peers)
        await fill(last, MAX_UNSENT // 2)
    assert last.is_full, "though it has less than it may have alone"
    assert server.front.unsent_bytes == server.front.unsent.together
    assert last.refuses_calls
    free, link = await come(server, peers)
    link.send(b"hi")
    assert await asyncio.to_thread(free.hear_message) == b"hi"
    assert not link.is_full, "those that read are not asked to wait"


async def test_the_connection_with_the_most_goes_when_it_is_twice_as_much(
    server: Server, peers: list[RawPeer]
) -> None:
    several = [(await come(server, peers))[1] for _ in range(12)]
    for link in several[1:]:
        await fill(link, MAX_UNSENT)
        assert server.front.unsent.together < HARD_UNSENT_FACTOR * TOGETHER + 2 * len(ANSWER)
    await fill(several[0], MAX_UNSENT_ANSWERS)
    assert server.broken
    assert {why for _, why in server.broken} == {"unread"}
    assert several[0] in [link for link, _ in server.broken]
    assert server.front.unsent.together <= HARD_UNSENT_FACTOR * TOGETHER


BEGUN = bytes((LONG,)) + (900).to_bytes(8, "big") + bytes(500)


async def test_a_frame_that_does_not_come_to_an_end(
    server: Server, peers: list[RawPeer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte a second does not help; that nothing is read does."""
    (half, slow), (quick, _), (held, held_link) = [await come(server, peers) for _ in range(3)]
    await come(server, peers)  # it says nothing more
    server.front.look()
    for peer in (half, quick, held):
        peer.socket.sendall(BEGUN)
    await until(lambda: len(server.front.unfinished._seconds) == 3)
    held_link.hold()
    clock = [server.front.now()]
    monkeypatch.setattr(server.front, "now", lambda: clock[0])
    for turn in range(20):
        assert server.broken == [] or turn * LONGEST_STEP > FRAME_SECONDS
        quick.socket.sendall(bytes(400) + BEGUN)
        if not slow.has_ended:
            half.socket.sendall(b"x")
        ended = 4 + turn + 1
        await until(lambda: len(server.heard) == ended)  # noqa: B023
        clock[0] += LONGEST_STEP
        server.front.look()
    assert server.broken == [(slow, "unfinished frame")]
    held_link.go_on()
    held.socket.sendall(bytes(400))
    await until(lambda: server.heard[-1][0].link is held_link)


async def test_time_in_which_the_process_stood_still_counts_little(
    server: Server, peers: list[RawPeer], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer, _ = await come(server, peers)
    server.front.look()
    peer.socket.sendall(BEGUN)
    await until(lambda: server.front.unfinished._seconds)
    clock = [server.front.now()]
    monkeypatch.setattr(server.front, "now", lambda: clock[0])
    for _ in range(15):
        clock[0] += 100
        server.front.look()
    assert server.broken == []
    clock[0] += 2
    server.front.look()
    assert [why for _, why in server.broken] == ["unfinished frame"]


async def test_the_oldest_large_frame_of_a_stranger_goes(
    server: Server, peers: list[RawPeer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "STRANGER_BYTES", 300)
    monkeypatch.setattr(bounds, "STRANGERS_BYTES", 2_200)
    links = []
    for _ in range(4):
        peer, link = await come(server, peers)
        links.append(link)
        if len(links) == 1:
            server.known.add(link)
        peer.socket.sendall(BEGUN)
    small, _ = await come(server, peers)
    small.socket.sendall(BEGUN[:200])
    await asyncio.sleep(0.1)
    assert server.broken == []
    fifth, _ = await come(server, peers)
    fifth.socket.sendall(BEGUN)
    sixth, _ = await come(server, peers)
    sixth.socket.sendall(BEGUN)
    await until(lambda: server.broken)
    assert server.broken == [(links[1], "large before its token")], "not the one that is known"
    fifth.socket.sendall(bytes(400) + frame(b"fifth"))
    await until(lambda: server.heard[-1][1] == b"fifth")
    assert server.front.unfinished._kept_together < 2_200
