"""Audit: the lines of a node. Calls ask it for a witness; what changes something is kept in the
act's own transaction, all else behind it, the same within a minute once."""

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TypeVar

from chatd.core.audit import DONE, AuditKind, AuditLine, key_of
from chatd.core.seldom import Seldom
from chatd.default.answer import Caller, Method, Role
from chatd.default.audit.store import Audited, RecordAudit
from chatd.errors import ChatdError
from chatd.store.access import StoreAccess
from chatd.store.command import Command

R = TypeVar("R")

_NOT_OPERATORS = (Role.USER, Role.GATEWAY)


class Audit:
    """``say`` logs a line. ``now`` is a steady clock, in seconds."""

    def __init__(
        self, store: StoreAccess, *, say: Callable[[AuditLine], None], now: Callable[[], float]
    ) -> None:
        self._store = store
        self.say = say
        self._now = now
        self._uses, self._refusals = Seldom(), Seldom()

    def witness(self, method: Method, caller: Caller, payload: bytes) -> "CallWitness | None":
        """The witness of a call that is to have a line: those for operators, whoever makes them,
        and all that operators make."""
        if not caller.profile_id or not method.is_audited:
            return None
        if not caller.scopes and method.role in _NOT_OPERATORS:
            return None
        return CallWitness(self, method, caller, payload)

    def unsaid(self, kind: AuditKind, key: Hashable) -> int | None:
        """None: the same was said within a minute. Else how often it was not said since."""
        seldom = self._refusals if kind is AuditKind.REFUSED else self._uses
        return seldom.due(key, self._now())

    def record(self, line: AuditLine) -> None:
        """Log and keep a use or a refusal, unless the same was said within a minute."""
        repeated = self.unsaid(line.kind, line.key)
        if repeated is not None:
            self.keep(replace(line, repeated=repeated))

    def keep(self, line: AuditLine) -> None:
        """Log and keep a line of what writes nothing."""
        self.say(line)
        self._store.tell(RecordAudit((line,)))


class CallWitness:
    """Sees one call to its end. A call that is remembered commits its line with what it writes; a
    line is made when it is to be said, for programs make calls all day."""

    __slots__ = ("_act", "_audit", "_caller", "_method", "_payload")

    def __init__(self, audit: Audit, method: Method, caller: Caller, payload: bytes) -> None:
        self._audit = audit
        self._method = method
        self._caller = caller
        self._payload = payload
        self._act: AuditLine | None = None

    def wrap(self, command: Command[R]) -> Command[R]:
        """The command that the call asks the writer for, with its line."""
        if not self._method.is_remembered:
            return command
        self._act = self._line(AuditKind.ACT, self._method.objects(self._payload), DONE, 0)
        return Audited(command, self._act)

    def done(self) -> None:
        """The call is answered."""
        if self._act is not None:
            self._audit.say(self._act)
        elif self._method.is_act:
            self._audit.keep(self._line(AuditKind.ACT, self._method.objects(self._payload), DONE, 0))
        else:
            self._minor(AuditKind.USE, self._method.objects(self._payload), DONE)

    def refused(self, error: ChatdError) -> None:
        self._minor(AuditKind.REFUSED, "", error.name)

    def _minor(self, kind: AuditKind, objects: str, outcome: str) -> None:
        caller = self._caller
        refused = kind is AuditKind.REFUSED
        owner, acting_for = _who(caller)
        detail = outcome if refused else objects
        key = key_of(kind, owner, acting_for, caller.address, self._method.name, detail)
        repeated = self._audit.unsaid(kind, key)
        if repeated is not None:
            objects = objects or self._method.objects(self._payload)
            self._audit.keep(self._line(kind, objects, outcome, repeated))

    def _line(self, kind: AuditKind, objects: str, outcome: str, repeated: int) -> AuditLine:
        caller = self._caller
        owner, acting_for = _who(caller)
        return AuditLine(
            kind,
            owner,
            acting_for,
            caller.address,
            caller.gateway_id,
            self._method.name,
            objects,
            outcome,
            repeated,
        )


def _who(caller: Caller) -> tuple[str, str]:
    """The profile of the caller's token, and the one that it acts for, if that is another."""
    return (caller.operator_id, caller.profile_id) if caller.operator_id else (caller.profile_id, "")
