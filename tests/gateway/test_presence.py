"""A device says how reachable it is, within limits: when the time that is told is over, it may say
so again."""

import pytest

from chatd.core.model import StreamKey
from chatd.core.rate_limit import Rate
from chatd.core.stream import DeviceStream
from chatd.errors import RateLimited
from chatd.gateway.connection import ClientConnection
from chatd.gateway.presence import GatewayPresence
from chatd.pb.events.v1.signals_pb2 import PresenceState
from tests.gateway.links import KeptLink


@pytest.mark.parametrize("per_minute", [7.0, 30.0, 61.0, 130.0])
def test_who_waits_as_told_may_change_again(per_minute: float) -> None:
    heard: list[bytes] = []
    presence = GatewayPresence(
        subscribe=heard.append,
        unsubscribe=heard.remove,
        rate=Rate(per_minute / 60, 1),
        doubted=lambda topic: None,
    )
    peer = ClientConnection(KeptLink(), 0.0)
    peer.stream = DeviceStream(
        StreamKey("bob", "phone", 1), window_messages=8, window_bytes=1_024, plain=True
    )
    now = 1_000.0
    for state in [PresenceState.PRESENCE_STATE_AWAY, PresenceState.PRESENCE_STATE_BUSY] * 10:
        presence.change(peer, state, now)
        now += 0.0001
        with pytest.raises(RateLimited) as refused:
            presence.change(peer, state, now)
        now += refused.value.retry_after_ms / 1e3
    assert len(heard) == 1
