"""WaitingFrames: frames whose tokens somebody else is asked about. Their connections are not read
meanwhile, so that frames stay in their order and one of each connection waits at most."""

from collections.abc import Callable
from functools import partial

from chatd.errors import Overloaded
from chatd.gateway.authentication.pending import AuthenticationPending
from chatd.gateway.connection import ClientConnection

MAX_BYTES = 16 * 1_048_576
"""The size of all frames that wait."""


class WaitingFrames:
    """``on_frame`` handles a frame again, and ``after_batch`` does what that made necessary."""

    def __init__(
        self, on_frame: Callable[[ClientConnection, bytes], None], after_batch: Callable[[], None]
    ) -> None:
        self._on_frame = on_frame
        self._after_batch = after_batch
        self._bytes = 0

    def wait(self, peer: ClientConnection, encoded: bytes, pending: AuthenticationPending) -> None:
        """Handle the frame again when its token is known. Raises Overloaded."""
        if self._bytes + len(encoded) > MAX_BYTES:
            raise Overloaded("too many frames wait for the authentication of their clients")
        self._bytes += len(encoded)
        peer.link.hold()
        pending.when_known(partial(self._go_on, peer, encoded))

    def _go_on(self, peer: ClientConnection, encoded: bytes) -> None:
        self._bytes -= len(encoded)
        try:
            if not peer.link.has_ended:
                self._on_frame(peer, encoded)
                self._after_batch()
        finally:
            peer.link.go_on()
