"""Presence at a gateway: what its devices say of themselves, and whom its streams watch, both as
subscriptions at the default nodes.

Every node tells of a watched profile; watchers are told what they have not been told already.
"""

from collections.abc import Callable, Collection, Set

from chatd.core.ids import PRESENCE_CODES, WATCH, presence_topic
from chatd.core.presence import unseen
from chatd.core.rate_limit import Buckets, Rate, limited
from chatd.errors import InvalidArgument
from chatd.gateway.connection import ClientConnection
from chatd.pb.events.v1.signals_pb2 import PresenceState

SAYABLE = frozenset(PRESENCE_CODES) | {
    PresenceState.PRESENCE_STATE_ONLINE,
    PresenceState.PRESENCE_STATE_UNSPECIFIED,
}


class GatewayPresence:
    """``rate`` is of one device's changes. ``doubted`` is told of the topic of a profile whose
    watchers are to be asked for again."""

    def __init__(
        self,
        *,
        subscribe: Callable[[bytes], None],
        unsubscribe: Callable[[bytes], None],
        rate: Rate,
        doubted: Callable[[bytes], None],
    ) -> None:
        self._doubted = doubted
        self._subscribe = subscribe
        self._unsubscribe = unsubscribe
        self._buckets = Buckets(rate)
        self._said: dict[ClientConnection, bytes] = {}
        self._watchers: dict[bytes, set[ClientConnection]] = {}
        self._watched: dict[ClientConnection, set[bytes]] = {}
        self._last: dict[bytes, bytes] = {}
        self._missed: set[tuple[ClientConnection, bytes]] = set()

    def opened(self, peer: ClientConnection, state: PresenceState) -> None:
        """A stream is open, its device in this state."""
        if state in SAYABLE:
            self._say(peer, state)

    def change(self, peer: ClientConnection, state: PresenceState, now: float) -> None:
        """Raises InvalidArgument, RateLimited."""
        if state not in SAYABLE:
            raise InvalidArgument("a device says AWAY, BUSY or ONLINE")
        wait = self._buckets.wait(peer.topic, 1, now)
        if wait > 0:
            raise limited("presence changes too often", wait)
        self._buckets.charge(peer.topic, 1, now)
        self._say(peer, state)

    def _say(self, peer: ClientConnection, state: PresenceState) -> None:
        assert peer.stream is not None
        key = peer.stream.key
        code = PRESENCE_CODES.get(state)
        new = presence_topic(code, key.profile_id, key.device_id) if code is not None else b""
        old = self._said.pop(peer, b"")
        if new:
            self._said[peer] = new
            self._subscribe(new)
        if old:
            self._unsubscribe(old)

    def watch(self, peer: ClientConnection, profile_ids: set[str]) -> None:
        """From now on these, and no others."""
        self._watch(peer, {profile_id.encode() + WATCH for profile_id in profile_ids})

    def withdraw(self, peer: ClientConnection, topics: set[bytes]) -> None:
        """The stream may no longer watch the profiles of these topics, and is told so."""
        before = self._watched.get(peer, set())
        self._watch(peer, before - topics)
        for topic in before & topics:
            peer.link.send(unseen(topic[:-1].decode()))

    @property
    def watching(self) -> Collection[ClientConnection]:
        """Streams that watch somebody."""
        return self._watched.keys()

    def watched_by(self, peer: ClientConnection) -> Set[bytes]:
        """The topics of the profiles that a stream watches."""
        return self._watched.get(peer, frozenset())

    def watchers_of(self, topic: bytes) -> Set[ClientConnection]:
        """The streams that watch the profile of a topic."""
        return self._watchers.get(topic, frozenset())

    def _watch(self, peer: ClientConnection, wanted: set[bytes]) -> None:
        before = self._watched.pop(peer, set())
        if wanted:
            self._watched[peer] = wanted
        for topic in wanted - before:
            watchers = self._watchers.setdefault(topic, set())
            watchers.add(peer)
            if len(watchers) == 1:
                self._subscribe(topic)
        for topic in before - wanted:
            self._watchers[topic].discard(peer)
            if not self._watchers[topic]:
                del self._watchers[topic]
                self._last.pop(topic, None)
                self._unsubscribe(topic)

    def ended(self, peer: ClientConnection) -> None:
        """The stream has ended."""
        self.watch(peer, set())
        said = self._said.pop(peer, b"")
        if said:
            self._unsubscribe(said)

    def heard(self, topic: bytes, frame: bytes) -> None:
        """A node tells how a profile is, or that not all its watchers may watch it any more."""
        watchers = self._watchers.get(topic)
        if frame == unseen(topic[:-1].decode()):
            self._doubted(topic)
            return
        if not watchers or self._last.get(topic) == frame:
            return
        self._last[topic] = frame
        for peer in watchers:
            if not peer.link.send(frame):
                self._missed.add((peer, topic))

    def repair(self) -> None:
        """Tell those again who could not be told."""
        missed, self._missed = self._missed, set()
        for peer, topic in missed:
            frame = self._last.get(topic)
            if frame is not None and peer in self._watchers.get(topic, ()) and not peer.link.send(frame):
                self._missed.add((peer, topic))
