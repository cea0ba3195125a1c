"""Calls and their answers. A call is a row of a table: its name, its request, the right that
it needs, the method that answers, and whether its answer is remembered.

Methods take values and return an answer: the response itself, or a command or query and the way
from its result to the response.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar, cast

from google.protobuf.message import DecodeError, Message

from chatd.core.audit import objects_of
from chatd.core.deadline import Deadline
from chatd.core.scopes import NO_SCOPES, Scope
from chatd.core.string_fields import may_hold_beyond_ascii, normalise_ids, refuse_nul
from chatd.default.requests.model import Answered, RequestKey
from chatd.default.requests.store import FindAnswer, Once
from chatd.errors import ChatdError, MalformedFrame, PermissionDenied
from chatd.store.access import StoreAccess
from chatd.store.command import Command, Query

R = TypeVar("R")
M = TypeVar("M", bound=Message)
Encode = Callable[[R], bytes]
"""Makes the encoded response from a command's result, on whichever thread."""
Reply = Callable[[bytes], None]
"""Takes the encoded response."""
Respond = Callable[[Message], None]
"""Takes the response."""
Refuse = Callable[[ChatdError], None]


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity that a gateway authenticated; an empty profile is a gateway calling for itself.
    An operator has scopes."""

    profile_id: str
    scopes: frozenset[Scope] = NO_SCOPES
    operator_id: str = ""
    """The operator's own profile, if it acts for another one."""
    address: str = ""
    """Where the client is, and the gateway that it is connected to."""
    gateway_id: str = ""

    @property
    def sees_all(self) -> bool:
        """True if it may read what others may see."""
        return Scope.READ in self.scopes

    @property
    def changes_all(self) -> bool:
        """True if it may do in any room what an owner may."""
        return Scope.OPERATE in self.scopes


class Role(Enum):
    """The right that a call needs."""

    USER = "user"
    """An authenticated profile; operators have one too."""
    READ = "read"
    """An operator's scope, as the next two."""
    OPERATE = "operate"
    ERASE = "erase"
    GATEWAY = "gateway"
    """A gateway calling for itself."""

    def require(self, caller: Caller) -> None:
        """Raises PermissionDenied, which names the scope that is missing."""
        if self is Role.GATEWAY:
            if caller.profile_id:
                raise PermissionDenied("this is for gateways only")
        elif not caller.profile_id:
            raise PermissionDenied("this needs an authenticated profile")
        elif self is not Role.USER and Scope(self.value) not in caller.scopes:
            raise PermissionDenied(f"this needs an operator's token with the scope '{self.value}'")


class Witness(Protocol):
    """Sees a call to its end, for the audit (``audit/audit.py``). One of ``done`` and ``refused``
    is called, once."""

    def wrap(self, command: Command[R]) -> Command[R]:
        """The command with the line that is to be kept in its transaction."""

    def done(self) -> None: ...

    def refused(self, error: ChatdError) -> None: ...


@dataclass(slots=True)  # not frozen, as Write: one is made for each call, in a quarter of the time
class CallStore:
    """The store as one call of ``profile_id`` uses it. All that the call reads and writes has its
    ``deadline``; an answer with a ``key`` is made once, and given each time; what it writes is seen
    by its ``witness``."""

    store: StoreAccess
    profile_id: str
    deadline: Deadline | None = None
    key: RequestKey | None = None
    witness: Witness | None = None

    def ask(self, query: Query[R], then: Callable[[R], None], refuse: Refuse) -> None:
        """Ask a reader."""
        self.store.ask(query, then, refuse, owner=self.profile_id, deadline=self.deadline)

    def write(self, command: Command[R], then: Callable[[R], None], refuse: Refuse) -> None:
        """Ask the writer, for an answer that takes several steps; it is not remembered."""
        self.store.write(command, then, refuse, deadline=self.deadline)

    def answer(
        self,
        command: Command[R],
        encode: Encode[R],
        after: Callable[[R], None],
        reply: Reply,
        refuse: Refuse,
    ) -> None:
        """Ask the writer, and reply. ``after`` is called with the result when it has been
        committed, unless an earlier attempt had done it."""

        def done(result: R) -> None:
            after(result)
            reply(encode(result))

        def answered(answered: Answered) -> None:
            if not answered.is_repeated:
                after(cast(R, answered.result))
            reply(answered.answer)

        if self.witness is not None:
            command = self.witness.wrap(command)
        if self.key is None:
            self.write(command, done, refuse)
        else:
            self.write(Once(command, self.key, encode), answered, refuse)


class Answer(Protocol):
    """One of those below."""

    def give(self, store: CallStore, reply: Reply, refuse: Refuse) -> None:
        """Call ``reply`` or ``refuse``, once, on the loop, now or later."""


@dataclass(frozen=True, slots=True)
class Done:
    """The response is known."""

    response: Message

    def give(self, store: CallStore, reply: Reply, refuse: Refuse) -> None:
        reply(self.response.SerializeToString())


def _nothing(result: object) -> None:
    """Nothing is to be done after a commit."""


@dataclass(slots=True)
class Write(Generic[R]):
    """Ask the writer. ``then`` makes the response from the command's result and does nothing else:
    it may be called inside the transaction, and not again when the call is repeated. ``after`` does
    on the loop what follows the commit."""

    command: Command[R]
    then: Callable[[R], Message]
    after: Callable[[R], None] = _nothing

    def give(self, store: CallStore, reply: Reply, refuse: Refuse) -> None:
        store.answer(
            self.command, lambda result: self.then(result).SerializeToString(), self.after, reply, refuse
        )


@dataclass(frozen=True, slots=True)
class Read(Generic[R]):
    """Ask a reader; ``then`` makes the response from the query's result."""

    query: Query[R]
    then: Callable[[R], Message]

    def give(self, store: CallStore, reply: Reply, refuse: Refuse) -> None:
        store.ask(self.query, lambda result: reply(self.then(result).SerializeToString()), refuse)


@dataclass(frozen=True, slots=True)
class ReadFirst(Generic[R]):
    """Ask a reader; ``then`` makes the next answer from the query's result, or raises a
    ChatdError. A call that was executed before is answered also when the query is refused now."""

    query: Query[R]
    then: Callable[[R], Answer]

    def give(self, store: CallStore, reply: Reply, refuse: Refuse) -> None:
        def refused(error: ChatdError) -> None:
            if store.key is None:
                refuse(error)
                return
            store.ask(
                FindAnswer(store.key),
                lambda answer: refuse(error) if answer is None else reply(answer),
                refuse,
            )

        store.ask(self.query, lambda result: self.then(result).give(store, reply, refuse), refused)


@dataclass(frozen=True, slots=True)
class Later:
    """The response comes from elsewhere, or takes several steps: ``begin`` gets the store for what
    it writes, and calls one of the other two, once, on the loop."""

    begin: Callable[[CallStore, Respond, Refuse], None]

    def give(self, store: CallStore, reply: Reply, refuse: Refuse) -> None:
        self.begin(store, lambda response: reply(response.SerializeToString()), refuse)


class Method(Protocol):
    """A call as the node knows it."""

    @property
    def name(self) -> str:
        """For example "ChatService/SendEvents"."""

    @property
    def role(self) -> Role:
        """The right that it needs."""

    @property
    def is_remembered(self) -> bool:
        """True if what it writes is written once for each request id."""

    @property
    def is_audited(self) -> bool:
        """True if it has an audit line when an operator makes it, or when it is for operators."""

    @property
    def is_act(self) -> bool:
        """True if it changes something outside the database."""

    def objects(self, payload: bytes) -> str:
        """The ids and numbers that an encoded request names."""

    def answer(self, caller: Caller, payload: bytes) -> Answer:
        """Answer an encoded request. Raises a ChatdError to refuse."""


@dataclass(frozen=True, slots=True)
class Call(Generic[M]):
    """A row: ``Call("ChatService/SetPush", SetPushRequest, Role.USER, self.set_push)``.
    ``is_remembered`` False: to do it again does no harm. ``is_audited`` False: programs make it all
    the time, and it shows or changes nothing of anybody. ``is_act``: it changes something outside
    the database, and has an audit line each time."""

    name: str
    request: type[M]
    role: Role
    method: Callable[[Caller, M], Answer]
    is_remembered: bool = True
    is_audited: bool = True
    is_act: bool = False

    def objects(self, payload: bytes) -> str:
        return objects_of(self.request, payload)

    def answer(self, caller: Caller, payload: bytes) -> Answer:
        self.role.require(caller)
        try:
            request = self.request.FromString(payload)
        except DecodeError as exc:
            raise MalformedFrame(f"the payload is not a {self.request.DESCRIPTOR.name}") from exc
        if self.role is not Role.GATEWAY:  # a gateway has looked at its strings already
            if b"\0" in payload:
                refuse_nul(request)
            if may_hold_beyond_ascii(payload):
                normalise_ids(request)
        return self.method(caller, request)
