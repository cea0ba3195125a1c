"""Leases: this node's and those of the gateways that ask it, renewed in the database; and all
others, as the database has them. With each renewal the log's beat rises.

A lease is no lock: an address whose lease has ended is no longer handed to gateways, that is all.
But a node on mem:// serves a database alone: the leases of a database are claimed at start, and
again by a node that has let its own lease end. Other processes' clocks are not compared with this
one's for longer than needed: a lease that moves forward is held for its length by the steady clock
from then on.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.core.metric import Gauge
from chatd.default.nodes.known_log import KnownLog
from chatd.default.nodes.known_peers import KnownPeers
from chatd.default.nodes.model import Lease
from chatd.default.nodes.store import ClaimDatabase, Renewed, RenewLeases
from chatd.default.part import Part
from chatd.errors import ChatdError, StartFailed, StoreFailed
from chatd.pb.node.v1 import node_pb2
from chatd.store.access import StoreAccess, log_failure

_Key = tuple[str, str]
"""``Lease.key``."""

FORGET_US = 3_600_000_000
"""A node whose lease ended this long ago is no longer listed."""
MOST_SHOWN = 100
"""Processes whose ages are metrics: of each address there is a series."""


class Leases:
    """``log`` is what is known of the database's log, ``peers`` whose keys are known. ``lease`` is
    in seconds; it is renewed when a third of it has passed. ``clock`` gives microseconds since the
    Unix epoch, ``steady`` seconds. ``lost`` is called when another node has taken the database
    meanwhile."""

    def __init__(
        self,
        store: StoreAccess,
        log: KnownLog,
        peers: KnownPeers,
        *,
        lease: float,
        clock: Callable[[], int],
        lost: Callable[[ChatdError], None],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self.log = log
        self.peers = peers
        self._lost = lost
        self._place = ""
        self._until = 0.0  # of this node's own lease, on the steady clock
        self._lease_us = round(lease * 1e6)
        self.is_drained = False
        """True while an operator has taken this node out of service."""
        self.part = Part(
            begin=(self._renew,),
            every=((lease / 3, self._renew),),
            gauges=(
                Gauge(
                    "lease_age_seconds",
                    "seconds since the lease of each process was seen to be renewed; those that have "
                    "ended theirs are left out",
                    self._ages,
                    labels=("kind", "node", "node_id"),
                ),
            ),
            before_the_end=self._end,
        )
        self._clock = clock
        self._steady = steady
        self._held: dict[_Key, float] = {}  # until when its lease holds, on the steady clock
        self._own: tuple[Lease, ...] = ()
        self._gone: list[Lease] = []
        self._gateways: dict[_Key, Lease] = {}
        self._known: tuple[Lease, ...] = ()
        self._renewed_at: dict[_Key, float] = {}  # when its lease last moved forward, likewise

    def _renew(self) -> None:
        if self._own and self._steady() > self._until:
            self._store.write(self._claiming(), self._claimed, self._not_claimed)
        else:
            self._write()

    def _claimed(self, state: LogState) -> None:
        self.log.seen(state)
        self._write()

    def _write(self) -> None:
        command = self.renewal()
        self._store.write(command, self.renewed)

    def _not_claimed(self, error: ChatdError) -> None:
        if isinstance(error, StartFailed):
            self._lost(error)
        else:
            log_failure(error)

    async def _end(self, seconds: float) -> None:
        self._store.tell(self.ending())
        self.log.keep()

    async def claim(self, own: Sequence[Lease], place: str) -> None:
        """This process serves at these addresses, the first before all; ``place`` is what it has
        claimed in its data directory. Raises StartFailed if the database is another node's."""
        self._own, self._place = tuple(one.private_to(place, os.getpid()) for one in own), place
        claimed: asyncio.Future[LogState] = asyncio.get_running_loop().create_future()

        def failed(error: ChatdError) -> None:
            if isinstance(error, StoreFailed):
                # The disk may be full: what can be served is served; the next renewal claims.
                self._until = 0.0
                log_failure(error)
                claimed.set_result(UNKNOWN_LOG)
            else:
                claimed.set_exception(error)

        self._store.write(self._claiming(), claimed.set_result, failed)
        self.log.seen(await claimed)

    def announce(self, own: Sequence[Lease]) -> None:
        """The addresses of this process are others from now on, or its keys are."""
        before, self._own = self._own, tuple(one.private_to(self._place, os.getpid()) for one in own)
        keys, now = {one.key for one in self._own}, self._clock()
        self._gone = [replace(one, lease_until_us=now, drained=True) for one in before if one.key not in keys]
        self._renew()

    def drain(self, is_drained: bool) -> None:
        """This node is out of service from now on, or serves again. It keeps its lease: others hear
        it, and may let it serve again."""
        self.is_drained = is_drained
        self._renew()

    def _claiming(self) -> ClaimDatabase:
        now = self._clock()
        self._until = self._steady() + self._lease_us / 1e6
        # A SQLite file is claimed already: all other nodes that it knows are gone.
        lease = self._own_until(now + self._lease_us)[0]
        alone = self._store.engine == "sqlite"
        return ClaimDatabase(lease, now, alone, self.log.newest)

    def record_gateway(self, asked: node_pb2.DescribeRequest) -> None:
        """A gateway lives, or is about to end."""
        if asked.gateway_uri:
            is_drained = asked.drained or asked.draining
            lease = Lease(
                asked.gateway_uri,
                "gateway",
                asked.gateway_id,
                "",
                asked.version,
                asked.started_at_us,
                self._clock() + (0 if asked.draining else self._lease_us),
                asked.protocol,
                asked.oldest_protocol,
                drained=is_drained,
            )
            self._gateways[lease.key] = lease
            known = any(one.drained for one in self._known if one.key == lease.key)
            if is_drained != known:
                self._renew()  # devices are no longer sent there, or are again

    def renewal(self) -> RenewLeases:
        """The command to write now. Gateways that have not asked since the last renewal are not in
        it."""
        now = self._clock()
        self._until = self._steady() + self._lease_us / 1e6
        gateways, self._gateways = self._gateways, {}
        gone, self._gone = self._gone, []
        leases = (*self._own_until(now + self._lease_us), *gone, *gateways.values())
        return RenewLeases(leases, now - FORGET_US, self.log.newest)

    def ending(self) -> RenewLeases:
        """This process stops: its leases end now."""
        now = self._clock()
        self.is_drained = True
        return RenewLeases(self._own_until(now), now - FORGET_US, self.log.newest)

    def _own_until(self, until_us: int) -> tuple[Lease, ...]:
        trusted = [key.hex() for key in self.peers.trusted()]
        return tuple(
            replace(
                one,
                lease_until_us=until_us,
                keys=" ".join((one.keys, *trusted)),
                drained=self.is_drained,
            )
            for one in self._own
        )

    def renewed(self, answer: Renewed) -> None:
        """All leases, as the database answered. One that moved back has been ended by its
        holder."""
        self.log.seen(answer.log)
        known = answer.leases
        before = {node.key: node.lease_until_us for node in self._known}
        now_us, steady = self._clock(), self._steady()
        lease = self._lease_us / 1e6
        held: dict[_Key, float] = {}
        renewed_at: dict[_Key, float] = {}
        for node in known:
            key = node.key
            until_us = before.get(key)
            if node.lease_until_us > (now_us if until_us is None else until_us):
                renewed_at[key] = steady
            elif node.lease_until_us == until_us and key in self._renewed_at:
                renewed_at[key] = self._renewed_at[key]
            if until_us is None:
                held[key] = steady + min(lease, (node.lease_until_us - now_us) / 1e6)
            elif node.lease_until_us == until_us:
                held[key] = self._held.get(key, 0.0)
            else:
                held[key] = steady + lease if node.lease_until_us > until_us else steady
        self._known, self._held, self._renewed_at = known, held, renewed_at
        self.peers.vouched_for(self._vouched())

    def _vouched(self) -> Iterator[bytes]:
        """The keys for which other nodes vouch. A node's word at an address that it has left does
        not count; its last word does, until its lease is forgotten."""
        own = {one.key for one in self._own}
        others = [node for node in self._known if node.kind == "default" and node.key not in own]
        living = {node.node_id for node in self._own} | {one.node_id for one in others if self._holds(one)}
        for node in others:
            if self._holds(node) or node.node_id not in living:
                for key in node.keys.split():
                    yield bytes.fromhex(key)

    def _holds(self, node: Lease) -> bool:
        return self._held.get(node.key, 0.0) > self._steady()

    def _ages(self) -> dict[tuple[str, ...], float]:
        now = self._steady()
        known = {node.key: node for node in self._known}
        newest = sorted(self._renewed_at.items(), key=lambda one: one[1])[-MOST_SHOWN:]
        return {(known[key].kind, known[key].address, known[key].node_id): now - at for key, at in newest}

    def all(self) -> tuple[Lease, ...]:
        """Every process that is known."""
        return self._known

    @property
    def call_uri(self) -> str:
        """The address at which this node takes calls."""
        return self._own[0].address if self._own else ""

    @property
    def queue_uri(self) -> str:
        """The address at which this node publishes."""
        return self._own[0].queue_uri if self._own else ""

    def default_nodes(self) -> list[node_pb2.NodeAddress]:
        """The default nodes that hold a lease."""
        return [
            node_pb2.NodeAddress(node_id=node.node_id, call_uri=node.address, queue_uri=node.queue_uri)
            for node in self._known
            if node.kind == "default" and self._holds(node)
        ]

    def serving_nodes(self) -> list[Lease]:
        """Those of them that no operator has drained."""
        return [
            node for node in self._known if node.kind == "default" and self._holds(node) and not node.drained
        ]

    def gateway_uris(self) -> list[str]:
        """The addresses of gateways that hold a lease, for devices; none that is drained."""
        found = [
            node.uri
            for node in self._known
            if node.kind == "gateway" and self._holds(node) and not node.drained
        ]
        return list(dict.fromkeys(found))  # gateways may share one
