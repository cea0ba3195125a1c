"""chatd under load: a default node and a gateway, two processes, on SQLite or PostgreSQL. And a
client for it as lean as Python allows."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from google.protobuf.struct_pb2 import Struct

from chatd.client import Client
from chatd.pb.chat.v1.chat_pb2 import RoomEvent, SendEventsRequest
from chatd.pb.events.v1.payloads_pb2 import EventType
from chatd.pb.gateway.v1.gateway_pb2 import Ack, ClientFrame, Heartbeat, Hello, RpcRequest, ServerFrame
from tests.bench.measure import family
from tests.bench.subject import ACK_EVERY, ACK_SECONDS, Tally, stamped_at
from tests.bench.zmtp import Dealer
from tests.brokers import find, how_to_install, new_broker
from tests.daemons import free_port
from tests.databases import HOW_TO_INSTALL, cluster
from tests.protocol.limited import write_tokens
from tests.system.deployment import Deployment

HEARTBEAT_SECONDS = 10.0
_HEARTBEAT_TURNS = 200
"""Heartbeats are spread over their interval, as those of real devices are."""
FIRST_CALL = 1 << 28
"""Call ids from here on take five bytes each."""
RATES = tuple(
    f"{whose}_{what}_PER_SECOND" for whose in ("MAX", "PROFILE", "ADDRESS") for what in ("EVENTS", "BYTES")
)
_MEMBERS_A_CALL = 999
_CONNECTING_AT_ONCE = 100
_ROOMS_AT_ONCE = 32


class ChatdReceivers:
    """A connection for each member, spread over the gateways. Acks are cumulative."""

    def __init__(self, uris: Sequence[str], token: str, tally: Tally, *, window: int = 1024) -> None:
        self._uris = uris
        self._token = token
        self._tally = tally
        self._window = window
        self._caught_up = 0
        self._last = b""
        self._stamps: tuple[float, ...] = ()
        self._connections: list[Dealer] = []
        self._counts: list[int] = []
        self._acked: list[int] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._turn = 0

    async def open(self, members: Sequence[str]) -> "ChatdReceivers":
        """Say Hello for each; returns when all have caught up."""
        self._counts, self._acked = [0] * len(members), [0] * len(members)
        self._connections = [Dealer(self._reader(index)) for index in range(len(members))]
        for start in range(0, len(members), _CONNECTING_AT_ONCE):
            await asyncio.gather(
                *(
                    self._hello(index, members[index])
                    for index in range(start, min(start + _CONNECTING_AT_ONCE, len(members)))
                )
            )
        while self._caught_up < len(members):
            await asyncio.sleep(0.01)
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(ACK_SECONDS, self._acknowledge),
            loop.call_later(HEARTBEAT_SECONDS / _HEARTBEAT_TURNS, self._heartbeat),
        ]
        return self

    async def _hello(self, index: int, member: str) -> None:
        await self._connections[index].connect(self._uris[index % len(self._uris)])
        hello = Hello(
            token=self._token,
            profile_id=member,
            device_id="d",
            window_messages=self._window,
            window_bytes=4 << 20,
            version=1,
        )
        self._connections[index].send(ClientFrame(hello=hello).SerializeToString())

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
        frame = ServerFrame.FromString(data)
        if frame.HasField("caught_up"):
            self._caught_up += 1
        elif frame.HasField("closed") or frame.HasField("error"):
            raise RuntimeError(f"the gateway refused: {frame}")
        return tuple(
            stamped_at(one.payload.fields["text"].string_value.encode())
            if "text" in one.payload.fields
            else 0.0
            for one in frame.deliveries
        )

    def _ack(self, index: int) -> None:
        self._acked[index] = self._counts[index]
        self._connections[index].send(ClientFrame(ack=Ack(up_to=self._counts[index])).SerializeToString())

    def _acknowledge(self) -> None:
        for index, count in enumerate(self._counts):
            if count > self._acked[index]:
                self._ack(index)
        self._timers[0] = asyncio.get_running_loop().call_later(ACK_SECONDS, self._acknowledge)

    def _heartbeat(self) -> None:
        frame = ClientFrame(heartbeat=Heartbeat()).SerializeToString()
        for connection in self._connections[self._turn :: _HEARTBEAT_TURNS]:
            connection.send(frame)
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


class _Request:
    """SendEvents of one event, made once for a room and a size of body; then only what differs is
    put in. What protobuf itself takes for each would be more than the daemon does."""

    def __init__(self, token: str, room: str, size: int) -> None:
        self._prefix = f"{time.time_ns():016x}-"
        made = [self._make(token, room, FIRST_CALL, digit * size) for digit in "01"]
        self._body_at = next(
            index for index, (one, other) in enumerate(zip(*made, strict=True)) if one != other
        )
        self._size = size
        self._call_at = made[0].index(_varint(FIRST_CALL))
        self._id_at = made[0].index(self._event_id(FIRST_CALL).encode())
        self._made = made[0]
        text = "".join(map(str, range(size)))[:size]
        assert self.bytes_of(7, text.encode()) == self._make(token, room, FIRST_CALL + 7, text)

    def _event_id(self, number: int) -> str:
        return f"{self._prefix}{number:016x}"

    def _make(self, token: str, room: str, number: int, text: str) -> bytes:
        payload = Struct()
        payload["text"] = text
        event = RoomEvent(
            event_id=self._event_id(number), room_id=room, type=EventType.EVENT_TYPE_MESSAGE, payload=payload
        )
        call = RpcRequest(
            call_id=number,
            method="ChatService/SendEvents",
            payload=SendEventsRequest(events=[event]).SerializeToString(),
            token=token,
            profile_id="sender",
            affinity=room,
        )
        return ClientFrame(call=call).SerializeToString()

    def bytes_of(self, number: int, body: bytes) -> bytes:
        number += FIRST_CALL
        made = bytearray(self._made)
        made[self._call_at : self._call_at + 5] = _varint(number)
        event_id = self._event_id(number).encode()
        made[self._id_at : self._id_at + len(event_id)] = event_id
        made[self._body_at : self._body_at + self._size] = body
        return bytes(made)


def _varint(number: int) -> bytes:
    """Of 2^28 ≤ ``number`` < 2^35."""
    return bytes(((number >> shift) & 0x7F) | 0x80 for shift in (0, 7, 14, 21)) + bytes((number >> 28,))


class ChatdSender:
    """Pipelined SendEvents of one event each on one connection."""

    def __init__(self, token: str, on_ack: Callable[[object], None]) -> None:
        self._token = token
        self._on_ack = on_ack
        self._number = 0
        self._requests: dict[tuple[str, int], _Request] = {}
        self._waiting: dict[int, object] = {}

    async def open(self, uri: str) -> "ChatdSender":
        self._connection = await Dealer(self._on_messages).connect(uri)
        return self

    def send(self, room: str, body: bytes, tag: object) -> None:
        self._number += 1
        request = self._requests.get((room, len(body)))
        if request is None:
            request = self._requests[room, len(body)] = _Request(self._token, room, len(body))
        self._waiting[self._number] = tag
        self._connection.send(request.bytes_of(self._number, body))

    def _on_messages(self, messages: list[bytes]) -> None:
        for data in messages:
            reply = ServerFrame.FromString(data).reply
            if reply.HasField("error"):
                raise RuntimeError(f"a send was refused: {reply.error}")
            self._on_ack(self._waiting.pop(reply.call_id - FIRST_CALL))

    def close(self) -> None:
        self._connection.close()


class Chatd:
    """``gateways`` processes of chatd gateway at ``nodes`` of chatd default, on SQLite.
    ``metrics``: each shows its metrics. ``users``: they have tokens, and no limits of rates;
    gateways speak HTTP."""

    kind = "chatd"
    promise = "committed and fsynced"
    database = "SQLite, synchronous=FULL"

    def __init__(
        self,
        *,
        nodes: int = 1,
        gateways: int = 1,
        metrics: bool = False,
        encrypted: bool = False,
        users: Sequence[str] = (),
    ) -> None:
        self.name = self.kind if nodes == gateways == 1 else f"{self.kind}-{nodes}x{gateways}"
        self._encrypted = encrypted
        self._nodes = nodes
        self._gateways = gateways
        self._metrics = metrics
        self._users = users

    def start(self, folder: Path) -> str:
        return self._start(folder, f"sqlite:///{folder}/chatd.db")

    def _start(self, folder: Path, database: str, queue: str = "") -> str:
        self.deployment = Deployment(
            folder, database, defaults=self._nodes, gateways=self._gateways, queue=queue
        )
        for daemon in (*self.deployment.defaults, *self.deployment.gateways) if self._metrics else ():
            daemon.settings["METRICS_URI"] = f"http://127.0.0.1:{free_port()}"
        for gateway in self.deployment.gateways if self._encrypted else ():
            gateway.settings["GATEWAY_URI"] = f"{gateway.uri}#curve"
        self.http_uris = [f"http://127.0.0.1:{free_port()}" for _ in self.deployment.gateways]
        if self._users:
            write_tokens(folder, self._users)
            for gateway, uri in zip(self.deployment.gateways, self.http_uris, strict=True):
                gateway.settings |= {"HTTP_URI": uri, **dict.fromkeys(RATES, "0")}
        self.deployment.__enter__()
        self.uris = [gateway.public_uri for gateway in self.deployment.gateways]
        self.token = self.deployment.token
        return f"defaults; {self.database}; {self._nodes} chatd default and {self._gateways} chatd gateway\n"

    def stop(self) -> None:
        self.deployment.__exit__()

    def processes(self) -> Mapping[str, Sequence[int]]:
        groups = {"default": self.deployment.defaults, "gateway": self.deployment.gateways}
        return {name: [daemon.pid for daemon in daemons] for name, daemons in groups.items()}

    async def make_rooms(self, rooms: Mapping[str, Sequence[str]]) -> None:
        async with Client(self.uris[0], self.token, profile="sender", call_timeout=60) as client:
            gate = asyncio.Semaphore(_ROOMS_AT_ONCE)

            async def make(room: str, members: Sequence[str]) -> None:
                async with gate:
                    await client.create_room(room, profiles=members[:_MEMBERS_A_CALL])
                    for start in range(_MEMBERS_A_CALL, len(members), _MEMBERS_A_CALL):
                        await client.add_members(room, members[start : start + _MEMBERS_A_CALL])

            await asyncio.gather(*(make(room, members) for room, members in rooms.items()))

    async def receivers(self, rooms: Mapping[str, Sequence[str]], tally: Tally) -> ChatdReceivers:
        await self.make_rooms(rooms)
        members = list(dict.fromkeys(member for mine in rooms.values() for member in mine))
        return await ChatdReceivers(self.uris, self.token, tally).open(members)

    async def sender(self, rooms: Sequence[str], on_ack: Callable[[object], None]) -> ChatdSender:
        return await ChatdSender(self.token, on_ack).open(self.uris[0])


class EncryptedChatd(Chatd):
    """The same with CURVE at the device port."""

    kind = "chatd-curve"

    def __init__(self) -> None:
        super().__init__(encrypted=True)


class ChatdOnPostgres(Chatd):
    """The same on a PostgreSQL of its own, whose CPU counts as well."""

    kind = "chatd-postgres"
    database = "PostgreSQL, fsync on, synchronous_commit on"

    def start(self, folder: Path) -> str:
        self._ending = ExitStack()
        running = self._ending.enter_context(cluster("-c fsync=on"))
        if running is None:
            raise FileNotFoundError(HOW_TO_INSTALL)
        self._cluster = running
        return self._start(folder, running.uri(running.new_database()))

    def stop(self) -> None:
        super().stop()
        self._ending.close()

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {**super().processes(), "postgres": family(self._cluster.pid)}


class ChatdOnBroker(Chatd):
    """The same with the queue on a broker of its own, whose CPU counts as well."""

    def __init__(self, broker: str) -> None:
        self.kind = f"chatd-{broker}"
        super().__init__()
        self._broker = broker

    def start(self, folder: Path) -> str:
        if find(self._broker) is None:
            raise FileNotFoundError(how_to_install(self._broker))
        self._process = new_broker(self._broker, folder)
        self._process.start()
        return self._start(folder, f"sqlite:///{folder}/chatd.db", queue=self._process.uri)

    def stop(self) -> None:
        super().stop()
        self._process.stop()

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {**super().processes(), self._broker: family(self._process.pid)}
