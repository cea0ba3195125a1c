"""chatd under load: a default node and a gateway, two processes, on SQLite or PostgreSQL."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg2

from chatd.client import Client
from tests.bench.chatd_devices import ChatdReceivers
from tests.bench.chatd_sender import ChatdSender
from tests.bench.measure import family
from tests.bench.subject import Tally
from tests.bench.wires.event_stream import EVENT_STREAM
from tests.bench.wires.grpc import GRPC
from tests.bench.wires.native import NATIVE
from tests.bench.wires.websocket import BINARY, JSON
from tests.bench.wires.wire import Wire
from tests.brokers import find, how_to_install, new_broker
from tests.daemons import free_port
from tests.databases import HOW_TO_INSTALL, cluster
from tests.protocol.limited import write_tokens
from tests.system.deployment import Deployment

WIRES: Mapping[str, Wire] = {
    "websocket": BINARY,
    "websocket-json": JSON,
    "sse": EVENT_STREAM,
    "grpc": GRPC,
}
"""The ways that devices connect by beside the native one."""
RATES = tuple(
    f"{whose}_{what}_PER_SECOND" for whose in ("MAX", "PROFILE", "ADDRESS") for what in ("EVENTS", "BYTES")
)
MAX_CONNECTIONS = 1_000_000
"""More than descriptors last for: all devices are at one address here."""
_MEMBERS_A_CALL = 999
_ROOMS_AT_ONCE = 32


class Chatd:
    """``gateways`` processes of chatd gateway at ``nodes`` of chatd default, on SQLite.
    ``metrics``: each shows its metrics. ``users``: they have tokens, and no limits of rates;
    gateways speak HTTP. ``wire``: the name of the way by which devices connect; empty: as native
    clients."""

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
        wire: str = "",
    ) -> None:
        self.name = self.kind if nodes == gateways == 1 else f"{self.kind}-{nodes}x{gateways}"
        if wire:
            self.name += f"-{wire}"
        self._front = wire
        self.wire = WIRES[wire] if wire else NATIVE
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
            if self._users:
                gateway.settings |= {"HTTP_URI": uri, **dict.fromkeys(RATES, "0")}
            if self._front:
                gateway.settings["GRPC_URI" if self.wire is GRPC else "HTTP_URI"] = uri
                gateway.settings["MAX_CONNECTIONS_PER_ADDRESS"] = str(MAX_CONNECTIONS)
        self.deployment.__enter__()
        self.uris = [gateway.public_uri for gateway in self.deployment.gateways]
        self.device_uris = self.http_uris if self._front else self.uris
        """The gateways as devices reach them."""
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
        return await self.devices(members, tally)

    async def devices(self, members: Sequence[str], tally: Tally) -> ChatdReceivers:
        """A device for each member, caught up."""
        return await ChatdReceivers(self.device_uris, self.token, tally, wire=self.wire).open(members)

    async def sender(self, rooms: Sequence[str], on_ack: Callable[[object], None]) -> ChatdSender:
        return await ChatdSender(self.token, on_ack).open(self.uris)


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
        self._uri = running.uri(running.new_database())
        return self._start(folder, self._uri)

    def stop(self) -> None:
        super().stop()
        self._ending.close()

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {**super().processes(), "postgres": family(self._cluster.pid)}

    def log_bytes(self) -> int:
        with closing(psycopg2.connect(self._uri)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint")
            ((position,),) = cursor.fetchall()
        return int(position)


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
