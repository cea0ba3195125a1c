"""PresenceBusiness: how watched profiles are, told to the gateways that watch them; and asked for.
It is kept nowhere."""

import time
from collections.abc import Callable, Sequence

from chatd.core.counter import Counter
from chatd.core.ids import STATES, WATCH, check_id, split_presence, split_topic, split_watch
from chatd.core.presence import PresenceBoard, unseen
from chatd.core.wire import signal_record
from chatd.default.answer import Answer, Call, Caller, Read, Role
from chatd.default.part import Part
from chatd.default.rooms.members import ShareRoom
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.events.v1.signals_pb2 import Presence, PresenceState, Signal

TICK_SECONDS = 0.1
"""Between two looks at which changes have settled."""
MAX_ASKED = 100
MAX_WATCHED = 1_000


class PresenceBusiness:
    """``publish`` sends a body to topics; ``clock`` is steady, in seconds."""

    def __init__(
        self,
        board: PresenceBoard,
        publish: Callable[[Sequence[bytes], bytes], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board = board
        self._publish = publish
        self._clock = clock
        self._changes = Counter("presence_changes", "changes of presence told to gateways")
        self.part = Part(
            calls=(
                Call("ChatService/GetPresence", chat_pb2.GetPresenceRequest, Role.USER, self.get_presence),
                Call(
                    "ChatService/WatchPresence",
                    chat_pb2.WatchPresenceRequest,
                    Role.USER,
                    self.watch_presence,
                    is_audited=False,  # gateways make it again and again by themselves
                ),
            ),
            every=((TICK_SECONDS, self.tick),),
            counters=(self._changes,),
        )

    def on_device(self, topic: bytes, there: bool) -> None:
        """A device's topic for deliveries came or went."""
        ids = split_topic(topic)
        if ids is not None:
            self._board.changed(ids[0], self._clock())

    def on_state(self, topic: bytes, there: bool) -> None:
        """A device's statement of how reachable it is came or went."""
        found = split_presence(topic)
        if found is not None:
            code, profile_id, device_id = found
            note = self._board.state if there else self._board.clear_state
            note(profile_id, device_id, STATES[code], self._clock())

    def on_watch(self, topic: bytes, there: bool) -> None:
        """A gateway begins or ceases to watch a profile."""
        profile_id = split_watch(topic)
        if profile_id is not None:
            note = self._board.watch if there else self._board.unwatch
            note(profile_id)

    def on_heard(self, topic: bytes) -> None:
        """Tell a gateway how a profile is, now that the profile's topic reaches it."""
        profile_id = split_watch(topic)
        if profile_id is not None:
            self._tell(profile_id, self._board.known_of(profile_id))

    def left(self, profile_ids: Sequence[str]) -> None:
        """Profiles have left a room: gateways ask again for those who watch them."""
        for profile_id in profile_ids:
            self._publish((profile_id.encode() + WATCH,), unseen(profile_id))

    def tick(self) -> None:
        """Tell what has settled."""
        for profile_id, state in self._board.settled(self._clock()):
            self._changes.add()
            self._tell(profile_id, state)

    def _tell(self, profile_id: str, state: PresenceState) -> None:
        signal = Signal(presence=Presence(profile_id=profile_id, state=state))
        self._publish((profile_id.encode() + WATCH,), signal_record(signal.SerializeToString()))

    def get_presence(self, caller: Caller, request: chat_pb2.GetPresenceRequest) -> Answer:
        """Answer for the profiles that share a room with the caller."""
        return self._answer(
            caller,
            request.profile_ids,
            MAX_ASKED,
            1,
            lambda found: chat_pb2.GetPresenceResponse(presences=found),
        )

    def watch_presence(self, caller: Caller, request: chat_pb2.WatchPresenceRequest) -> Answer:
        """The profiles that the caller may watch, and how they are; the gateway that asks on a
        stream's behalf does the rest."""
        return self._answer(
            caller,
            request.profile_ids,
            MAX_WATCHED,
            0,
            lambda found: chat_pb2.WatchPresenceResponse(presences=found),
        )

    def _answer(
        self,
        caller: Caller,
        asked: Sequence[str],
        most: int,
        least: int,
        to_response: Callable[
            [list[Presence]], chat_pb2.GetPresenceResponse | chat_pb2.WatchPresenceResponse
        ],
    ) -> Answer:
        asked = tuple(dict.fromkeys(check_id("profile_id", one) for one in asked))
        if not least <= len(asked) <= most:
            raise InvalidArgument(f"{len(asked)} profiles; a request names {least} to {most}")

        def then(allowed: frozenset[str]) -> chat_pb2.GetPresenceResponse | chat_pb2.WatchPresenceResponse:
            return to_response(
                [Presence(profile_id=one, state=self._board.known_of(one)) for one in asked if one in allowed]
            )

        return Read(ShareRoom(caller.profile_id, asked, caller.sees_all), then)
