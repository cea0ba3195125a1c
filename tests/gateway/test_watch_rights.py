"""Streams that may no longer watch a profile do so no longer."""

from typing import Any

import pytest

from chatd.core.ids import WATCH
from chatd.core.model import StreamKey
from chatd.core.presence import unseen
from chatd.core.rate_limit import Rate
from chatd.core.stream import DeviceStream
from chatd.core.wire import signal_record
from chatd.errors import ChatdError, Unavailable
from chatd.gateway.authentication.identity import Identity
from chatd.gateway.connection import ClientConnection
from chatd.gateway.presence import GatewayPresence
from chatd.gateway.watch_rights import AT_ONCE, ROUND, WatchRights
from chatd.pb.chat.v1.chat_pb2 import WatchPresenceRequest, WatchPresenceResponse
from chatd.pb.events.v1.signals_pb2 import Presence, PresenceState, Signal
from tests.gateway.links import KeptLink

ONLINE = PresenceState.PRESENCE_STATE_ONLINE


class Rig:
    """Streams, and a node that knows who may watch whom."""

    def __init__(self) -> None:
        self.rights = WatchRights(self.ask)
        self.subscribed: list[bytes] = []
        self.presence = GatewayPresence(
            subscribe=self.subscribed.append,
            unsubscribe=self.subscribed.remove,
            rate=Rate(1, 1),
            doubted=self.rights.doubt_watchers,
        )
        self.rights.begin(self.presence)
        self.allowed: dict[str, set[str]] = {}
        self.asked: list[tuple[str, list[str]]] = []
        self.error: ChatdError | None = None

    def ask(self, method: str, payload: bytes, caller: Any, on_reply: Any, *, affinity: str = "") -> None:
        assert method == "ChatService/WatchPresence"
        wanted = list(WatchPresenceRequest.FromString(payload).profile_ids)
        self.asked.append((caller.profile_id, wanted))
        allowed = [one for one in wanted if one in self.allowed[caller.profile_id]]
        response = WatchPresenceResponse(presences=[Presence(profile_id=one) for one in allowed])
        on_reply(b"" if self.error else response.SerializeToString(), self.error)

    def come(self, profile: str, *watched: str) -> ClientConnection:
        peer = ClientConnection(KeptLink(), 0.0)
        peer.identity = Identity(profile)
        peer.stream = DeviceStream(
            StreamKey(profile, "d", 1), window_messages=8, window_bytes=1_024, plain=True
        )
        self.allowed[profile] = set(watched)
        self.presence.watch(peer, set(watched))
        return peer


def told(peer: ClientConnection) -> list[tuple[str, int]]:
    assert isinstance(peer.link, KeptLink)
    return [
        (one.presence.profile_id, one.presence.state) for frame in peer.link.heard() for one in frame.signals
    ]


def say(rig: Rig, profile: str, state: PresenceState) -> None:
    signal = Signal(presence=Presence(profile_id=profile, state=state))
    rig.presence.heard(profile.encode() + WATCH, signal_record(signal.SerializeToString()))


def test_watchers_of_a_profile_that_left_are_asked_for_and_told() -> None:
    rig = Rig()
    eve, carol = rig.come("eve", "bob", "dan"), rig.come("carol", "bob")
    rig.allowed["eve"] = {"dan"}
    rig.presence.heard(b"bob" + WATCH, unseen("bob"))
    assert told(eve) == told(carol) == []
    rig.rights.tick()
    assert ("eve", ["bob"]) in rig.asked or ("eve", ["bob", "dan"]) in rig.asked
    assert told(eve) == [("bob", 0)]
    say(rig, "bob", ONLINE)
    say(rig, "dan", ONLINE)
    assert (told(eve), told(carol)) == ([("dan", ONLINE)], [("bob", ONLINE)])


def test_a_profile_that_left_watches_nobody_that_it_may_not() -> None:
    rig = Rig()
    eve = rig.come("eve", "bob", "dan")
    rig.allowed["eve"] = set()
    rig.rights.doubt_stream(eve)
    rig.rights.tick()
    assert sorted(told(eve)) == [("bob", 0), ("dan", 0)]
    assert rig.subscribed == []
    say(rig, "bob", ONLINE)
    assert told(eve) == []


def test_a_node_that_does_not_answer_is_asked_again() -> None:
    rig = Rig()
    eve = rig.come("eve", "bob")
    rig.allowed["eve"], rig.error = set(), Unavailable("no node")
    rig.rights.doubt_stream(eve)
    rig.rights.tick()
    assert told(eve) == []
    rig.error = None
    rig.rights.tick()
    assert told(eve) == [("bob", 0)]


@pytest.mark.parametrize("count", [3, 2 * ROUND])
def test_every_stream_is_asked_for_now_and_then(count: int) -> None:
    """The message that tells of a membership's end may have been lost on the way."""
    rig = Rig()
    peers = [rig.come(f"p{number}", "bob") for number in range(count)]
    for allowed in rig.allowed.values():
        allowed.clear()
    for _ in range(ROUND):
        rig.rights.tick()
        assert len(rig.asked) <= AT_ONCE
        rig.asked.clear()
    assert all(told(peer) == [("bob", 0)] for peer in peers)


def test_many_are_asked_for_a_part_at_a_time_and_those_that_ended_are_not() -> None:
    rig = Rig()
    peers = [rig.come(f"p{number}", "bob") for number in range(AT_ONCE + 50)]
    rig.presence.heard(b"bob" + WATCH, unseen("bob"))
    rig.presence.ended(peers[0])
    rig.rights.tick()
    assert AT_ONCE - 1 <= len(rig.asked) <= AT_ONCE
    rig.rights.tick()
    assert {profile for profile, _ in rig.asked} >= {f"p{number}" for number in range(1, AT_ONCE + 50)}
    assert "p0" not in {profile for profile, _ in rig.asked}
