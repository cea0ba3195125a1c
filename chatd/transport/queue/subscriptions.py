"""Subscriptions at an encrypted XPUB, each granted or refused: a gateway gets whole topics, and no
other gateway's own.

A topic that a device's stream has is nobody's secret from a gateway that is trusted: it may ask for
the device's backlog. A subscription to the beginning of topics would bring it everything.
"""

import re
import time
from collections import Counter as Counts
from typing import Any

import structlog
import zmq

from chatd.core.counter import Counter
from chatd.core.seldom import Seldom

log = structlog.get_logger()

OWN, FENCE = b"\xff", b"\xfe"
"""First bytes of topics that are no device's: ids are UTF-8, which has neither."""
_WHOLE = re.compile(rb"[^\0-\x1f]+[\0-\x1f]")
_THERE, _GONE = b"\1", b"\0"


class GrantedSubscriptions:
    """Receives for a socket with XPUB_MANUAL, whose peers have their keys as User-Ids; one of this
    process has none. ``receive`` gives what was granted, and nothing for what was refused."""

    def __init__(self, socket: "zmq.Socket[bytes]", refused: Counter) -> None:
        self._socket = socket
        self._refused = refused
        self._holders: dict[bytes, tuple[str, int]] = {}
        """Gateway → its key, and the connections that have its own topic."""
        self._withheld: Counts[bytes] = Counts()
        """Topics → subscriptions that were refused. libzmq tells their ends too."""
        self._seldom = Seldom()
        backend: Any = super(zmq.Socket, socket)
        self._set = backend.set

    def receive(self, flags: int) -> bytes:
        """The next message of the socket. Raises zmq.Again."""
        frame = self._socket.recv(flags, copy=False)
        message = frame.bytes
        kind, topic = message[:1], message[1:]
        try:
            user = str(frame.get("User-Id"))
        except zmq.ZMQError:
            user = ""
        # The option is for the connection that the message came from: no other may be read between.
        if kind == _THERE:
            if not self._may_have(user, topic):
                self._refuse(user, topic)
                return b""
            self._set(zmq.SUBSCRIBE, topic)
        elif kind == _GONE:
            if self._was_withheld(user, topic) or not self._may_end(user, topic):
                return b""
            self._set(zmq.UNSUBSCRIBE, topic)
            self._let_go(topic)
        else:
            return b""
        return message

    def _may_have(self, user: str, topic: bytes) -> bool:
        if not _WHOLE.fullmatch(topic):
            return False
        if topic[:1] not in (OWN, FENCE):
            return True
        gateway = _gateway(topic)
        holder, connections = self._holders.get(gateway, (user, 0))
        if holder != user or (topic[:1] == FENCE and not connections):
            return False
        if topic[:1] == OWN:
            self._holders[gateway] = (user, connections + 1)
        return True

    def _refuse(self, user: str, topic: bytes) -> None:
        self._withheld[topic] += 1
        self._refused.add()
        if self._seldom.due(user, time.monotonic()) is not None:
            log.warning(
                "A gateway may not have this topic; it gets nothing", key=user, topic=ascii(topic[:80])
            )

    def _was_withheld(self, user: str, topic: bytes) -> bool:
        """A subscription has ended. libzmq does not say whose it was if its connection has. Then
        one that was refused is taken to be meant: a gateway that ends is noticed by its silence
        too."""
        if not self._withheld[topic] or (user and self._holders.get(_gateway(topic), ("", 0))[0] == user):
            return False
        self._withheld[topic] -= 1
        if not self._withheld[topic]:
            del self._withheld[topic]
        return True

    def _may_end(self, user: str, topic: bytes) -> bool:
        """False: a gateway ends another one's own topic, which it never had."""
        return not user or topic[:1] != OWN or self._holders.get(_gateway(topic), (user, 0))[0] == user

    def _let_go(self, topic: bytes) -> None:
        if topic[:1] != OWN:
            return
        gateway = _gateway(topic)
        holder, connections = self._holders.get(gateway, ("", 0))
        if connections > 1:
            self._holders[gateway] = (holder, connections - 1)
        else:
            self._holders.pop(gateway, None)


def _gateway(topic: bytes) -> bytes:
    """The gateway of its own topic, or of a fence."""
    return topic[1:-1].rpartition(b":")[0] if topic[:1] == FENCE else topic[1:-1]
