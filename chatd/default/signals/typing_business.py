"""TypingBusiness: a member is typing. It is told to the room's devices that want signals, and kept
nowhere."""

import time
from collections.abc import Callable

from chatd.core.ids import check_id
from chatd.core.model import Members
from chatd.core.rate_limit import Buckets, Rate, limited
from chatd.default.answer import Answer, Call, Caller, Read, Role
from chatd.default.part import Part
from chatd.default.rooms.members import FindMembers
from chatd.default.signals.signals import Signals
from chatd.pb.chat.v1 import chat_pb2
from chatd.store.room_log import MembersCache


class TypingBusiness:
    """``rate`` is of each profile in each room; rooms of more than ``room_limit`` members are not
    told. ``clock`` is steady, in seconds."""

    def __init__(
        self,
        signals: Signals,
        members: MembersCache,
        *,
        rate: Rate,
        room_limit: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signals = signals
        self._members = members
        self._buckets = Buckets(rate)
        self._room_limit = room_limit
        self._clock = clock
        self.part = Part(
            calls=(
                Call(
                    "ChatService/SetTyping",
                    chat_pb2.SetTypingRequest,
                    Role.USER,
                    self.set_typing,
                    is_audited=False,
                ),
            )
        )

    def set_typing(self, caller: Caller, request: chat_pb2.SetTypingRequest) -> Answer:
        """The caller types in a room, or has stopped."""
        room_id = check_id("room_id", request.room_id)
        now = self._clock()
        key = (caller.profile_id, room_id)
        wait = self._buckets.wait(key, 1, now)
        if wait > 0:
            raise limited(
                f"typing may be said {self._buckets.rate.per_second:g} times a second in a room", wait
            )
        self._buckets.charge(key, 1, now)

        def then(found: dict[str, Members]) -> chat_pb2.SetTypingResponse:
            members = found.get(room_id)
            if members is not None:
                self._signals.typing(members, caller.profile_id, request.typing)
            return chat_pb2.SetTypingResponse()

        return Read(FindMembers(self._members, (room_id,), caller.profile_id, self._room_limit), then)
