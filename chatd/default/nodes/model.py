"""Values of nodes. Times are microseconds since the Unix epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Lease:
    """A process of the deployment and its lease."""

    uri: str
    """Where a default node takes calls, or a gateway devices. The holder of the address is the
    node; while its key is changed it holds two. Behind a ``#`` in an address that means something
    only inside its process: the holder's place and process id; elsewhere: its public key."""
    kind: str
    """"default" or "gateway"."""
    node_id: str
    queue_uri: str
    version: str
    started_at_us: int
    lease_until_us: int
    protocol: int = 0
    """The number of the protocol between gateways and default nodes; 0: it did not say."""
    oldest_protocol: int = 0
    """The oldest that it still speaks."""
    keys: str = ""
    """Public keys for which a default node vouches, its own first, divided by blanks: whoever has
    one may connect to all nodes."""
    drained: bool = False
    """Out of service: an operator has drained it, or it was stopped."""
    """An operator has taken it out of service; it lives, and holds its lease."""

    @property
    def address(self) -> str:
        """The address alone."""
        return self.uri.partition("#")[0] if self.uri.startswith("inproc://") else self.uri

    @property
    def is_private(self) -> bool:
        """True for a node that gateways of other processes do not hear."""
        return self.uri.startswith("inproc://") or self.queue_uri.startswith("inproc://")

    def private_to(self, place: str, pid: int) -> Lease:
        """The same lease, told from those of other processes with the same address."""
        return replace(self, uri=f"{self.uri}#{place}.{pid}") if self.uri.startswith("inproc://") else self

    def excludes(self, other: Lease) -> bool:
        """True if the two nodes cannot serve one database: the gateway of a private one would not
        hear what the other publishes."""
        return (
            self.uri != other.uri
            and self.kind == other.kind == "default"
            and (self.is_private or other.is_private)
        )

    def was_at(self, place: str) -> bool:
        """True if the node is, or was, at this place; if somebody else is there now, it is gone."""
        return bool(place) and self.uri.partition("#")[2].startswith(f"{place}.")
