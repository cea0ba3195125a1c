"""Servers that speak Kafka's protocol, for what the broker of the tests never says: it is alone and
takes everything."""

import asyncio
import struct

from aiokafka.errors import BrokerResponseError
from aiokafka.protocol.admin import ApiVersionResponse_v0
from aiokafka.protocol.fetch import FetchResponse_v4
from aiokafka.protocol.metadata import MetadataResponse_v4
from aiokafka.protocol.offset import OffsetResponse_v3
from aiokafka.protocol.produce import ProduceResponse_v4

from chatd.transport.queue.kafka_cluster import PARTITIONS


class Directory:
    """A server that knows the brokers of a cluster, and is none itself. ``leaders`` has a broker
    for each partition; -1: none."""

    def __init__(self, **places: tuple[str, int]) -> None:
        self._brokers = [(number, host, port, None) for number, (host, port) in enumerate(places.values())]
        self.leaders = [0] * PARTITIONS
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"kafka://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                request = await reader.readexactly(size)
                kind, _, number = struct.unpack_from(">hhi", request)
                answer = self.answer(kind)
                writer.write(struct.pack(">ii", 4 + len(answer), number) + answer)
        except EOFError:
            writer.close()

    def answer(self, kind: int) -> bytes:
        if kind == ApiVersionResponse_v0.API_KEY:
            return bytes(ApiVersionResponse_v0(0, [(one, 0, 4) for one in range(4)]).encode())
        parts = [(0, number, leader, [leader], [leader]) for number, leader in enumerate(self.leaders)]
        return bytes(MetadataResponse_v4(0, self._brokers, None, 0, [(0, "queue", False, parts)]).encode())


class Refusing(Directory):
    """A broker that is alone, and has this error for everything that is written or read. It stands
    for Kafka's own; the one that the other tests use takes everything."""

    def __init__(self, error: type[BrokerResponseError]) -> None:
        super().__init__(itself=("127.0.0.1", 1))
        self._error = error.errno

    def answer(self, kind: int) -> bytes:
        if kind == ProduceResponse_v4.API_KEY:
            return bytes(ProduceResponse_v4([("queue", [(0, self._error, -1, -1)])], 0).encode())
        if kind == OffsetResponse_v3.API_KEY:
            return bytes(OffsetResponse_v3(0, [("queue", [(0, 0, -1, 5)])]).encode())
        if kind == FetchResponse_v4.API_KEY:
            return bytes(FetchResponse_v4(0, [("queue", [(0, self._error, -1, -1, [], b"")])]).encode())
        return super().answer(kind)
