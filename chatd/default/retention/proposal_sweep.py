"""Proposals on which nobody decides expire, and decided ones are deleted, a batch at a time."""

from collections.abc import Callable

from chatd.default.rooms.old_proposals import ExpireProposals, FindOldProposals
from chatd.default.rooms.proposal_rows import STEP
from chatd.store.access import Failed, StoreAccess


class ProposalSweep:
    def __init__(self, store: StoreAccess) -> None:
        self._store = store

    def begin(
        self, expire_before_us: int, forget_before_us: int, then: Callable[[], None], failed: Failed
    ) -> None:
        """Let those expire that were made before ``expire_before_us``, and delete those that were
        decided before ``forget_before_us`` (0: none); then call ``then``."""

        def found(places: tuple[tuple[str, str], ...]) -> None:
            if not places:
                then()
                return
            self._store.write(ExpireProposals(places, expire_before_us, forget_before_us), expired, failed)

        def expired(changed: int) -> None:
            if changed:
                look()
            else:
                then()  # another node has done it

        def look() -> None:
            self._store.ask(FindOldProposals(expire_before_us, forget_before_us, STEP), found, failed)

        look()
