"""Streams that may have missed something pull: a few at once, many spread over a second."""

import asyncio

from chatd.core.model import Owed, StreamKey
from chatd.core.stream import DeviceStream
from chatd.core.stream.state import StreamState
from chatd.gateway.connection import ClientConnection
from chatd.gateway.resync import Resync
from chatd.gateway.spread import AT_ONCE, SPREAD_SECONDS
from tests.gateway.links import KeptLink


class Pulled:
    def __init__(self) -> None:
        self.wanted: list[ClientConnection] = []

    def want(self, peer: ClientConnection) -> None:
        self.wanted.append(peer)

    def flush(self) -> None:
        pass


def live(number: int) -> ClientConnection:
    peer = ClientConnection(KeptLink(), 0.0)
    peer.stream = DeviceStream(StreamKey(f"p{number}", "d", 1), window_messages=8, window_bytes=1000)
    peer.stream.begin_pull()
    peer.stream.pulled(Owed())
    assert peer.stream.state is StreamState.LIVE
    return peer


async def test_only_the_streams_of_the_topics_fall_behind() -> None:
    pulled = Pulled()
    streams = {b"%d" % number: live(number) for number in range(3)}
    Resync(asyncio.get_running_loop(), streams, pulled).topics([b"1", b"gone"])
    assert pulled.wanted == [streams[b"1"]]
    assert streams[b"0"].stream is not None
    assert streams[b"0"].stream.state is StreamState.LIVE


async def test_all_of_very_many_fall_behind_within_a_second_but_not_together() -> None:
    pulled = Pulled()
    streams = {b"%d" % number: live(number) for number in range(20 * AT_ONCE)}
    Resync(asyncio.get_running_loop(), streams, pulled).topics(None)
    assert len(pulled.wanted) == AT_ONCE
    async with asyncio.timeout(3 * SPREAD_SECONDS):
        while len(pulled.wanted) < len(streams):
            await asyncio.sleep(0.01)
    assert set(pulled.wanted) == set(streams.values())
