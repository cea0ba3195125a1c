"""Changes of rooms that need approval where a room requires it: their commands, and their calls."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from google.protobuf.message import Message

from chatd.default.answer import Caller
from chatd.default.rooms.access import Acting
from chatd.store.command import Command
from chatd.store.transaction import Transaction


class Changed(Protocol):
    """The result of a change."""

    @property
    def seq(self) -> int:
        """Seq of the event that says what has changed; 0: nothing has."""


R = TypeVar("R", bound=Changed, covariant=True)
C = TypeVar("C", bound=Changed)
M = TypeVar("M", bound=Message)


class RoomCommand(Command[R]):
    """A change of a room. Its owner is the profile that makes it."""

    __slots__ = ()

    @abstractmethod
    def authorise(self, transaction: Transaction) -> Acting:
        """The profile may make the change now. Raises NotAMember (for an operator RoomNotFound),
        PermissionDenied, InvalidArgument."""

    @abstractmethod
    def named(self) -> tuple[str, ...]:
        """Profiles that its request names: with one of them a proposal of it is erased."""

    def as_approved(self, by: str) -> Self:
        """The change as it is made when ``by`` approves it; empty: an operator."""
        return self


def _nothing(result: object) -> None:
    """Nothing is to be done after a commit."""


@dataclass(frozen=True, slots=True)
class Change(Generic[C]):
    """A request as a command, with the way to its response, and what follows its commit: as in
    ``Write``."""

    command: RoomCommand[C]
    then: Callable[[C], Message]
    after: Callable[[C], None] = _nothing


@dataclass(frozen=True, slots=True)
class ChangeCall(Generic[M]):
    """A call that changes a room. ``make`` reads its request, for the caller or for the profile
    that has proposed it. ``field``: of ``chat.v1.Proposal``."""

    method: str
    request: type[M]
    response: type[Message]
    make: Callable[[Caller, M], Change[Any]]
    field: str
