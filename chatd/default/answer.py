"""Calls and their answers. A call is a row of a table: its name, its request, the role that may
make it, and the method that answers.

Methods take values and return an answer: the response itself, or a command or query and the way
from its result to the response.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

from chatd.core.string_fields import normalise_ids, refuse_nul
from chatd.errors import ChatdError, MalformedFrame, PermissionDenied
from chatd.store.access import StoreAccess
from chatd.store.command import Command, Query

R = TypeVar("R")
M = TypeVar("M", bound=Message)
Reply = Callable[[Message], None]
Refuse = Callable[[ChatdError], None]


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity that a gateway authenticated; an empty profile is a gateway calling for
    itself."""

    profile_id: str
    operator: bool


class Role(Enum):
    """A caller's right to make a call."""

    USER = "user"
    """An authenticated profile; operators have one too."""
    OPERATOR = "operator"
    GATEWAY = "gateway"
    """A gateway calling for itself."""

    def require(self, caller: Caller) -> None:
        """Raises PermissionDenied."""
        if self is Role.OPERATOR and not caller.operator:
            raise PermissionDenied("this needs an operator's token")
        if self is Role.USER and not caller.profile_id:
            raise PermissionDenied("this needs an authenticated profile")
        if self is Role.GATEWAY and caller.profile_id:
            raise PermissionDenied("this is for gateways only")


class Answer(Protocol):
    """One of those below."""

    def give(self, store: StoreAccess, reply: Reply, refuse: Refuse) -> None:
        """Call ``reply`` or ``refuse``, once, on the loop, now or later."""


@dataclass(frozen=True, slots=True)
class Done:
    """The response is known."""

    response: Message

    def give(self, store: StoreAccess, reply: Reply, refuse: Refuse) -> None:
        reply(self.response)


@dataclass(frozen=True, slots=True)
class Write(Generic[R]):
    """Ask the writer; ``then`` makes the response from the command's result, after the commit."""

    command: Command[R]
    then: Callable[[R], Message]

    def give(self, store: StoreAccess, reply: Reply, refuse: Refuse) -> None:
        store.write(self.command, lambda result: reply(self.then(result)), refuse)


@dataclass(frozen=True, slots=True)
class Read(Generic[R]):
    """Ask a reader; ``then`` makes the response from the query's result."""

    query: Query[R]
    then: Callable[[R], Message]

    def give(self, store: StoreAccess, reply: Reply, refuse: Refuse) -> None:
        store.ask(self.query, lambda result: reply(self.then(result)), refuse)


@dataclass(frozen=True, slots=True)
class ReadFirst(Generic[R]):
    """Ask a reader; ``then`` makes the next answer from the query's result, or raises a
    ChatdError."""

    query: Query[R]
    then: Callable[[R], Answer]

    def give(self, store: StoreAccess, reply: Reply, refuse: Refuse) -> None:
        store.ask(self.query, lambda result: self.then(result).give(store, reply, refuse), refuse)


@dataclass(frozen=True, slots=True)
class Later:
    """The response comes from elsewhere: ``begin`` calls one of the two it is given, once, on the
    loop."""

    begin: Callable[[Reply, Refuse], None]

    def give(self, store: StoreAccess, reply: Reply, refuse: Refuse) -> None:
        self.begin(reply, refuse)


class Method(Protocol):
    """A call as the node knows it."""

    @property
    def name(self) -> str:
        """For example "ChatService/SendEvents"."""

    @property
    def role(self) -> Role:
        """The callers that may make it."""

    def answer(self, caller: Caller, payload: bytes) -> Answer:
        """Answer an encoded request. Raises a ChatdError to refuse."""


@dataclass(frozen=True, slots=True)
class Call(Generic[M]):
    """A row: ``Call("ChatService/SendEvents", SendEventsRequest, Role.USER, self.send_events)``."""

    name: str
    request: type[M]
    role: Role
    method: Callable[[Caller, M], Answer]

    def answer(self, caller: Caller, payload: bytes) -> Answer:
        self.role.require(caller)
        try:
            request = self.request.FromString(payload)
        except DecodeError as exc:
            raise MalformedFrame(f"the payload is not a {self.request.DESCRIPTOR.name}") from exc
        if self.role is not Role.GATEWAY:  # a gateway has looked at its strings already
            if b"\0" in payload:
                refuse_nul(request)
            if not payload.isascii():
                normalise_ids(request)
        return self.method(caller, request)
