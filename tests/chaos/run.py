"""A chaos run: rounds of faults over fresh rooms, each ended by a drain and a verdict."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chatd.client import Client, Delivery
from chatd.errors import ChatdError
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventType
from chatd.store.database import Database
from chatd.transport.sockets import new_context
from tests.brokers import BrokerProcess
from tests.chaos.checker import Log, check
from tests.chaos.clients import Connect, Device, Mover, Sender, body_hash, connector, login_storm
from tests.chaos.deployment import Deployment
from tests.chaos.faults import Faults
from tests.chaos.history import History, Joined, Left, Record
from tests.chaos.verdict import LETTERS, Verdict
from tests.daemons import operator_token
from tests.databases import Cluster

DRAIN_SECONDS = 60.0
MAX_RSS = 512 * 1_048_576
"""Bytes; a process that needs more has a queue without a bound (M)."""
PROFILES = ["ann", "bob", "cyd", "dan"]
MOVER, HASTY_MOVER = "eve", "fay"
"""Their memberships change all the time: the first one's by calls with request ids, the other's by
calls without."""
ROOMS = 4


@dataclass
class Report:
    """What was done and what came of it, over all rounds."""

    seed: int
    engine: str
    seconds: float = 0.0
    rounds: int = 0
    operations: int = 0
    acked: int = 0
    unknown: int = 0
    checked: int = 0
    shown: int = 0
    repeats: int = 0
    markers: int = 0
    changes: int = 0
    undrained: int = 0
    longest_drain: float = 0.0
    max_rss: int = 0
    deadlocks: int = 0
    """That PostgreSQL found."""
    faults: Counter[str] = field(default_factory=Counter)
    failpoints: Counter[str] = field(default_factory=Counter)
    verdicts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LETTERS, 0))
    violations: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not (self.violations or self.undrained or self.deadlocks or self.max_rss > MAX_RSS)

    def add(self, verdict: Verdict) -> None:
        self.rounds += 1
        for name in ("operations", "acked", "unknown", "checked", "shown", "repeats", "markers", "changes"):
            setattr(self, name, getattr(self, name) + getattr(verdict, name))
        self.faults.update(verdict.faults)
        for letter, count in verdict.counts.items():
            self.verdicts[letter] += count
        self.violations += [f"{one.letter}: {one.sentence}" for one in verdict.violations]


class Run:
    """One deployment, several rounds. ``pace`` is the mean time between two sends of a sender, in
    seconds."""

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
    ) -> None:
        self._folder = folder
        self._pace = pace
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
        self.report = Report(seed, engine)

    async def run(self, *, seconds: float, round_seconds: float) -> Report:
        """Rounds of faults for ``seconds`` in all."""
        began = time.monotonic()
        context = new_context(max_sockets=20_000)
        try:
            one = self._deployment
            await asyncio.to_thread(one.start)
            connect = connector(
                [one.seen(proxy, gateway) for proxy, gateway in zip(one.outer, one.gateways, strict=True)],
                operator_token(self._folder),
                context,
                call_timeout=15,
            )
            direct = connector(
                [one.address(daemon) for daemon in one.gateways],
                operator_token(self._folder),
                context,
                call_timeout=15,
            )
            while (left := seconds - (time.monotonic() - began)) > 1 and not self.report.violations:
                await self._round(self.report.rounds, min(round_seconds, left), connect, direct)
        finally:
            self._deployment.close()
            context.destroy(linger=0)
        self.report.failpoints = self._deployment.hit_counts()
        if self._deployment.cluster is not None:
            self.report.deadlocks = self._deployment.cluster.deadlocks()
        self.report.seconds = time.monotonic() - began
        return self.report

    async def _round(self, number: int, seconds: float, connect: Connect, direct: Connect) -> None:
        with History(self._folder / f"history{number}.jsonl" if self._keep_history else None) as history:
            await self._play(history, number, seconds, connect, direct)
        self._say(
            f"round {number}: {self.report.acked:,} acknowledged, {self.report.checked:,} deliveries checked, "
            f"{self.report.faults['kill']} kills, {len(self.report.violations)} violations"
        )

    async def _play(
        self, history: History, number: int, seconds: float, connect: Connect, direct: Connect
    ) -> None:
        """``connect`` to a proxy that stands before a gateway, ``direct`` to a gateway itself."""
        rooms = [f"r{number}-{index}" for index in range(ROOMS)]
        devices = [
            Device(connect, profile, name, history)
            for profile in (*PROFILES, MOVER, HASTY_MOVER)
            for name in ("phone", "desk")
        ]
        for device in devices:
            device.start()
        await asyncio.gather(*(device.opened.wait() for device in devices))
        operator = connect("operator")
        for room in rooms:
            await _create(operator, room)
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
                Mover(connect, MOVER, room, history, ids=True),
                Mover(direct, HASTY_MOVER, room, history, ids=False),
            )
        ]
        moving = [asyncio.create_task(mover.run()) for mover in movers]
        storms: set[asyncio.Task[None]] = set()

        def storm() -> None:
            device = self._dice.choice(devices)
            task = asyncio.create_task(login_storm(connect, device.profile, device.name, 20))
            storms.add(task)
            task.add_done_callback(storms.discard)

        faults = Faults(
            self._deployment,
            history,
            self._dice,
            crash=lambda: self._dice.choice(devices).crash(),
            storm=storm,
        )
        self._dice.choice(devices).slow = 0.05
        await faults.run(seconds)
        for sender in senders:
            sender.stop()
        for task in moving:
            task.cancel()
        await asyncio.gather(*sending, *storms)
        await asyncio.gather(*moving, return_exceptions=True)
        for device in devices:
            device.slow = 0.0
        await self._drain(devices, rooms)
        self._note_memory()
        await asyncio.gather(*(device.stop() for device in devices))
        operator.close()
        log, members = await asyncio.to_thread(read_log, self._uri, rooms)
        self._judge(history, log, members, devices, rooms)

    def _judge(
        self, history: History, log: Log, members: list[Record], devices: list[Device], rooms: list[str]
    ) -> None:
        for member in members:
            history.add(member)
        owed = {(device.profile, device.name): dict.fromkeys(rooms, 1) for device in devices}
        self.report.add(check(history.records, log, owed))

    async def _drain(self, devices: list[Device], rooms: list[str]) -> None:
        """Wait until every device has shown whatever it is owed."""
        began = time.monotonic()
        missing = ["?"]
        while missing and time.monotonic() - began < DRAIN_SECONDS:
            await asyncio.sleep(0.25)
            try:
                wanted = await asyncio.to_thread(self._owed, rooms)
            except ChatdError:
                continue
            missing = [
                f"{device.profile}/{device.name} {room}: {device.covered[room]} of {wanted[device.profile, room]}"
                for device in devices
                for room in rooms
                if device.covered[room] < wanted.get((device.profile, room), 0)
            ]
        self.report.longest_drain = max(self.report.longest_drain, time.monotonic() - began)
        if missing:
            self.report.undrained += 1
            self._say(f"not drained in {DRAIN_SECONDS:g} s: {'; '.join(missing[:5])}")

    def _owed(self, rooms: list[str]) -> Counter[tuple[str, str]]:
        """(profile, room) → how many events are its own."""
        database = Database(self._uri)
        marks = ", ".join("?" * len(rooms))
        with database.connection(readonly=True):
            rows = database.rows(
                "SELECT s.profile_id, s.room_id, COALESCE(s.left_seq, r.head_seq) - s.joined_seq + 1 FROM "
                "subscription s "
                f"JOIN room r ON r.room_id = s.room_id WHERE s.room_id IN ({marks})",
                rooms,
            )
        found: Counter[tuple[str, str]] = Counter()
        for profile, room, count in rows:
            found[profile, room] += int(count)
        return found

    def _note_memory(self) -> None:
        for daemon in self._deployment.processes:
            status = Path(f"/proc/{daemon.pid}/status")
            peak = next(
                (line for line in status.read_text().splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB"
            )
            self.report.max_rss = max(self.report.max_rss, int(peak.split()[1]) * 1024)


def read_log(uri: str, rooms: list[str]) -> tuple[Log, list[Record]]:
    """The log and the memberships, as the database has them in the end."""
    database = Database(uri)
    log: dict[str, dict[int, tuple[str, str]]] = {room: {} for room in rooms}
    members: list[Record] = []
    with database.connection(readonly=True):
        for room in rooms:
            rows = database.rows(
                "SELECT seq, event_id, delivery FROM room_event WHERE room_id = ? ORDER BY seq", (room,)
            )
            for seq, event_id, stored in rows:
                delivery = Delivery(EventDelivery.FromString(bytes(stored)))
                log[room][seq] = event_id, body_hash(delivery)
                members += _changes(room, seq, delivery)
    return log, members


async def _create(operator: Client, room: str) -> None:
    """Until it is there."""
    while True:
        try:
            profiles = [*PROFILES, MOVER, HASTY_MOVER]
            await operator.create_room(room, profiles=profiles, request_id=f"create-{room}")
        except ChatdError as exc:
            if not exc.retry:
                raise
            await asyncio.sleep(0.2)
        else:
            return


def _changes(room: str, seq: int, delivery: Delivery) -> Iterator[Joined | Left]:
    if delivery.type == EventType.EVENT_TYPE_MEMBERSHIP:
        fields = delivery.message.payload.fields
        for kind, change in ((Joined, "joined"), (Left, "left")):
            if change in fields:
                yield from (
                    kind(0.0, room, who.string_value, seq) for who in fields[change].list_value.values
                )
