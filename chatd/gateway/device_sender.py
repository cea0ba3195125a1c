"""Everything a gateway sends to devices goes through here, and every stream that ends, ends
here."""

import time
from collections.abc import Iterator, Sequence
from typing import Protocol

import structlog

from chatd.core.seldom import Seldom
from chatd.core.wire import encode_reply, error_to_pb
from chatd.errors import AckAhead, ChatdError, Draining, HeartbeatLost, Superseded
from chatd.gateway.connection import ClientConnection
from chatd.gateway.link import Link
from chatd.gateway.stream_log import StreamLog
from chatd.pb.gateway.v1.gateway_pb2 import CaughtUp, Closed, Error, ServerFrame

log = structlog.get_logger()

FAILURES = (HeartbeatLost, Superseded, AckAhead)
"""Ends that may be the fault of the delivery in flight; a Bye or a gateway that stops is not."""

_CAUGHT_UP = ServerFrame(caught_up=CaughtUp()).SerializeToString()


MAX_JOINED_BYTES = 1_048_576
"""Records are joined up to this size: a frame over 16 MiB would end a client's connection for
ever."""


class Forget(Protocol):
    """Unregisters a connection's stream (``ConnectionManager.forget``)."""

    def __call__(self, peer: ClientConnection, /, *, failed: bool) -> None: ...


class DeviceSender:
    """Sends through connections' links; a stream whose link takes no more is forgotten."""

    def __init__(self, forget: Forget, stream_log: StreamLog) -> None:
        self._forget = forget
        self.elsewhere: tuple[str, ...] = ()
        """The other gateways, as devices reach them. Written by Introduction, as ``itself`` is."""
        self.itself: tuple[str, ...] = ()
        """This gateway, with its newest key, if connections are encrypted."""
        self._seldom = Seldom()
        self._stream_log = stream_log

    def deliver(self, peer: ClientConnection, records: Sequence[bytes], caught_up: bool) -> None:
        """Delivery records, concatenated into few frames; with ``caught_up`` the device is then
        told that it has caught up."""
        if len(records) == 1:
            is_sent = peer.link.send(records[0])
        else:
            is_sent = not records or all(map(peer.link.send, frames_of(records)))
        if not is_sent:
            self._gone(peer)
        if caught_up:
            self.send(peer, _CAUGHT_UP)

    def send(self, peer: ClientConnection, frame: bytes) -> None:
        """Any other frame of a stream."""
        if not peer.link.send(frame):
            self._gone(peer)

    def _gone(self, peer: ClientConnection) -> None:
        """Or so slow that even its link's queue is full: the outbox keeps what it is owed."""
        self._stream_log.ended(peer, "the client has gone, or does not read")
        self._forget(peer, failed=True)

    def reply(self, link: Link, call_id: int, payload: bytes, error: ChatdError | None) -> None:
        """The answer to a call. If the caller has gone meanwhile, nobody is told."""
        link.send(ServerFrame(reply=encode_reply(call_id, payload, error)).SerializeToString())

    def refuse(self, peer: ClientConnection, error: ChatdError, *, kind: str = "", hello_id: int = 0) -> None:
        """Tell a client that its frame of this kind was refused; end the stream if the error says
        so. ``hello_id`` names a Hello that was refused."""
        if error.closes:
            self.end(peer, error, refused=kind, hello_id=hello_id)
        else:
            refusal = error_to_pb(error)
            refusal.refused, refusal.hello_id = kind, hello_id
            self.send(peer, ServerFrame(error=refusal).SerializeToString())

    def lost(self, peer: ClientConnection) -> None:
        """The connection has ended, and its stream with it."""
        self._stream_log.ended(peer, "the connection ended")
        self._forget(peer, failed=not peer.said_bye)

    def end(
        self, peer: ClientConnection, error: ChatdError | None, *, refused: str = "", hello_id: int = 0
    ) -> None:
        """End the connection's stream, if it has one, and say why; None: because the device asked
        for it. ``refused`` is the kind of a frame that was refused, and ``hello_id`` names such a
        Hello; 0: the one of the stream is named."""
        hello_id = hello_id or peer.hello_id
        if isinstance(error, Superseded):
            self._say_superseded(peer, error)
        else:
            self._stream_log.ended(peer, f"{error.name}: {error}" if error is not None else "the device left")
        self._forget(peer, failed=isinstance(error, FAILURES))
        reason = Error(code=0, name="OK") if error is None else error_to_pb(error)
        reason.refused = refused
        gateways = self.elsewhere if isinstance(error, Draining) else ()
        closed = Closed(error=reason, gateways=gateways, hello_id=hello_id)
        peer.link.send(ServerFrame(closed=closed).SerializeToString())

    def _say_superseded(self, peer: ClientConnection, error: Superseded) -> None:
        """Two devices of one name take the stream from each other again and again."""
        repeated = self._seldom.due(peer.topic, time.monotonic())
        if repeated is not None:
            profile, _, device = peer.topic[:-1].decode().partition(":")
            log.info(
                "A stream was superseded",
                profile=profile,
                device=device,
                address=peer.link.origin,
                reason=str(error),
                repeated=repeated,
            )


def frames_of(records: Sequence[bytes]) -> Iterator[bytes]:
    """The records joined into frames; one that is larger by itself stays so."""
    joined: list[bytes] = []
    size = 0
    for record in records:
        if joined and size + len(record) > MAX_JOINED_BYTES:
            yield b"".join(joined)
            joined, size = [], 0
        joined.append(record)
        size += len(record)
    yield b"".join(joined)
