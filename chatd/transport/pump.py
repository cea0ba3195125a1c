"""One socket on the event loop, drained by hand.

zmq.asyncio costs five times as much (78k against 385k messages/s). The FD libzmq offers is
edge-triggered: it is read until EAGAIN, and looked at again after anything was sent.
"""

import asyncio
import errno
from collections.abc import Callable, Sequence
from typing import Any

import zmq

Message = list[bytes]

_NOBLOCK = int(zmq.NOBLOCK)
_NOBLOCK_MORE = int(zmq.NOBLOCK) | int(zmq.SNDMORE)
_RCVMORE, _EVENTS, _POLLIN, _POLLOUT = int(zmq.RCVMORE), int(zmq.EVENTS), int(zmq.POLLIN), int(zmq.POLLOUT)
_BATCH_BYTES = 16 * 1_048_576
_LOOKS = 2
"""Messages behind each of which the socket is asked for another: most come alone, and an exception
takes twice as long as an answer."""


class PeerGone(Exception):
    """The ROUTER's peer has disconnected."""


class PeerFull(Exception):
    """The peer's queue is at its high-water mark (or nobody is connected yet): nothing was sent."""


class Pump:
    """Reads a socket in batches and sends on it without blocking.

    ``on_batch`` gets 1 to ``max_batch`` messages, of some 16 MiB, then other sockets have their
    turn. It must not raise. ``frames`` is how many every message has, where the peers are chatd's
    own: then libzmq need not be asked after each. ``on_lost`` is called when a connecting socket
    (one peer, IMMEDIATE) no longer has anybody to send to; at least once, while that is so.
    ``receive`` reads a frame in place of the socket itself.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        socket: "zmq.Socket[bytes]",
        on_batch: Callable[[list[Message]], None],
        *,
        max_batch: int = 1000,
        frames: int = 0,
        on_lost: Callable[[], None] | None = None,
        receive: Callable[[int], bytes] | None = None,
    ) -> None:
        self._loop = loop
        self.socket = socket
        self._on_batch = on_batch
        self._max_batch = max_batch
        self._more = range(frames - 1) if frames else None
        self._on_lost = on_lost
        self._was_writable = False
        self._check_scheduled = False
        self._paused = False
        # The backend's own methods: pyzmq's wrappers around them cost as much again as the work
        # (enum flags, keyword checks).
        backend: Any = super(zmq.Socket, socket)
        self._receive: Callable[[int], bytes] = receive or backend.recv
        self._send: Callable[[bytes, int], None] = backend.send
        self._option: Callable[[int], int] = backend.get
        self._fd = int(socket.get(zmq.FD))
        self._closed = False
        loop.add_reader(self._fd, self._drain)
        self.look_again()

    def _drain(self) -> None:
        if self._closed or self._paused:
            return
        receive, option, more = self._receive, self._option, self._more
        batch: list[Message] = []
        left, room = self._max_batch, _BATCH_BYTES
        looks = _LOOKS
        try:
            while left and room > 0:
                if batch and looks:
                    looks -= 1
                    if not option(_EVENTS) & _POLLIN:
                        break
                left -= 1
                message = [receive(_NOBLOCK)]
                if more is None:
                    while option(_RCVMORE):
                        message.append(receive(_NOBLOCK))
                else:
                    for _ in more:
                        message.append(receive(_NOBLOCK))
                batch.append(message)
                room -= len(message[-1])
        except zmq.Again:
            pass
        else:
            self.look_again()
        if batch:
            self._on_batch(batch)
        elif self._on_lost is not None:
            self._look_for_peer(self._on_lost)

    def _look_for_peer(self, on_lost: Callable[[], None]) -> None:
        """Woken with nothing to read: that is also how libzmq says that a connection came or
        went."""
        writable = self.is_writable
        lost, self._was_writable = self._was_writable and not writable, writable
        if lost:
            on_lost()

    def look_again(self) -> None:
        """Look for messages in the next turn: whatever is called on the socket may have used up the
        only sign of one."""
        if not self._check_scheduled and not self._closed:
            self._check_scheduled = True
            self._loop.call_soon(self._check)

    def _check(self) -> None:
        self._check_scheduled = False
        if self._closed:
            return
        if self._option(_EVENTS) & _POLLIN:
            self._drain()
        elif self._on_lost is not None:
            self._look_for_peer(self._on_lost)

    @property
    def is_writable(self) -> bool:
        """True if there is a peer, and room for another message to it."""
        events = self._option(_EVENTS)
        if events & _POLLIN:
            self.look_again()  # it came between the last look and this one, and the FD will not say so again
        return bool(events & _POLLOUT)

    def send(self, frames: Sequence[bytes]) -> None:
        """Send one message now. Raises PeerGone or PeerFull; then nothing was sent."""
        send, last = self._send, len(frames) - 1
        try:
            for frame in frames[:last]:
                send(frame, _NOBLOCK_MORE)
            send(frames[last], _NOBLOCK)
        except zmq.Again as exc:
            self.look_again()
            raise PeerFull from exc
        except zmq.ZMQError as exc:
            self.look_again()  # the attempt, too, may have used up the only sign of a message
            if exc.errno == errno.EHOSTUNREACH:
                raise PeerGone from exc
            raise
        self._was_writable = True
        if not self._check_scheduled:
            self.look_again()

    def publish(self, frame: bytes) -> None:
        """Publish one frame. A PUB socket never refuses; it drops for the peer that is too slow."""
        self._send(frame, _NOBLOCK)
        if not self._check_scheduled:
            self.look_again()

    def pause(self) -> None:
        """Stop reading; what peers send waits in their queues."""
        self._paused = True

    def close(self, linger_ms: int = 0) -> None:
        """Stop reading and close; what was sent may take ``linger_ms`` to leave."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._fd)
            self.socket.close(linger_ms)
