"""WaitingFrames: frames whose tokens somebody else is asked about, or whose profile comes too
often. Their connections are not read meanwhile, so that frames stay in their order and one of each
connection waits at most."""

from collections.abc import Callable
from functools import partial

from chatd.errors import Overloaded
from chatd.gateway.authentication.pending import AuthenticationPending
from chatd.gateway.authentication.webhook import MAX_ASKED
from chatd.gateway.connection import ClientConnection

MAX_BYTES = 16 * 1_048_576
"""The size of all frames that wait."""
MAX_BYTES_OF_ADDRESS = MAX_BYTES // 2
MAX_OF_ADDRESS = MAX_ASKED // 2
"""Frames of one address: who makes up tokens there leaves room for others."""


class WaitingFrames:
    """``on_frame`` handles a frame again, and ``after_batch`` does what that made necessary."""

    def __init__(
        self, on_frame: Callable[[ClientConnection, bytes], None], after_batch: Callable[[], None]
    ) -> None:
        self._on_frame = on_frame
        self._after_batch = after_batch
        self._bytes = 0
        self._of_address: dict[str, list[int]] = {}  # the sizes together, and how many there are

    def wait(self, peer: ClientConnection, encoded: bytes, pending: AuthenticationPending) -> None:
        """Handle the frame again when its token is known. Raises Overloaded."""
        here = self._of_address.get(peer.link.address, [0, 0])
        is_full_here = here[0] + len(encoded) > MAX_BYTES_OF_ADDRESS or here[1] >= MAX_OF_ADDRESS
        if self._bytes + len(encoded) > MAX_BYTES or (peer.link.address and is_full_here):
            raise Overloaded("too many frames wait for the authentication of their clients")
        self._count(peer, len(encoded), 1)
        peer.link.hold()
        pending.when_known(partial(self._go_on, peer, encoded))

    def _count(self, peer: ClientConnection, size: int, frames: int) -> None:
        self._bytes += size
        here = self._of_address.setdefault(peer.link.address, [0, 0])
        here[0] += size
        here[1] += frames
        if not here[1]:
            del self._of_address[peer.link.address]

    def _go_on(self, peer: ClientConnection, encoded: bytes) -> None:
        self._count(peer, -len(encoded), -1)
        try:
            if not peer.link.has_ended:
                self._on_frame(peer, encoded)
                self._after_batch()
        finally:
            peer.link.go_on()
