"""Audit: the lines of a node. Calls ask it for a witness; what changes something is kept in the
act's own transaction, all else behind it, the same within a minute once."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from chatd.core.audit import AuditKind, AuditLine
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
        line = AuditLine(
            AuditKind.ACT,
            profile_id=caller.operator_id or caller.profile_id,
            acting_for=caller.profile_id if caller.operator_id else "",
            address=caller.address,
            gateway_id=caller.gateway_id,
            what=method.name,
            objects=method.objects(payload),
        )
        return CallWitness(self, line, is_act=method.is_remembered)

    def record(self, line: AuditLine) -> None:
        """Log and keep a use or a refusal, unless the same was said within a minute."""
        seldom = self._refusals if line.kind is AuditKind.REFUSED else self._uses
        repeated = seldom.due(line.key, self._now())
        if repeated is not None:
            line = replace(line, repeated=repeated)
            self.say(line)
            self._store.tell(RecordAudit((line,)))


class CallWitness:
    """Sees one call to its end. ``is_act``: what it writes is kept with its line."""

    def __init__(self, audit: Audit, line: AuditLine, *, is_act: bool) -> None:
        self._audit = audit
        self._line = line
        self._is_act = is_act
        self._is_kept = False

    def wrap(self, command: Command[R]) -> Command[R]:
        """The command that the call asks the writer for, with its line."""
        if not self._is_act:
            return command
        self._is_kept = True
        return Audited(command, self._line)

    def done(self) -> None:
        """The call is answered."""
        if self._is_kept:
            self._audit.say(self._line)
        else:
            self._audit.record(replace(self._line, kind=AuditKind.USE))

    def refused(self, error: ChatdError) -> None:
        self._audit.record(replace(self._line, kind=AuditKind.REFUSED, outcome=error.name))
