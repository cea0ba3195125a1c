"""chatd's devices under load: a connection for each, whatever carries it."""

import asyncio
from collections.abc import Callable, Sequence

from chatd.core.start import HEAD
from chatd.pb.gateway.v1.gateway_pb2 import Hello
from tests.bench.subject import ACK_EVERY, ACK_SECONDS, Tally
from tests.bench.wires.native import NATIVE
from tests.bench.wires.wire import Device, Wire

HEARTBEAT_SECONDS = 10.0
_HEARTBEAT_TURNS = 200
"""Heartbeats are spread over their interval, as those of real devices are."""
_CONNECTING_AT_ONCE = 100


class ChatdReceivers:
    """A connection for each member, spread over the gateways. Acks are cumulative."""

    def __init__(
        self, uris: Sequence[str], token: str, tally: Tally, *, window: int = 1024, wire: Wire = NATIVE
    ) -> None:
        self._uris = uris
        self._token = token
        self._tally = tally
        self._window = window
        self._wire = wire
        self._caught_up = 0
        self._last = b""
        self._stamps: tuple[float, ...] = ()
        self._connections: list[Device] = []
        self._counts: list[int] = []
        self._acked: list[int] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._turn = 0
        self._connected = 0

    async def open(self, members: Sequence[str]) -> "ChatdReceivers":
        """Say Hello for each; returns when all have caught up."""
        self._counts, self._acked = [0] * len(members), [0] * len(members)
        self._connections = [self._wire.make(self._reader(index)) for index in range(len(members))]
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(ACK_SECONDS, self._acknowledge),
            loop.call_later(HEARTBEAT_SECONDS / _HEARTBEAT_TURNS, self._heartbeat),
        ]
        for start in range(0, len(members), _CONNECTING_AT_ONCE):
            end = min(start + _CONNECTING_AT_ONCE, len(members))
            await asyncio.gather(*(self._hello(index, members[index]) for index in range(start, end)))
            self._connected = end
        while self._caught_up < len(members):
            await asyncio.sleep(0.01)
        return self

    async def _hello(self, index: int, member: str) -> None:
        hello = Hello(
            token=self._token,
            profile_id=member,
            device_id="d",
            window_messages=self._window,
            window_bytes=4 << 20,
            version=1,
            start=HEAD.to_pb(),
        )
        await self._connections[index].connect(self._uris[index % len(self._uris)], hello)

    def _reader(self, index: int) -> Callable[[list[bytes]], None]:
        counts, acked, tally = self._counts, self._acked, self._tally

        def on_messages(messages: list[bytes]) -> None:
            for data in messages:
                if data != self._last:
                    stamps = self._parse(data)
                    if not stamps:
                        continue
                    self._last, self._stamps = data, stamps
                counts[index] += len(self._stamps)
                tally.count(index, self._stamps)
            if counts[index] - acked[index] >= ACK_EVERY:
                self._ack(index)

        return on_messages

    def _parse(self, data: bytes) -> tuple[float, ...]:
        arrived = self._wire.parse(data)
        self._caught_up += arrived.is_caught_up
        return arrived.stamps

    def _ack(self, index: int) -> None:
        self._acked[index] = self._counts[index]
        self._connections[index].ack(self._counts[index])

    def _acknowledge(self) -> None:
        for index, count in enumerate(self._counts):
            if count > self._acked[index]:
                self._ack(index)
        self._timers[0] = asyncio.get_running_loop().call_later(ACK_SECONDS, self._acknowledge)

    def _heartbeat(self) -> None:
        for connection in self._connections[self._turn : self._connected : _HEARTBEAT_TURNS]:
            connection.heartbeat()
        self._turn = (self._turn + 1) % _HEARTBEAT_TURNS
        self._timers[1] = asyncio.get_running_loop().call_later(
            HEARTBEAT_SECONDS / _HEARTBEAT_TURNS, self._heartbeat
        )

    def hush(self) -> None:
        """No more acks and heartbeats."""
        for timer in self._timers:
            timer.cancel()

    def close(self) -> None:
        self.hush()
        for connection in self._connections:
            connection.close()
