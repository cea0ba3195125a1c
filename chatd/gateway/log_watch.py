"""LogWatch: which log the default nodes serve. When it is another one, the streams of the one
before end, and their devices say Hello again.

A stream's counts (seqs that were sent, cursors, its epoch) belong to one log. A gateway outlives
the nodes that it asks, so it remembers how far the log had come, and tells them.
"""

from collections.abc import Callable, Mapping, Sequence

import structlog

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.core.stream import DeviceStream, Run
from chatd.errors import ChatdError, StreamUnknown
from chatd.gateway.connection import ClientConnection
from chatd.gateway.spread import Later, in_steps
from chatd.pb.node.v1.node_pb2 import DescribeRequest

log = structlog.get_logger()

_Open = tuple[ClientConnection, DeviceStream]


class LogWatch:
    """``streams`` are the open ones, by topic; ``end`` ends one, and ``after`` is called when some
    have been ended."""

    def __init__(
        self,
        streams: Mapping[bytes, ClientConnection],
        *,
        end: Callable[[ClientConnection, ChatdError], None],
        after: Callable[[], None],
        later: Later,
    ) -> None:
        self._streams = streams
        self._end = end
        self._after = after
        self._later = later
        self.newest = UNKNOWN_LOG
        """The newest state that a node has told."""
        self.seen: Run | None = None
        """Events that were published last. Written by LiveDelivery."""

    def heard(self, state: LogState) -> None:
        """A node tells the log's state. One that is older than what is known changes nothing: the
        node has not looked lately, or its database is older than it was; it will find out which,
        since it is told ``newest``."""
        if not state.incarnation or state.beat < self.newest.beat:
            return
        before, self.newest = self.newest, state
        if before.incarnation not in ("", state.incarnation):
            self.seen = None
            log.warning(
                "The nodes serve another log than before; streams begin anew",
                incarnation=state.incarnation,
                before=before.incarnation,
            )
            in_steps(self._later, self._others(), self._end_all)

    def introduce(self, request: DescribeRequest) -> None:
        """Say in a Describe what is known of the log."""
        request.log.CopyFrom(self.newest.to_pb())
        request.ClearField("seen")
        if self.seen is not None:
            request.seen.room_id, request.seen.seq = self.seen.room_id, self.seen.last_seq

    def is_current(self, stream: DeviceStream) -> bool:
        """True if the stream is of the log that the nodes serve."""
        return stream.log == self.newest.incarnation

    def _others(self) -> list[_Open]:
        return [
            (peer, peer.stream)
            for peer in self._streams.values()
            if peer.stream is not None and not self.is_current(peer.stream)
        ]

    def _end_all(self, open_streams: Sequence[_Open]) -> None:
        for peer, stream in open_streams:
            if peer.stream is stream:
                self._end(peer, another_log())
        self._after()


def another_log() -> StreamUnknown:
    """The reason for which a stream of another log ends."""
    return StreamUnknown("the log is another one than when this stream began; say Hello again")
