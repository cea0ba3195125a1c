"""KnownPeers: the public keys that may connect to this node: those in its file, and those for which
a node of the same database vouches in its lease, its own and those in its file.

Nobody vouches for what it knows from others, so a key that is taken out of the one file that has it
is unknown everywhere once that node's lease was renewed and read. A node that has stopped vouches
for as long as its lease is listed, an hour: its gateways find the others.
"""

import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import structlog

from chatd.core.audit import AuditKind, AuditLine
from chatd.core.counter import Counter
from chatd.core.key_pair import KeyPair, new_key_pair
from chatd.core.seldom import Seldom
from chatd.errors import ChatdError
from chatd.files.trusted_keys import read_trusted

log = structlog.get_logger()


class KnownPeers:
    """``path`` is the file. ``audit`` is told of those that are refused, ``revoked`` called when a
    key that was let in is known no longer. Raises ConfigError, StartFailed."""

    def __init__(
        self, path: Path, *, audit: Callable[[AuditLine], None], revoked: Callable[[], None]
    ) -> None:
        self._path = path
        self._audit = audit
        self._revoked = revoked
        self._stamp = self._look()
        self._trusted: Collection[bytes] = read_trusted(path)
        self._vouched: frozenset[bytes] | None = None
        """None until the leases were read for the first time: till then nobody is refused aloud."""
        self._let_in: set[bytes] = set()
        self._seldom = Seldom(max_keys=100)
        self.stranger: KeyPair = new_key_pair()
        """Nobody's, to try if strangers are refused."""
        self.refused = Counter("peers_refused", "connections of gateways that were refused")

    def is_known(self, key: bytes, address: str) -> bool:
        """A peer wants to connect from an address."""
        if not self._knows(key):
            self.read_again()
            if not self._knows(key):
                self._refuse(key, address)
                return False
        self._let_in.add(key)
        return True

    def trusted(self) -> list[bytes]:
        """Those in the file, as it is now."""
        self.read_again()
        return sorted(self._trusted)

    def vouched_for(self, keys: Iterable[bytes]) -> None:
        """Those of the other nodes' leases."""
        self._vouched = frozenset(keys)
        self._look_for_revoked()

    def read_again(self) -> None:
        """Read the file if it has changed. If it is wrong all stays as it was."""
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._trusted = read_trusted(self._path)
        except ChatdError as exc:
            log.error("The trusted keys were not read again; the old ones stay", error=exc.explained)
            return
        log.info("The trusted keys were read again", keys=len(self._trusted))
        self._look_for_revoked()

    def _look(self) -> tuple[int, int, int]:
        """Changes when the file does. Older kernels give two writes within 4 ms the same time."""
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_ino, found.st_size)

    def _knows(self, key: bytes) -> bool:
        return key in self._trusted or key in (self._vouched or ())

    def _look_for_revoked(self) -> None:
        gone = {key for key in self._let_in if not self._knows(key)}
        if gone:
            self._let_in -= gone
            for key in gone:
                log.warning("A key is known no longer; all gateways connect anew", key=key.hex())
            self._revoked()

    def _refuse(self, key: bytes, address: str) -> None:
        if self._vouched is None or key == self.stranger.public:
            return
        self.refused.add()
        self._audit(
            AuditLine(
                AuditKind.REFUSED,
                profile_id="",
                acting_for="",
                address=address,
                gateway_id="",
                what="Peer",
                objects=key.hex(),
                outcome="its key is not known",
            )
        )
        if self._seldom.due(key, time.monotonic()) is not None:
            log.warning(
                "A peer whose key is not known was refused; to let it in, here or at another node, type: "
                f"chatd keys trust {key.hex()}",
                address=address,
            )
