"""The scopes of operators: the parts of their rights, by the names that token files and tokens
have for them."""

from collections.abc import Iterable
from enum import Enum

from chatd.pb.node.v1 import node_pb2


class Scope(Enum):
    """A part of an operator's rights."""

    READ = "read"
    """Sees rooms, devices, outboxes and nodes."""
    OPERATE = "operate"
    """Changes rooms, devices and queues, acts for other profiles."""
    ERASE = "erase"
    """Removes history and profiles."""


NO_SCOPES: frozenset[Scope] = frozenset()
ALL_SCOPES = frozenset(Scope)
_NUMBERS = {
    Scope.READ: node_pb2.SCOPE_READ,
    Scope.OPERATE: node_pb2.SCOPE_OPERATE,
    Scope.ERASE: node_pb2.SCOPE_ERASE,
}
_SCOPES: dict[int, Scope] = {number: scope for scope, number in _NUMBERS.items()}


def scopes_to_pb(scopes: Iterable[Scope]) -> "list[node_pb2.Scope]":
    """The scopes as a gateway tells them."""
    return [_NUMBERS[scope] for scope in scopes]


def scopes_from_pb(numbers: Iterable[int]) -> frozenset[Scope]:
    """The scopes that a gateway tells; one that is not known here gives no rights."""
    return frozenset(_SCOPES[number] for number in numbers if number in _SCOPES)
