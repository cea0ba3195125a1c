"""RevokedTokens: a node's copy of the revocations. Gateways get what is new with each answer that
says who the node is."""

import asyncio

from chatd.default.part import Part
from chatd.default.tokens.model import Revocation
from chatd.default.tokens.store import FindRevocations, Found
from chatd.pb.node.v1.node_pb2 import DescribeResponse
from chatd.store.access import StoreAccess

LOOK_SECONDS = 1.0
"""Between two looks for what other nodes have revoked."""
FORGET_SECONDS = 3_600.0
"""Between two looks for what retention has deleted."""
MAX_TOLD = 50_000
"""Revocations in one answer, at most 4 MB; the rest follows a second later."""


class RevokedTokens:
    def __init__(self, store: StoreAccess) -> None:
        self._store = store
        self._known: dict[tuple[bytes, str], Revocation] = {}  # by version
        self._newest = 0
        self._is_looking = False
        self.part = Part(prepare=self._load, every=((LOOK_SECONDS, self.look), (FORGET_SECONDS, self.forget)))

    async def _load(self) -> None:
        found: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._store.ask(FindRevocations(0), found.set_result, found.set_exception)
        self._add(await found)

    def look(self) -> None:
        """Something may have been revoked."""
        if not self._is_looking:
            self._is_looking = True
            self._store.ask(FindRevocations(self._newest), self._found, self._failed)

    def _failed(self, error: Exception) -> None:
        self._is_looking = False

    def _found(self, found: Found) -> None:
        self._is_looking = False
        if found.newest < self._newest:
            self._newest = 0  # the database is an older one: its list is read anew
            self.look()
        else:
            self._add(found)

    def _add(self, found: Found) -> None:
        for one in found.revocations:
            key = (one.digest, one.profile_id)
            self._known.pop(key, None)
            self._known[key] = one
        self._newest = found.newest

    def forget(self) -> None:
        """Forget those that are no longer in the database."""
        self._store.ask(FindRevocations(0), self._read_anew, lambda error: None)

    def _read_anew(self, found: Found) -> None:
        self._known.clear()
        self._add(found)

    def tell(self, response: DescribeResponse, after: int) -> None:
        """Tell a gateway what it does not know: it has heard of those up to the version
        ``after``."""
        if after == self._newest:
            response.revocations_version = after
            return
        news = [one for one in self._known.values() if one.version > after or after > self._newest]
        told = news[:MAX_TOLD]
        response.revocations.extend(one.to_pb() for one in told)
        response.revocations_version = told[-1].version if len(told) < len(news) else self._newest
