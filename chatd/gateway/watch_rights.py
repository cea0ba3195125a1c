"""WatchRights: whether streams may still watch whom they watch. A node is asked again when a
membership has ended, and now and then for what was lost on the way."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from chatd.core.ids import WATCH
from chatd.core.stream import DeviceStream
from chatd.errors import ChatdError
from chatd.gateway.connection import ClientConnection
from chatd.gateway.presence import GatewayPresence
from chatd.pb.chat.v1.chat_pb2 import WatchPresenceRequest, WatchPresenceResponse
from chatd.pb.node.v1.node_pb2 import Caller

PERIOD = 1.0
"""Seconds between two looks."""
ROUND = 300
"""Looks in which every stream that watches is asked for once, whatever was heard."""
AT_ONCE = 200
"""Streams asked for in one look; the others wait for the next."""


class Ask(Protocol):
    """Calls a default node for a client (``Backend.forward``)."""

    def __call__(
        self,
        method: str,
        payload: bytes,
        caller: Caller | None,
        on_reply: Callable[[bytes, ChatdError | None], None],
        *,
        affinity: str = "",
    ) -> None: ...


class WatchRights:
    """Made early: ``presence`` is given when it is there."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._doubts: dict[ClientConnection, set[bytes]] = {}
        self._round: list[ClientConnection] = []
        self._looks_left = 0

    def begin(self, presence: GatewayPresence) -> None:
        """The watchers are these."""
        self._presence = presence

    def doubt_watchers(self, topic: bytes) -> None:
        """Somebody may no longer watch the profile of this topic."""
        for peer in self._presence.watchers_of(topic):
            self._doubts.setdefault(peer, set()).add(topic)

    def doubt_stream(self, peer: ClientConnection) -> None:
        """The stream may no longer watch some of those whom it watches."""
        watched = self._presence.watched_by(peer)
        if watched:
            self._doubts.setdefault(peer, set()).update(watched)

    def tick(self) -> None:
        """Ask for some of the doubted."""
        if not self._looks_left:
            self._round, self._looks_left = list(self._presence.watching), ROUND
        for _ in range(len(self._round) // self._looks_left):
            self.doubt_stream(self._round.pop())
        self._looks_left -= 1
        for peer in list(self._doubts)[:AT_ONCE]:
            self._ask_for(peer, self._doubts.pop(peer))

    def _ask_for(self, peer: ClientConnection, topics: set[bytes]) -> None:
        topics = topics & self._presence.watched_by(peer)
        if not topics or peer.stream is None or peer.identity is None:
            return
        request = WatchPresenceRequest(profile_ids=sorted(topic[:-1].decode() for topic in topics))
        self._ask(
            "ChatService/WatchPresence",
            request.SerializeToString(),
            peer.identity.to_caller(),
            partial(self._answered, peer, peer.stream, topics),
            affinity=peer.identity.profile_id,
        )

    def _answered(
        self,
        peer: ClientConnection,
        stream: DeviceStream,
        topics: set[bytes],
        payload: bytes,
        error: ChatdError | None,
    ) -> None:
        if peer.stream is not stream:
            return
        if error is not None:
            self._doubts.setdefault(peer, set()).update(topics)
            return
        presences = WatchPresenceResponse.FromString(payload).presences
        self._presence.withdraw(peer, topics - {one.profile_id.encode() + WATCH for one in presences})
