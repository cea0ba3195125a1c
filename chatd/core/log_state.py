"""LogState: which log a database holds, and how far it has come. By it a restored, promoted or new
database is told from the one before it."""

from typing import NamedTuple

from chatd.pb.node.v1 import node_pb2


class LogState(NamedTuple):
    """``incarnation`` is a random name, made with the database; empty: nothing is known. ``beat``
    rises with each renewal of a lease, and is never lower in a later incarnation. So a database
    whose beat is lower than one that was seen before is an older one, and gets a new
    incarnation."""

    incarnation: str = ""
    beat: int = 0

    def has(self, known: "LogState") -> bool:
        """True if a database in this state holds what was seen as ``known``: the same log, and not
        an older state of it."""
        return not known.incarnation or (known.incarnation == self.incarnation and known.beat <= self.beat)

    def to_pb(self) -> node_pb2.LogState:
        return node_pb2.LogState(incarnation=self.incarnation, beat=self.beat)


UNKNOWN_LOG = LogState()
"""Nothing is known."""


def from_pb(state: node_pb2.LogState) -> LogState:
    """The state that another process tells."""
    return LogState(state.incarnation, state.beat)
