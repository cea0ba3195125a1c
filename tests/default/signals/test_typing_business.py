"""Typing is limited: when the time that is told is over, it may be said again."""

import pytest

from chatd.core.ids import SIGNALS
from chatd.core.online import OnlineTable
from chatd.core.rate_limit import Rate
from chatd.default.answer import Caller
from chatd.default.signals.signals import Signals
from chatd.default.signals.typing_business import TypingBusiness
from chatd.errors import RateLimited
from chatd.pb.chat.v1.chat_pb2 import SetTypingRequest
from chatd.store.room_log import MembersCache


@pytest.mark.parametrize("per_second", [0.3, 1.7, 2.44, 3.0, 7.0, 2_000.0])
def test_who_waits_as_told_may_type_again(per_second: float) -> None:
    now = 1_000.0
    signals = Signals(OnlineTable(SIGNALS), lambda topics, body: None, busy=lambda: False, flush=0.05)
    typing = TypingBusiness(
        signals, MembersCache(), rate=Rate(per_second, 1), room_limit=10, clock=lambda: now
    )
    alice, request = Caller("alice"), SetTypingRequest(room_id="r", typing=True)
    for _ in range(20):
        typing.set_typing(alice, request)
        now += 0.0001
        with pytest.raises(RateLimited) as refused:
            typing.set_typing(alice, request)
        now += refused.value.retry_after_ms / 1e3
