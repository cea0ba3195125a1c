"""Audit lines that are too old, or too many, are deleted a batch at a time."""

from collections.abc import Callable
from functools import partial

from chatd.core.audit import AuditKind
from chatd.default.audit.store import FindAuditExcess, ForgetAudit
from chatd.store.access import Failed, StoreAccess

BATCH = 500


class AuditSweep:
    def __init__(self, store: StoreAccess) -> None:
        self._store = store

    def begin(self, before_us: int, then: Callable[[], None], failed: Failed) -> None:
        """Delete lines from before ``before_us``, and of uses and refusals all that are too many;
        then call ``then``."""
        self._store.ask(FindAuditExcess(), partial(self._forget, before_us, then, failed), failed)

    def _forget(
        self,
        before_us: int,
        then: Callable[[], None],
        failed: Failed,
        excess: tuple[tuple[AuditKind, str], ...],
    ) -> None:
        def forgotten(lines: int) -> None:
            if lines < BATCH:
                then()
            else:
                self._forget(before_us, then, failed, excess)

        self._store.write(ForgetAudit(before_us, excess, BATCH), forgotten, failed)
