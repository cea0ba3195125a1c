"""A default node, put together: every thing is made of those above it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from chatd import __version__
from chatd.core import node_protocol
from chatd.core.counter import Counter
from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.core.model import CommittedRun
from chatd.daemon.connection_cache import make_cache
from chatd.daemon.database import open_database
from chatd.daemon.default_flow import make_flow, now_us
from chatd.daemon.default_parts import Notifying, make_parts
from chatd.daemon.logs import say_audit
from chatd.daemon.name import claim_name
from chatd.daemon.seams import NO_SEAMS, Seams
from chatd.daemon.settings import Settings
from chatd.default.answer import Method
from chatd.default.audit.audit import Audit
from chatd.default.calls import Calls
from chatd.default.deadlines import Deadlines
from chatd.default.fan_out.fan_out import FanOut
from chatd.default.node import Addresses, DefaultNode
from chatd.default.nodes.admin import NodeAdmin, NodeDescription
from chatd.default.nodes.gateways import Gateways
from chatd.default.nodes.identity import Identity
from chatd.default.nodes.known_log import KnownLog
from chatd.default.nodes.known_peers import KnownPeers
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.log_file import LogFile
from chatd.default.nodes.model import Lease
from chatd.default.nodes.process_admin import ProcessAdmin
from chatd.default.nodes.processes import Processes
from chatd.default.nodes.withdrawal import Withdrawal
from chatd.default.part import Part
from chatd.default.search.indexer import Indexer
from chatd.errors import ChatdError
from chatd.files.key_file import Keys
from chatd.pb.admin.v1 import admin_pb2
from chatd.store.access import OnCommitted, StoreAccess
from chatd.store.database import Database
from chatd.store.writer import apply_group
from chatd.transport.process_calls import ProcessCall, ProcessCalls
from chatd.transport.sockets import Context, is_encrypted
from chatd.transport.zap import Guard


async def start_default_node(
    loop: asyncio.AbstractEventLoop,
    context: Context,
    settings: Settings,
    keys: Keys,
    stack: ExitStack,
    broken: Callable[[ChatdError], None],
    own_calls: ProcessCalls,
    seams: Seams = NO_SEAMS,
) -> tuple[DefaultNode, Identity, Notifying]:
    """Return when the node serves; ``stack`` ends it. Operators' calls to it are added to
    ``own_calls``. Raises ConfigError, StartFailed and what the database answers."""
    claim = claim_name("node", settings, context.holder, stack)
    database, before = open_database(settings, context.holder, stack)
    revoked = partial(context.listen_again, loop.call_later)
    made = assemble(loop, settings, database, revoked, broken, own_calls, seams, before=before)
    (call_uri,) = settings.calls.uris(settings.place)
    queue_uris = settings.queue.uris(settings.place)  # none if a broker carries it
    if any(map(is_encrypted, (call_uri, *queue_uris))):
        stack.callback(Guard(loop, context, made.leases.peers.is_known).close)
    stack.callback(made.node.close)
    stack.callback(made.store.stop)
    identity = Identity(
        context, made.leases, _lease(settings, made.started_us), keys, settings.node.public_host
    )

    async def on_bound(bound: Addresses) -> None:
        await identity.claim(bound.call_uri, bound.queue_uri, claim.place)

    await made.node.start(
        context,
        Addresses(call_uri, *queue_uris),
        max_frame=settings.messages.max_frame_bytes,
        on_committed=seams.committed(made.committed),
        on_new_log=made.leases.log.seen,
        on_bound=on_bound,
    )
    return made.node, identity, made.notifying


def _lease(settings: Settings, started_us: int) -> Lease:
    """This node's, before its addresses are bound."""
    return Lease(
        "",
        "default",
        settings.node.node_id,
        "",
        __version__,
        started_us,
        lease_until_us=0,
        protocol=node_protocol.NUMBER,
        oldest_protocol=node_protocol.OLDEST,
    )


@dataclass(frozen=True, slots=True)
class Assembled:
    """A node that has not begun, its store, and all calls that it answers."""

    node: DefaultNode
    store: StoreAccess
    committed: OnCommitted
    """Takes the events of each transaction."""
    leases: Leases
    notifying: Notifying
    started_us: int
    methods: tuple[Method, ...]


def assemble(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    database: Database,
    revoked: Callable[[], None],
    broken: Callable[[ChatdError], None],
    own_calls: ProcessCalls,
    seams: Seams = NO_SEAMS,
    *,
    before: LogState = UNKNOWN_LOG,
) -> Assembled:
    """Put a node together. Nothing is bound or started yet. ``revoked`` ends all connections of
    gateways. ``before`` is the log that its data directory was used with last."""
    started_us = now_us()
    store = StoreAccess(
        loop,
        database,
        clock=now_us,
        readers=settings.store.database_readers,
        broken=broken,
        commit=seams.commit(database.commit),
        apply=seams.apply(apply_group),
    )
    flow = make_flow(loop, settings, store, started_us, seams)
    log = KnownLog(
        LogFile(settings.place.data_dir, settings.node.node_id), before, changed=store.members.clear
    )
    audit = Audit(store, say=say_audit, now=loop.time)
    peers = KnownPeers(settings.node.trusted(), audit=audit.record, revoked=revoked)
    leases = Leases(store, log, peers, lease=settings.node.node_lease_seconds, clock=now_us, lost=broken)
    gateways = Gateways(now=loop.time, audit=audit.record)
    cache = make_cache(loop, settings, store)
    parts, notifying = make_parts(settings, store, flow, leases, gateways, cache, started_us)
    refused = Counter("requests_refused", "requests refused")
    parts = (*parts, Part(counters=(refused,)))
    committed: OnCommitted = flow.fan_out.handle
    if settings.search.search:
        indexer = Indexer(store)
        parts = (*parts, indexer.part)
        committed = partial(_commit_indexed, flow.fan_out, indexer)
    description = NodeDescription(settings.node.node_id, __version__, store.engine, started_us)
    counters = [counter for part in parts for counter in part.counters]
    admin = NodeAdmin(
        description,
        leases,
        gateways,
        flow.online,
        counters,
        [times for part in parts for times in part.times],
        now_us,
        away_since_us=lambda: store.away_since_us,
        cache_problem=lambda: cache.problem,
    )
    processes = Processes(
        flow.publisher,
        gateways,
        leases,
        own_calls,
        node_id=settings.node.node_id,
        started_at_us=started_us,
        is_gateway=settings.mode == "all",
    )
    calling = (*parts, admin.part, processes.part, ProcessAdmin(processes).part)
    methods = tuple(call for part in calling for call in part.calls)
    calls = Calls(loop, store, methods, refused, Deadlines(started_us), audit.witness)
    withdrawal = Withdrawal(leases, gateways, under_way=lambda: calls.under_way, now=loop.time)
    own_calls.add(
        ProcessCall("AdminService/DrainProcess", admin_pb2.DrainProcessRequest, withdrawal.drain),
        ProcessCall("AdminService/ResumeProcess", admin_pb2.ResumeProcessRequest, withdrawal.resume),
    )
    node = DefaultNode(
        loop,
        store,
        calls,
        flow.publisher,
        flow.routing.on_gateway,
        parts,
        is_drained=lambda: leases.is_drained,
    )
    return Assembled(node, store, committed, leases, notifying, started_us, methods)


def _commit_indexed(fan_out: FanOut, indexer: Indexer, runs: Sequence[CommittedRun]) -> None:
    fan_out.handle(runs)
    indexer.committed(runs)
