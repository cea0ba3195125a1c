"""AdminService's calls about nodes: the processes there are, and this node's counters."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chatd.core.counter import Counter
from chatd.core.metric import BUCKETS, StageTimes
from chatd.core.node_protocol import refusal
from chatd.core.online import OnlineTable
from chatd.default.answer import Answer, Call, Caller, Done, Role
from chatd.default.nodes.gateways import Gateways
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.model import Lease
from chatd.default.part import Part
from chatd.pb.admin.v1 import admin_pb2


@dataclass(frozen=True, slots=True)
class NodeDescription:
    """A node as operators see it."""

    node_id: str
    version: str
    database: str
    started_at_us: int


class NodeAdmin:
    """``counters`` and ``times`` are those of all parts. ``away_since_us`` is 0 while the database
    answers, ``cache_problem`` is empty while connections can be listed. ``clock`` gives
    microseconds since the Unix epoch."""

    def __init__(
        self,
        node: NodeDescription,
        leases: Leases,
        gateways: Gateways,
        online: OnlineTable,
        counters: Sequence[Counter],
        times: Sequence[StageTimes],
        clock: Callable[[], int],
        *,
        away_since_us: Callable[[], int],
        cache_problem: Callable[[], str],
    ) -> None:
        self._cache_problem = cache_problem
        self._away_since_us = away_since_us
        self._node = node
        self._leases = leases
        self._gateways = gateways
        self._online = online
        self._counters = counters
        self._times = times
        self._clock = clock
        self.part = Part(
            calls=(
                Call(
                    "AdminService/ListNodes",
                    admin_pb2.ListNodesRequest,
                    Role.READ,
                    self.list_nodes,
                    is_audited=False,
                ),
                Call(
                    "AdminService/GetStatus",
                    admin_pb2.GetStatusRequest,
                    Role.READ,
                    self.get_status,
                    is_audited=False,
                ),
            )
        )

    def list_nodes(self, caller: Caller, request: admin_pb2.ListNodesRequest) -> Answer:
        """Nodes and gateways that are known, what is left of their leases, and if this node can
        speak to them."""
        now = self._clock()
        away = self._away_since_us()
        own = self._leases.call_uri

        def left(node: Lease) -> int:
            # Without its database this node serves nobody, whatever its lease says.
            serves_until = away if away and node.address == own else node.lease_until_us
            return min(serves_until, node.lease_until_us) - now

        nodes = [
            admin_pb2.Node(
                node_id=node.node_id,
                kind=node.kind,
                uri=node.address,
                queue_uri=node.queue_uri,
                version=node.version,
                started_at_us=node.started_at_us,
                lease_left_us=left(node),
                protocol=node.protocol,
                refused=refusal(node.protocol, node.oldest_protocol),
                drained=node.drained,
            )
            for node in self._leases.all()
        ]
        return Done(admin_pb2.ListNodesResponse(nodes=[*nodes, *self._without_lease(nodes)]))

    def _without_lease(self, leased: Sequence[admin_pb2.Node]) -> Iterator[admin_pb2.Node]:
        """Gateways that live and that this node refuses; one that another node serves has a
        lease."""
        known = {node.uri for node in leased}
        for one in self._gateways.living():
            why = self._gateways.refusal(one)
            if why and one.gateway_uri not in known:
                yield admin_pb2.Node(
                    node_id=one.gateway_id,
                    kind="gateway",
                    uri=one.gateway_uri,
                    version=one.version,
                    started_at_us=one.started_at_us,
                    protocol=one.protocol,
                    refused=why,
                )

    def get_status(self, caller: Caller, request: admin_pb2.GetStatusRequest) -> Answer:
        """This node's counters since it started, and those of the gateways that ask it."""
        node = self._node
        return Done(
            admin_pb2.GetStatusResponse(
                node_id=node.node_id,
                version=node.version,
                uptime_seconds=(self._clock() - node.started_at_us) / 1e6,
                database=node.database,
                log=self._leases.log.state.incarnation,
                database_away_since_us=self._away_since_us(),
                cache_problem=self._cache_problem(),
                devices_online=len(self._online),
                drained=self._leases.is_drained,
                gateways=self._gateways.statuses(),
                stages=(times.told() for times in self._times),
                stage_bounds_us=(round(bound * 1e6) for bound in BUCKETS),
                **{counter.name: counter.value for counter in self._counters},
            )
        )
