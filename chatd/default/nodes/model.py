"""Values of nodes. Times are microseconds since the Unix epoch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lease:
    """A process of the deployment and its lease."""

    uri: str
    """Where a default node takes calls, or a gateway devices. The holder of the address is the node."""
    kind: str
    """"default" or "gateway"."""
    node_id: str
    queue_uri: str
    version: str
    started_at_us: int
    lease_until_us: int
