"""Values of nodes. Times are microseconds since the Unix epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Lease:
    """A process of the deployment and its lease."""

    uri: str
    """Where a default node takes calls, or a gateway devices. While its key is changed a node holds
    two. Behind a ``#`` in an address that means something
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
    place: str = ""
    """A default node's, in its data directory (``files/claim.py``): those at one place are one
    after the other."""

    @property
    def key(self) -> tuple[str, str]:
        """Address and name: gateways may share an address, and a node may have two."""
        return self.uri, self.node_id

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
        uri = f"{self.uri}#{place}.{pid}" if self.uri.startswith("inproc://") else self.uri
        return replace(self, uri=uri, place=place)

    @property
    def pid(self) -> str:
        """The holder's process id, where the address has it."""
        return self.uri.partition("#")[2].rpartition(".")[2] if self.uri.startswith("inproc://") else ""

    def exclusion(self, other: Lease) -> str:
        """The reason why this node cannot serve one database with another one that lives; empty if
        it can."""
        if self.kind != "default" or other.kind != "default" or self.place == other.place:
            return ""
        if self.is_private or other.is_private:
            # The gateway of a private one would not hear what the other publishes.
            return "a node on mem:// serves a database alone"
        if self.node_id == other.node_id:
            return "each node needs a NODE_ID of its own"
        if self.address == other.address:
            return f"each node needs an address of its own, and both say {self.address}"
        return ""
