"""The faults of a deployment: processes killed at random and at failpoints, paused, cut off; the
database and the queue's broker restarted; clocks turned."""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable

from tests.chaos.backups import Backups
from tests.chaos.daemon import DEFAULT_POINTS, GATEWAY_POINTS
from tests.chaos.deployment import Deployment
from tests.chaos.history import Calm, Fault, History, Invoke, Ok, Restored
from tests.chaos.proxy import FaultProxy
from tests.chaos.repeats import WRITTEN_SECONDS
from tests.chaos.stalls import Stalls
from tests.daemons import Daemon

PASSINGS = 25
"""A failpoint is armed to be hit within so many of them."""
CALM_SECONDS = WRITTEN_SECONDS + 3.0
"""In running time. Acks of its first seconds have to be written at its end."""
CALM_AT_MOST = 45.0
"""Seconds, on a machine that hardly runs."""
LOSS_SECONDS = 60.0
"""A restore waits so long for an event that it loses."""


class Faults:
    """Does things to a deployment, one after the other, until told to stop; then heals
    everything."""

    def __init__(
        self,
        deployment: Deployment,
        backups: Backups,
        history: History,
        dice: random.Random,
        *,
        gap: float = 0.5,
        crash: Callable[[], None],
        storm: Callable[[], None],
        works: Callable[[], Awaitable[None]],
    ) -> None:
        self._deployment = deployment
        self._backups = backups
        self._history = history
        self._dice = dice
        self._gap = gap
        self._crash = crash
        self._storm = storm
        self._works = works
        self._stalls = Stalls(deployment.beats, history.add)
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused: set[Daemon] = set()
        self._draining: set[Daemon] = set()
        self._is_restoring = False
        self.restores: list[Restored] = []
        actions: list[tuple[int, Callable[[], None]]] = [
            (40, self._kill),
            (6, self._drain),
            (10, self._pause),
            (20, self._partition),
            (15, self._crash_device),
            (3, self._login_storm),
        ]
        if deployment.cluster is not None:
            actions += [(2, self._restart_database), (6, self._kill_backend)]
        if deployment.broker is not None:
            actions += [(6, self._restart_broker), (15, self._cut_off_broker)]
        self._weights = [weight for weight, _ in actions]
        self._actions = [action for _, action in actions]

    def note(self, kind: str, target: str) -> None:
        self._history.add(Fault(time.monotonic(), kind, target))

    async def run(self, seconds: float) -> None:
        """One backup is restored, somewhere in the middle. At the end the gateways are killed out
        of a calm."""
        end = time.monotonic() + seconds
        self._after(self._dice.uniform(0.2, 0.5) * seconds, self._begin_restore)
        while time.monotonic() < end:
            self._revive()
            (action,) = self._dice.choices(self._actions, self._weights)
            action()
            await asyncio.sleep(self._dice.uniform(0.2, 1.8) * self._gap)
        await self.heal()
        await self._works()
        self._history.add(Calm(time.monotonic()))
        await self._stalls.watch(CALM_SECONDS, at_most=CALM_AT_MOST)
        for gateway in self._deployment.gateways:
            self.note("kill", gateway.log.stem)
            gateway.kill()
            self._start(gateway, armed=False)
        # Sends from now on reach only devices that come back: repeats come before them.
        await self._works()
        await asyncio.sleep(1.0)

    async def heal(self) -> None:
        """End every fault; what died by itself is started again, with nothing armed."""
        while self._tasks:  # one may begin another
            await next(iter(self._tasks))
        for proxy in (*self._deployment.inner, *self._deployment.before_devices):
            proxy.heal()
        for daemon in self._deployment.processes:
            daemon.settings.pop("CHAOS_FAILPOINT", None)
            daemon.settings.pop("CHAOS_CLOCK", None)
        self._revive(armed=False)
        for daemon in self._deployment.processes:
            # A failpoint that is still armed would go off while nothing is to fail any more.
            if daemon.armed:
                await asyncio.to_thread(daemon.kill)
                self._start(daemon, armed=False)

    def _start(self, daemon: Daemon, *, armed: bool) -> None:
        dice = self._dice
        daemon.armed = armed and dice.random() < 0.6
        daemon.settings.pop("CHAOS_FAILPOINT", None)
        daemon.settings.pop("CHAOS_CLOCK", None)
        if daemon.armed:
            points = DEFAULT_POINTS if daemon.mode == "default" else GATEWAY_POINTS
            daemon.settings["CHAOS_FAILPOINT"] = f"{dice.choice(points)}:{dice.randint(1, PASSINGS)}"
        if armed and daemon.mode == "default" and dice.random() < 0.1:
            daemon.settings["CHAOS_CLOCK"] = str(dice.choice([3_600, -7_200]))
            self.note("clock", daemon.log.stem)
        daemon.settings.pop("CHAOS_DROP", None)
        if armed and daemon.mode == "default" and dice.random() < 0.5:
            daemon.settings["CHAOS_DROP"] = "0.1"
            self.note("drop published", daemon.log.stem)
        daemon.start(wait=False)

    def _revive(self, *, armed: bool = True) -> None:
        """Start again what has died at a failpoint."""
        for daemon in self._deployment.processes:
            if (
                daemon not in self._draining
                and daemon.process is not None
                and daemon.process.poll() is not None
            ):
                point = daemon.settings.get("CHAOS_FAILPOINT", "").partition(":")[0]
                if point and daemon.process.returncode == -signal.SIGKILL:
                    self.note("kill", f"{daemon.log.stem} at {point}")
                else:
                    self.note(f"exit {daemon.process.returncode}", daemon.log.stem)
                daemon.kill()
                self._start(daemon, armed=armed)

    def _kill(self) -> None:
        daemon = self._dice.choice(self._deployment.processes)
        if daemon in self._paused | self._draining:
            return
        self.note("kill", daemon.log.stem)
        daemon.kill()
        self._start(daemon, armed=True)

    def _drain(self) -> None:
        """SIGTERM: it stops cleanly, in its own time, and comes back."""
        daemon = self._dice.choice(self._deployment.processes)
        if (
            daemon in self._paused
            or daemon in self._draining
            or daemon.process is None
            or daemon.process.poll() is not None
        ):
            return
        self._draining.add(daemon)
        self.note("drain", daemon.log.stem)

        async def drain() -> None:
            await asyncio.to_thread(daemon.stop)
            self._draining.discard(daemon)
            self._start(daemon, armed=True)

        self._hold(asyncio.create_task(drain()))

    def _pause(self) -> None:
        daemon = self._dice.choice(self._deployment.processes)
        if (
            daemon in self._paused | self._draining
            or daemon.process is None
            or daemon.process.poll() is not None
        ):
            return
        self._paused.add(daemon)
        self.note("pause", daemon.log.stem)
        process = daemon.process
        process.send_signal(signal.SIGSTOP)

        def resume() -> None:
            self._paused.discard(daemon)
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)

        self._after(self._dice.uniform(0.5, 8.0), resume)

    def _partition(self) -> None:
        inner = self._dice.random() < 0.6
        proxy = self._dice.choice(self._deployment.inner if inner else self._deployment.before_devices)
        self._break(proxy, "partition", "between nodes" if inner else "before devices")

    def _break(self, proxy: FaultProxy, what: str, where: str) -> None:
        kind = self._dice.choice(["black hole", "cut", "delay", "halve"])
        self.note(what, f"{kind} {where}")
        if kind == "halve":
            proxy.halve()
            return
        begin: dict[str, Callable[[], None]] = {
            "black hole": proxy.blackhole,
            "cut": proxy.cut,
            "delay": lambda: proxy.delay(0.2),
        }
        begin[kind]()
        self._after(self._dice.uniform(0.3, 4.0), proxy.heal)

    def _cut_off_broker(self) -> None:
        self._break(self._deployment.inner[-1], "broker cut off", "before the broker")

    def _restart_broker(self) -> None:
        """It comes back with nothing in its memory, after up to six seconds."""
        broker = self._deployment.broker
        assert broker is not None
        if any(task.get_name() == "broker" for task in self._tasks):
            return
        self.note("restart broker", "")
        away = self._dice.uniform(0.0, 6.0)

        async def restart() -> None:
            broker.stop()
            await asyncio.sleep(away)
            await asyncio.to_thread(broker.start)

        self._hold(asyncio.create_task(restart(), name="broker"))

    def _crash_device(self) -> None:
        self.note("device crash", "")
        self._crash()

    def _login_storm(self) -> None:
        self.note("login storm", "")
        self._storm()

    def _restart_database(self) -> None:
        cluster = self._deployment.cluster
        assert cluster is not None
        if self._is_restoring or any(task.get_name() == "database" for task in self._tasks):
            return
        self.note("restart database", "")

        async def restart() -> None:
            await asyncio.to_thread(cluster.restart)

        self._hold(asyncio.create_task(restart(), name="database"))

    def _kill_backend(self) -> None:
        cluster = self._deployment.cluster
        assert cluster is not None
        self.note("kill backend", "")

        async def terminate() -> None:
            await asyncio.to_thread(cluster.terminate_a_backend)

        self._hold(asyncio.create_task(terminate()))

    def _begin_restore(self) -> None:
        self._hold(asyncio.create_task(self._restore()))

    async def _restore(self) -> None:
        """A backup is taken, and some seconds later put in the database's place. An event was sent
        and acknowledged in between: it is lost."""
        self.note("backup", "")
        since = time.monotonic()
        await asyncio.to_thread(self._backups.take)
        mark = len(self._history.records)
        await asyncio.sleep(self._dice.uniform(0.5, 4.0))
        end = time.monotonic() + LOSS_SECONDS
        while not self._is_any_acknowledged(mark) and time.monotonic() < end:
            await asyncio.sleep(0.05)
        nodes = self._deployment.defaults
        self._is_restoring = True
        while any(node in self._draining for node in nodes) or any(
            task.get_name() == "database" for task in self._tasks
        ):
            await asyncio.sleep(0.05)
        self._draining.update(nodes)
        for node in nodes:
            is_clean = self._dice.random() < 0.5 and node not in self._paused
            await asyncio.to_thread(node.stop if is_clean else node.kill)
        log, heads = await asyncio.to_thread(self._backups.restore)
        restored = Restored(time.monotonic(), since, log, heads)
        self._history.add(restored)
        self.restores.append(restored)
        self.note("restore", "")
        self._is_restoring = False
        for node in nodes:
            self._draining.discard(node)
            self._start(node, armed=True)

    def _is_any_acknowledged(self, mark: int) -> bool:
        """True if an event was sent since the history had ``mark`` records, and was stored."""
        records = self._history.records[mark:]
        sent = {one.op for one in records if isinstance(one, Invoke)}
        return any(isinstance(one, Ok) and not one.duplicate and one.op in sent for one in records)

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            action()

        self._hold(asyncio.create_task(later()))

    def _hold(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
