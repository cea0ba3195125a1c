"""A chaos run: rounds of faults over fresh rooms, each ended by a drain and a verdict."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import aiohttp

from chatd.client import Client
from chatd.errors import ChatdError
from chatd.transport.sockets import new_context
from tests.brokers import BrokerProcess
from tests.chaos.backups import Backups
from tests.chaos.checker import Log, check
from tests.chaos.clients import Device, Mover, Sender, login_storm
from tests.chaos.connect import Connect, all_work, connector, user_connector
from tests.chaos.deleter import KEEPER, delete, forget_keeper, register_keeper
from tests.chaos.deployment import Deployment
from tests.chaos.drain import DRAIN_SECONDS, drain
from tests.chaos.faults import Faults
from tests.chaos.final_log import read_log
from tests.chaos.guests import GUEST, HOST, Blocker, Guest
from tests.chaos.history import History, Record
from tests.chaos.report import Report
from tests.chaos.restores import Logs
from tests.chaos.starts import LATECOMER, Starts
from tests.chaos.visits import Doors
from tests.databases import Cluster
from tests.protocol.limited import OPERATOR, write_tokens

PROFILES = ["ann", "bob", "cyd", "dan"]
MOVER, HASTY_MOVER = "eve", "fay"
"""Their memberships change all the time: the first one's by calls with request ids, the other's by
calls without."""
ROOMS = 4


class Run:
    """One deployment, several rounds. ``pace`` is the mean time between two sends of a sender,
    ``gap`` that between two faults, in seconds."""

    def __init__(
        self,
        folder: Path,
        engine: str,
        cluster: Cluster | None,
        *,
        seed: int,
        pace: float,
        say: Callable[[str], None],
        keep_history: bool = False,
        curve: bool = False,
        broker: BrokerProcess | None = None,
        gap: float = 0.5,
    ) -> None:
        self._folder = folder
        self._pace = pace
        self._gap = gap
        self._say = say
        self._keep_history = keep_history
        self._dice = random.Random(seed)
        self._uri = (
            cluster.uri(cluster.new_database()) if cluster is not None else f"sqlite:///{folder}/chaos.db"
        )
        nodes = 2 if cluster is not None else 1
        self._deployment = Deployment(
            folder, self._uri, defaults=nodes, gateways=2, cluster=cluster, curve=curve, broker=broker
        )
        self._backups = Backups(folder, self._uri, cluster)
        self._direct: list[Connect] = []
        self._shown: dict[tuple[str, str], Mapping[str, int]] = {}
        self.report = Report(seed, engine)

    async def run(self, *, seconds: float, round_seconds: float) -> Report:
        """Rounds of faults for ``seconds`` in all."""
        began = time.monotonic()
        context = new_context(max_sockets=20_000)
        try:
            one = self._deployment
            write_tokens(self._folder, [GUEST, HOST])
            await asyncio.to_thread(one.start)
            began = time.monotonic()
            token = OPERATOR
            proxied = [
                one.seen(proxy, gateway) for proxy, gateway in zip(one.outer, one.gateways, strict=True)
            ]
            addresses = [one.address(daemon) for daemon in one.gateways]
            connect = connector(proxied, token, context, call_timeout=15)
            direct = connector(addresses, token, context, call_timeout=15)
            users = user_connector(proxied, context, call_timeout=15)
            self._direct = [connector([one], token, context, call_timeout=15) for one in addresses]
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                doors = Doors(
                    connect,
                    [f"http://127.0.0.1:{proxy.port}" for proxy in one.http],
                    [f"127.0.0.1:{proxy.port}" for proxy in one.grpc],
                    token,
                    session,
                )
                while (left := seconds - (time.monotonic() - began)) > 1 and not self.report.violations:
                    await self._round(self.report.rounds, min(round_seconds, left), doors, direct, users)
        finally:
            self._deployment.close()
            context.destroy(linger=0)
        self.report.failpoints = self._deployment.hit_counts()
        if self._deployment.cluster is not None:
            self.report.deadlocks = self._deployment.cluster.deadlocks()
        self.report.seconds = time.monotonic() - began
        return self.report

    async def _round(
        self, number: int, seconds: float, doors: Doors, direct: Connect, users: Connect
    ) -> None:
        with History(self._folder / f"history{number}.jsonl" if self._keep_history else None) as history:
            await self._play(history, number, seconds, doors, direct, users)
        self._say(
            f"round {number}: {self.report.acked:,} acknowledged, {self.report.checked:,} deliveries checked, "
            f"{self.report.faults['kill']} kills, {len(self.report.violations)} violations"
        )

    async def _play(
        self,
        history: History,
        number: int,
        seconds: float,
        doors: Doors,
        direct: Connect,
        users: Connect,
    ) -> None:
        """``doors`` and ``users`` go by proxies that stand before gateways, ``direct`` by none."""
        connect = doors.connect
        rooms = [f"r{number}-{index}" for index in range(ROOMS)]
        devices = [
            Device(doors, profile, name, history, self._shown.get((profile, name), {}))
            for profile in (*PROFILES, MOVER, HASTY_MOVER, GUEST)
            for name in ("phone", "desk")
        ]
        for device in devices:
            device.start()
        await asyncio.gather(*(device.opened.wait() for device in devices))
        await register_keeper(connect)
        operator = connect("operator")
        for room in rooms:
            await _create(operator, room)
        await operator.add_members(rooms[-1], [KEEPER])
        senders = [
            Sender(connect, profile, room, history, self._pace)
            for room in rooms
            for profile in self._dice.sample(PROFILES, 2)
        ]
        sending = [asyncio.create_task(sender.run()) for sender in senders]
        movers = [
            mover
            for room in rooms
            for mover in (
                Mover(connect, MOVER, room, history, ids=True, bans=True),
                Mover(direct, HASTY_MOVER, room, history, ids=False),
            )
        ]
        guests = [Guest(users, room, history) for room in rooms]
        changing: list[Mover | Guest | Blocker] = [*movers, *guests, Blocker(users, history)]
        moving = [asyncio.create_task(one.run()) for one in changing]
        deleting = asyncio.create_task(
            delete(connect, rooms[-1], history, after=self._dice.uniform(0.3, 0.8) * seconds)
        )
        storms: set[asyncio.Task[None]] = set()

        def storm() -> None:
            device = self._dice.choice(devices)
            task = asyncio.create_task(login_storm(connect, device.profile, device.name, 20))
            storms.add(task)
            task.add_done_callback(storms.discard)

        faults = Faults(
            self._deployment,
            self._backups,
            history,
            self._dice,
            gap=self._gap,
            crash=lambda: self._dice.choice(devices).crash(),
            storm=storm,
            works=partial(all_work, self._direct),
        )
        known = [device for device in devices if device.profile in PROFILES]
        lasting = rooms[:-1]  # whoever begins when the last one is deleted is owed nothing of it
        starts = Starts(doors, known, lasting, history, self._uri, number, faults.restores)
        starting = asyncio.create_task(starts.run())
        self._dice.choice(devices).slow = 0.05
        await faults.run(seconds)
        for sender in senders:
            sender.stop()
        starts.stop()
        for task in moving:
            task.cancel()
        await asyncio.gather(*sending, *storms, deleting)
        await asyncio.gather(*moving, return_exceptions=True)
        for device in devices:
            device.slow = 0.0
        await starting
        await starts.settle()
        self._note_drain(*await drain(self._uri, devices, rooms, Logs(faults.restores), starts))
        self._note_memory()
        await asyncio.gather(*(device.stop() for device in (*devices, *starts.newcomers)))
        self.report.violations += starts.wrong_answers()
        await starts.forget()
        self._shown |= {(device.profile, device.name): device.shown for device in devices}
        log, members = await asyncio.to_thread(read_log, self._uri, rooms)
        await forget_keeper(operator)
        operator.close()
        if found := await asyncio.to_thread(self._backups.check):
            self.report.violations.append(f"check-db: {found}")
        self._judge(history, log, members, devices, rooms, starts)

    def _judge(
        self,
        history: History,
        log: Log,
        members: list[Record],
        devices: list[Device],
        rooms: list[str],
        starts: Starts,
    ) -> None:
        for member in members:
            history.add(member)
        owed = {(device.profile, device.name): dict.fromkeys(rooms, 1) for device in devices}
        self.report.begun += len(starts.newcomers)
        self.report.rewound += starts.rewound
        self.report.add(check(history.records, log, owed | starts.owed))

    def _note_drain(self, seconds: float, missing: Mapping[str, int]) -> None:
        self.report.longest_drain = max(self.report.longest_drain, seconds)
        if missing:
            self.report.undrained += 1
            named = [f"{name}: {left} missing" for name, left in missing.items()]
            self._say(f"not drained, nothing came for {DRAIN_SECONDS:g} s: {'; '.join(named[:5])}")

    def _note_memory(self) -> None:
        for daemon in self._deployment.processes:
            status = Path(f"/proc/{daemon.pid}/status")
            peak = next(
                (line for line in status.read_text().splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB"
            )
            self.report.max_rss = max(self.report.max_rss, int(peak.split()[1]) * 1024)


async def _create(operator: Client, room: str) -> None:
    """Until it is there."""
    while True:
        try:
            profiles = [*PROFILES, MOVER, HASTY_MOVER, LATECOMER]
            await operator.create_room(room, profiles=profiles, request_id=f"create-{room}")
        except ChatdError as exc:
            if not exc.retry:
                raise
            await asyncio.sleep(0.2)
        else:
            return
