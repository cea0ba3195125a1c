"""Commands and queries: frozen values that say everything about themselves.

A command says what it locks, when it is taken, how much of a transaction it takes up, and how a
group of its kind is applied. A query says how it is answered. The engine that runs them
(``writer.py``, ``reader.py``) knows none of them by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from chatd.errors import ChatdError
    from chatd.store.database import Database
    from chatd.store.transaction import Transaction

R = TypeVar("R", covariant=True)


class Turn(Enum):
    """When a command is taken from the queue, relative to others that wait."""

    URGENT = auto()
    """Before all others, but never before an earlier command of the same owner."""
    NORMAL = auto()
    BACKGROUND = auto()
    """After all others; each transaction takes a bounded share of these."""


@dataclass(frozen=True, slots=True)
class Locks:
    """Rows that a command holds until its transaction ends. They are taken in this order, each kind
    sorted, for all commands of a transaction at once. So two nodes on one database may wait, one
    for the other, but not both."""

    rooms: Sequence[str] = ()
    profiles: Sequence[str] = ()
    """Their devices and memberships: a device registered at the same time is seen, or sees a
    membership made here."""
    notifications: bool = False
    """The queue of notifications as a whole."""
    entries: Sequence[tuple[str, str, str]] = ()
    """Outbox entries: profile, device, room. An empty device or room stands for all of them; then
    no other command may add entries meanwhile, which the lock of the profile or the room sees
    to."""
    partial: bool = False
    """The command does without rooms that another session holds for long (``RoomLog.find`` finds
    nothing, ``Transaction.held`` names them). Others wait as a whole."""


NO_LOCKS = Locks()
"""The command changes no row that another command reads before it writes."""


class Command(ABC, Generic[R]):
    """A write. ``R`` is its result."""

    __slots__ = ()

    @abstractmethod
    def locks(self) -> Locks:
        """The rows it holds; NO_LOCKS has to be written."""

    @classmethod
    @abstractmethod
    def apply(cls, transaction: Transaction, commands: Sequence[Self]) -> Sequence[R | ChatdError]:
        """Apply a group of this kind; a result or a refusal for each. A refused command has changed
        nothing."""

    def turn(self) -> Turn:
        """When it is taken."""
        return Turn.NORMAL

    def owner(self) -> str:
        """The profile that asks for it: its commands keep their order, and it is charged with what
        they cost. Empty: the node itself, or operators."""
        return ""

    def weight(self) -> int:
        """Its share of a transaction's limit (1,000): a long transaction would make everybody
        wait."""
        return 1


class Query(ABC, Generic[R]):
    """A read. ``R`` is its result."""

    __slots__ = ()

    @abstractmethod
    def answer(self, database: Database) -> R:
        """Read it, on a reader's thread. Raises a ChatdError to refuse."""
