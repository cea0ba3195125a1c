"""Stand-ins for tests of a gateway's parts: a front's link without a socket, which keeps what is
sent, and a watch on the log."""

from collections.abc import Callable, Mapping

from chatd.errors import ChatdError
from chatd.gateway.connection import ClientConnection
from chatd.gateway.link import Tap
from chatd.gateway.log_watch import LogWatch
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame


class KeptLink:
    """``takes`` False: as a client that has gone, or does not keep up. ``leaves`` False: as one
    that does not hang up when its stream is closed."""

    def __init__(self, address: str = "") -> None:
        self.address = address
        self.origin = address or "local"
        self.client_key = b""
        self.takes = self.leaves = True
        self.sent: list[bytes] = []
        self.hung_up = self.has_ended = False
        self.is_full = False
        self.refuses_calls = self.is_request = False
        self.has_stream = False
        self.stranger_cost = 0.0
        self.holds = 0
        self.tap: Tap | None = None

    def send(self, frame: bytes) -> bool:
        if self.takes:
            self.sent.append(frame)
            self.has_ended = self.leaves and ServerFrame.FromString(frame).HasField("closed")
        return self.takes

    def hold(self) -> None:
        self.holds += 1

    def go_on(self) -> None:
        self.holds -= 1

    def hang_up(self) -> None:
        self.hung_up = True

    def heard(self) -> list[ServerFrame]:
        """The frames sent since the last call."""
        sent, self.sent = self.sent, []
        return [ServerFrame.FromString(frame) for frame in sent]


def log_watch(
    streams: Mapping[bytes, ClientConnection],
    end: Callable[[ClientConnection, ChatdError], None] = lambda peer, error: None,
) -> LogWatch:
    """Nobody has told it anything yet. All that it would do later it does at once."""
    return LogWatch(streams, end=end, after=lambda: None, later=lambda seconds, action: action())
