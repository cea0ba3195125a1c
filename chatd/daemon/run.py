"""Runs a mode: starts what it is made of, serves until SIGTERM or SIGINT, reloads at SIGHUP, then
drains in the order of the flow."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial

import structlog
import uvloop

from chatd import __version__
from chatd.core.address import has_key
from chatd.daemon.default_node import start_default_node
from chatd.daemon.descriptors import raise_limit
from chatd.daemon.exposure import warn_of_exposed
from chatd.daemon.gateway_node import start_gateway
from chatd.daemon.internal_sockets import warn_of_open_sockets
from chatd.daemon.logs import configure
from chatd.daemon.operators import OperatorCalls
from chatd.daemon.reload import Reload, on_each
from chatd.daemon.seams import NO_SEAMS, Seams
from chatd.daemon.settings import Mode, Settings
from chatd.daemon.settings.http import public_uri
from chatd.daemon.systemd import ServiceManager, watchdog_interval
from chatd.default.node import DefaultNode
from chatd.default.nodes.identity import Identity
from chatd.errors import ChatdError
from chatd.files.key_file import load_keys
from chatd.gateway.node import GatewayNode
from chatd.transport.passed_sockets import PassedSockets
from chatd.transport.process_calls import ProcessCalls
from chatd.transport.sockets import new_context

log = structlog.get_logger()

SWITCH_INTERVAL = 50e-6
"""Seconds a thread may keep the interpreter: at the default 5 ms the writer waits that long at
every step of SQLite under load."""

STATUS_SECONDS = 1.0
"""Longest time until the service manager is told of a change."""

EXTEND_SECONDS = 30.0
"""A gateway that waits for a default node extends its start by so much, three times as often."""

DRAINS = 2
"""Each in DRAIN_SECONDS: mode all drains its gateway, then its default node."""
CLOSING_SECONDS = 20.0
"""The most that the rest of a stop takes."""

WAITING_SECONDS = 3.0
"""A gateway that has no default node after so long says so in its log."""

GC_THRESHOLD = (50_000, 20, 50)
"""Nothing on the hot path makes cycles; looking for them every 700 allocations costs a few per
cent."""


def run(settings: Settings, manager: ServiceManager, passed: PassedSockets, seams: Seams = NO_SEAMS) -> int:
    """Serve until told to stop; the process's exit code. Raises ConfigError when the settings can
    never be served, StartFailed when they cannot be now."""
    configure(settings.logs.log_level, settings.logs.log_format)
    for line in settings.warnings:
        log.warning("A variable of the environment does nothing", variable=line)
    os.umask(0o077)  # files and sockets are for this user only
    sys.setswitchinterval(SWITCH_INTERVAL)
    raise_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, manager, passed, seams))


async def _serve(settings: Settings, manager: ServiceManager, passed: PassedSockets, seams: Seams) -> int:
    mode = settings.mode
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    code = 0
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    hung_up = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, hung_up.set)

    def broken(error: ChatdError) -> None:
        nonlocal code
        log.critical("The node cannot go on; stopping", error=error.explained)
        code = 1
        stop.set()

    with ExitStack() as stack:
        keys = load_keys(settings.node.keys(settings.place), create=True)
        context = new_context(
            max_sockets=65_536, holder=_holder(mode, settings), keys=keys.current, passed=passed
        )
        stack.callback(context.term)
        node_calls, gateway_calls = ProcessCalls(), ProcessCalls()
        node, identity, notifying = (
            (None, None, None)
            if mode == "gateway"
            else await start_default_node(loop, context, settings, keys, stack, broken, node_calls, seams)
        )
        gateway = (
            None
            if mode == "default"
            else start_gateway(loop, context, settings, keys, stack, gateway_calls, seams)
        )
        warn_of_open_sockets((*settings.calls.uris(settings.place), *settings.queue.uris(settings.place)))
        if gateway is not None and any(map(has_key, settings.calls.uris(settings.place))):
            key = keys.current.public.hex()
            log.info(f"A default node lets this gateway in once it knows its key: chatd keys trust {key}")
        if settings.metrics.metrics_uri:
            # Its imports are 3 MB and a tenth of a second: only those pay that show metrics.
            from chatd.daemon.metrics.server import serve_metrics

            await serve_metrics(settings, node, gateway, stack, is_stopping=stop.is_set)
        if gateway is not None:
            await _until_ready(gateway, settings.calls.uris(settings.place), stop, manager)
        passed.close()
        warn_of_exposed(settings)
        # Objects that live this long live for ever: the collector need not look at them again and
        # again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLD)
        where = _places(settings, gateway, identity)
        if not stop.is_set():
            log.info("chatd is ready", mode=mode, node_id=settings.node.node_id, version=__version__, **where)
        status = partial(_status, mode, node, gateway)
        reload = Reload(settings, context, identity, notifying, gateway, manager, status=status)
        operators = OperatorCalls(settings, reload)
        node_calls.add(*operators.rows)
        gateway_calls.add(*operators.rows)
        reloading = loop.create_task(on_each(hung_up, reload), name="reload")
        await _until(stop, manager, status)
        reloading.cancel()
        log.info("chatd is stopping", mode=mode)
        manager.stopping(seconds=DRAINS * settings.node.drain_seconds + CLOSING_SECONDS)
        if gateway is not None:
            await gateway.drain(settings.node.drain_seconds)
        if node is not None:
            await node.drain(settings.node.drain_seconds)
    log.info("chatd has stopped", mode=mode)
    return code


def _places(settings: Settings, gateway: GatewayNode | None, identity: Identity | None) -> dict[str, str]:
    """The addresses at which this process is found."""
    places = {}
    if gateway is not None:
        places["gateway"] = gateway.uri
        if gateway.http_uri:
            places["http"] = public_uri(settings.http.http_uri, gateway.http_uri)
        if gateway.grpc_uri:
            places["grpc"] = public_uri(settings.http.grpc_uri, gateway.grpc_uri)
    if identity is not None:
        places["default"] = identity.uri
    return places


def _holder(mode: Mode, settings: Settings) -> str:
    """This process, for others that want the same places."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return f"chatd {mode}, node {settings.node.node_id}, pid {os.getpid()}, since {since}"


async def _until_ready(
    gateway: GatewayNode, asked: Sequence[str], stop: asyncio.Event, manager: ServiceManager
) -> None:
    """Wait for a default node, however long it takes: a start that systemd ends would drop the
    devices that wait, too."""
    said, say_again = "", 0.0
    logged, log_at = "", asyncio.get_running_loop().time() + WAITING_SECONDS
    while (problem := gateway.problem) and not stop.is_set():
        now = asyncio.get_running_loop().time()
        if now >= log_at and problem != logged:
            logged = problem
            log.warning("The gateway waits for a default node", problem=problem, asked=", ".join(asked))
        if now >= say_again or problem != said:
            said, say_again = problem, now + EXTEND_SECONDS / 3
            manager.waiting(f"waiting: {problem}", seconds=EXTEND_SECONDS)
        await asyncio.sleep(0.01)


def _status(mode: Mode, node: DefaultNode | None, gateway: GatewayNode | None) -> str:
    """The state that the service manager shows; it is told when it changes."""
    if node is not None and node.away_since_us:
        since = datetime.fromtimestamp(node.away_since_us / 1e6, UTC).isoformat(timespec="seconds")
        return f"degraded as {mode}: the database is away since {since}"
    if gateway is not None and not gateway.ready:
        return f"degraded as {mode}: {gateway.problem}"
    if gateway is not None and gateway.pulling:
        return f"degraded as {mode}: {gateway.pulling}"
    if node is not None and node.queue_problem:
        return f"degraded as {mode}: {node.queue_problem}"
    drained = [one for one in (node, gateway) if one is not None and one.is_drained]
    if drained:
        return f"drained as {mode} by an operator"
    return f"serving as {mode}"


async def _until(stop: asyncio.Event, manager: ServiceManager, status: Callable[[], str]) -> None:
    """Wait; the watchdog is fed from the same loop that serves, so a loop that hangs is noticed."""
    said = status()
    manager.ready(said)
    interval = min(watchdog_interval() or STATUS_SECONDS, STATUS_SECONDS)
    while not stop.is_set():
        if watchdog_interval() is not None:
            manager.alive()
        if status() != said:
            said = status()
            manager.status(said)
        try:
            await asyncio.wait_for(stop.wait(), interval)
        except TimeoutError:
            continue
