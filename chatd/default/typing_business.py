"""TypingBusiness: somebody is writing. Told to those in the room who care, kept nowhere."""

import time
from collections.abc import Callable

from chatd.core.ids import check_id
from chatd.core.model import Members
from chatd.core.rate_limit import Buckets, Rate
from chatd.default.answer import Answer, Caller, Method, Read, parse
from chatd.default.signals import Signals
from chatd.errors import RateLimited
from chatd.pb.chat.v1 import chat_pb2
from chatd.store.queries import Audience


class TypingBusiness:
    """``rate`` is of each profile in each room; rooms of more than ``room_limit`` members are not told. ``clock`` is steady, in seconds."""

    def __init__(self, signals: Signals, *, rate: Rate, room_limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._signals = signals
        self._buckets = Buckets(rate)
        self._room_limit = room_limit
        self._clock = clock
        self.methods: dict[str, Method] = {"ChatService/SetTyping": self.set_typing}

    def set_typing(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_client()
        request = parse(chat_pb2.SetTypingRequest, payload)
        room_id = check_id("room_id", request.room_id)
        now = self._clock()
        key = (caller.profile_id, room_id)
        wait = self._buckets.wait(key, 1, now)
        if wait > 0:
            error = RateLimited(f"typing may be said {self._buckets.rate.per_second:g} times a second in a room")
            error.retry_after_ms = max(1, round(wait * 1e3))
            raise error
        self._buckets.charge(key, 1, now)

        def then(found: dict[str, Members]) -> chat_pb2.SetTypingResponse:
            members = found.get(room_id)
            if members is not None:
                self._signals.typing(members, caller.profile_id, request.typing)
            return chat_pb2.SetTypingResponse()

        return Read(Audience((room_id,), caller.profile_id, self._room_limit), then)
