"""Opening: Hello → epoch → Welcome. The Hellos of one turn of the loop go to a default node as one
call."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from chatd.core.each import each
from chatd.core.graphemes import cut
from chatd.core.ids import check_id, check_seq
from chatd.core.log_state import from_pb
from chatd.core.start import read_start
from chatd.core.wire import error_from_pb
from chatd.errors import ChatdError, Draining, Overtaken, Superseded, Unavailable, UnsupportedVersion
from chatd.gateway.admission import Admission
from chatd.gateway.audit import GatewayAudit
from chatd.gateway.backend import NodeCalls
from chatd.gateway.catch_up import Pulls
from chatd.gateway.connection import ClientConnection, ConnectionManager, PendingHello
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.log_watch import LogWatch
from chatd.gateway.presence import GatewayPresence
from chatd.gateway.stream_log import StreamLog
from chatd.gateway.token_expiry import TokenExpiry
from chatd.gateway.tracing import Tracing
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello, ServerFrame, Shown, Start, Welcome
from chatd.pb.node.v1.node_pb2 import OpenStream, OpenStreamsRequest, OpenStreamsResponse
from chatd.text import one_line

log = structlog.get_logger()

PROTOCOL_VERSION = 1
MAX_WINDOW_MESSAGES = 65_536
MIN_WINDOW_BYTES = 1024
MAX_WINDOW_BYTES = 16 * 1_048_576
MAX_CLIENT = 128
"""Characters (grapheme clusters) kept of what a client calls itself."""


@dataclass(frozen=True, slots=True)
class StreamDefaults:
    """The values of a Welcome. ``heartbeat_interval`` in seconds; the windows are for a Hello that
    names none."""

    gateway_id: str
    heartbeat_interval: float
    window_messages: int
    window_bytes: int


class Opening:
    """``flush`` sends the Hellos that have gathered.
    ``write_acks`` writes the acks that have gathered."""

    def __init__(
        self,
        defaults: StreamDefaults,
        admission: Admission,
        connections: ConnectionManager,
        sender: DeviceSender,
        presence: GatewayPresence,
        calls: NodeCalls,
        pulls: Pulls,
        log_watch: LogWatch,
        audit: GatewayAudit,
        expiry: TokenExpiry,
        tracing: Tracing,
        stream_log: StreamLog,
        *,
        write_acks: Callable[[], None],
    ) -> None:
        self._defaults = defaults
        self._admission = admission
        self._connections = connections
        self._sender = sender
        self._presence = presence
        self._calls = calls
        self._pulls = pulls
        self._log_watch = log_watch
        self._audit = audit
        self._expiry = expiry
        self._tracing = tracing
        self._stream_log = stream_log
        self._write_acks = write_acks
        self._waiting: list[PendingHello] = []
        self._refusal = ""

    def stop(self, reason: str) -> None:
        """Refuse every Hello from now on, for this reason."""
        self._refusal = reason

    def resume(self) -> None:
        """Take Hellos again."""
        self._refusal = ""

    def on_hello(self, peer: ClientConnection, frame: ClientFrame) -> None:
        """Raises a ChatdError to refuse."""
        hello = frame.hello
        if self._refusal:
            raise Draining(self._refusal)
        if hello.version < 1:
            raise UnsupportedVersion(f"version {hello.version}; this gateway speaks 1 to {PROTOCOL_VERSION}")
        identity = self._admission.authenticate(peer, hello.token, hello.profile_id, opens=True)
        self._admission.limit_frame(peer, identity, hello.ByteSize())
        device_id = check_id("device_id", hello.device_id)
        identity.check_device(device_id)
        check_seq("ordinal", hello.ordinal)
        if hello.HasField("start"):
            read_start(hello.start)
        opening = PendingHello(
            peer,
            identity,
            device_id,
            hello,
            window=self._window(hello),
            shown=_shown(hello),
        )
        if identity.token_profile_id:
            self._audit.used(
                "OpenStream",
                peer.link.origin,
                profile_id=identity.owner,
                acting_for=identity.profile_id,
                objects=f"device_id={opening.device_id}",
            )
        if peer.stream is not None:
            self._stream_log.ended(peer, "the device said Hello again")
            self._connections.forget(peer, failed=not peer.said_bye)
        self._connections.record_failure(opening)
        # An older stream's last acks are written before the new one reads its cursors.
        self._write_acks()
        crowded_out = self._connections.expect(opening)
        if self._tracing.is_on:
            self._tracing.opening(peer, frame.SerializeToString())
        self._waiting.append(opening)
        if crowded_out is peer:
            self._sender.end(peer, Overtaken("a later Hello of this device is here"))
        elif crowded_out is not None:
            self._sender.end(crowded_out, Superseded("newer connections of this device have taken its place"))

    def _window(self, hello: Hello) -> tuple[int, int]:
        messages = hello.window_messages or self._defaults.window_messages
        size = hello.window_bytes or self._defaults.window_bytes
        return min(messages, MAX_WINDOW_MESSAGES), max(MIN_WINDOW_BYTES, min(size, MAX_WINDOW_BYTES))

    def flush(self) -> None:
        """Ask for the epochs of the Hellos that have gathered since the last call."""
        if not self._waiting:
            return
        batch, self._waiting = [one for one in self._waiting if one.peer.opening is one], []
        if not batch:
            return
        self._open(batch)

    def _open(self, batch: list[PendingHello]) -> None:
        gateway_id = self._defaults.gateway_id
        request = OpenStreamsRequest(
            gateway_id=gateway_id,
            log=self._log_watch.newest.to_pb(),
            streams=[
                OpenStream(
                    profile_id=one.identity.profile_id,
                    device_id=one.device_id,
                    client=cut(one_line(one.hello.client), MAX_CLIENT),
                    shown=one.shown,
                    start=one.hello.start if one.hello.HasField("start") else None,
                    ordinal=one.hello.ordinal,
                )
                for one in batch
            ],
        )
        self._calls.call(
            "NodeService/OpenStreams", request, partial(self._opened, batch), affinity=gateway_id
        )

    def _opened(self, batch: list[PendingHello], payload: bytes, error: ChatdError | None) -> None:
        if error is not None and not error.retry and len(batch) > 1:
            for one in batch:
                self._open([one])  # alone, only the guilty one fails
            return
        opened = (
            OpenStreamsResponse.FromString(payload)
            if error is None
            else OpenStreamsResponse(epochs=[0] * len(batch))
        )
        state = from_pb(opened.log)
        self._log_watch.heard(state)
        starts = dict(zip(opened.new_devices, opened.starts, strict=True))
        rewound = frozenset(opened.rewound)
        refused = {one.stream: one.error for one in opened.refused}

        def open_one(one: tuple[int, tuple[PendingHello, int]]) -> None:
            index, (opening, epoch) = one
            peer = opening.peer
            if peer.opening is not opening:
                if epoch:
                    self._connections.unwanted(opening, epoch)
            elif error is not None:
                self._sender.end(peer, error)
            elif index in refused:
                self._sender.end(peer, error_from_pb(refused[index]))
            elif self._connections.has_newer(peer.topic, epoch, state.incarnation):
                self._connections.unwanted(opening, epoch)
                self._sender.end(peer, Superseded("a newer stream of this device is open"))
            else:
                older = self._connections.register(opening, epoch, state.incarnation)
                if older is not None:
                    self._sender.end(older, Superseded("a newer stream of this device is open"))
                self._welcome(
                    opening,
                    epoch,
                    start=starts.get(index),
                    log_name=state.incarnation,
                    rewound=index in rewound,
                )

        def failed(one: tuple[int, tuple[PendingHello, int]], exc: Exception) -> None:
            log.exception("A stream could not be opened")
            self._sender.end(one[1][0].peer, Unavailable(f"the stream failed: {type(exc).__name__}"))

        each(enumerate(zip(batch, opened.epochs, strict=True)), open_one, failed)
        self._pulls.flush()

    def _welcome(
        self, opening: PendingHello, epoch: int, *, start: Start | None, log_name: str, rewound: bool
    ) -> None:
        welcome = Welcome(
            epoch=epoch,
            profile_id=opening.identity.profile_id,
            device_id=opening.device_id,
            heartbeat_interval_ms=round(self._defaults.heartbeat_interval * 1000),
            window_messages=opening.window_messages,
            window_bytes=opening.window_bytes,
            version=min(opening.hello.version, PROTOCOL_VERSION),
            gateway_id=self._defaults.gateway_id,
            new_device=start is not None,
            start=start,
            gateways=self._sender.itself + self._sender.elsewhere,
            hello_id=opening.hello.hello_id,
            log=log_name,
            rewound=rewound,
        )
        self._sender.send(opening.peer, ServerFrame(welcome=welcome).SerializeToString())
        if opening.peer.stream is not None:
            self._stream_log.opened(opening.peer, cut(one_line(opening.hello.client), MAX_CLIENT))
            self._presence.opened(opening.peer, opening.hello.presence)
            self._expiry.watch(opening.peer)
        self._pulls.want(opening.peer)


def _shown(hello: Hello) -> Shown | None:
    """The newest event that the client has shown. Raises InvalidId, InvalidArgument."""
    if not hello.HasField("shown"):
        return None
    shown = hello.shown
    return Shown(
        log=check_id("shown.log", shown.log),
        room_id=check_id("shown.room_id", shown.room_id),
        seq=check_seq("shown.seq", shown.seq),
        event_id=check_id("shown.event_id", shown.event_id),
    )
