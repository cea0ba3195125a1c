"""Another user, in a quiet room, while somebody attacks.

A bound in milliseconds says nothing on a machine that is busy with other things, and a p99 alone is
the worst of a hundred moments of all that runs there. So a user is compared with himself in the
same run: at most three times his quiet p99, or FLOOR, below which the scheduler of two shared cores
decides and not chatd: a time slice of a few other processes, the attacker's among them. An attack
that gets through holds for as long as it goes on, noise does not. So it is enough that one of some
windows shows that he is served, and the quiet value is the larger of those before and after.
"""

import time
import uuid
from types import TracebackType
from typing import Self

from chatd.pb.chat.v1.chat_pb2 import CreateRoomRequest, SendEventsRequest
from tests.bench.measure import percentile
from tests.protocol.conversation import event
from tests.raw_peer import RawPeer

FLOOR = 0.25
TIMES = 3
PAUSE = 0.005
SECONDS = 2.0
"""Seconds of a window: some 150 rounds, so that the p99 is not the worst of them."""
WINDOWS = 5


class Bystander:
    """A device with a stream. A round is an event that it sends to its own room, is told of and
    gets delivered, and then a question. Nothing of it may be refused."""

    def __init__(self, uri: str, token: str, *, floor: float = FLOOR) -> None:
        self._floor = floor
        self._peer = RawPeer(uri, token)
        self._peer.hello("bystander")
        self._peer.hear_until("caught_up")
        self._room = f"quiet-{uuid.uuid4().hex}"
        self._shown = 0
        self._last_shown = ""
        self._ask("ChatService/CreateRoom", CreateRoomRequest(room_id=self._room))
        self._quiet = 0.0
        self._beside: list[float] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._peer.__exit__()

    def p99(self, seconds: float = SECONDS) -> float:
        """Seconds that a round takes, of those of so many seconds. Raises TimeoutError if one is
        not answered at all, AssertionError if it is refused."""
        took = []
        end = time.monotonic() + seconds
        while (began := time.monotonic()) < end:
            self._round()
            took.append(time.monotonic() - began)
            time.sleep(PAUSE)
        return percentile(sorted(took), 0.99)

    def be_quiet(self) -> None:
        """Measure him while nobody attacks, until a window is so quiet that FLOOR decides. The rest
        of an attack before is worked off meanwhile."""
        self._quiet = max(self._quiet, min(self._windows(self._floor / TIMES)))

    def watch(self) -> None:
        """Measure him while somebody attacks, until a window shows that he is served."""
        self._beside = self._windows(self._bound)

    def _windows(self, enough: float) -> list[float]:
        """The p99 of each window; the last one is good enough, if any is."""
        found: list[float] = []
        while len(found) < WINDOWS and (not found or found[-1] > enough):
            found.append(self.p99())
        return found

    def assert_served(self) -> str:
        """When the attack is over: he was served beside it. Returns what was measured."""
        best = min(self._beside)
        if best > self._bound:
            self.be_quiet()
        shown = f"p99 {1e3 * best:.1f} ms beside, {1e3 * self._quiet:.1f} ms quiet"
        assert best <= self._bound, f"{shown}; windows: {[round(1e3 * one, 1) for one in self._beside]}"
        return shown

    @property
    def _bound(self) -> float:
        return max(TIMES * self._quiet, self._floor)

    def _round(self) -> None:
        sent = event(self._room, "still here", id_=uuid.uuid4().hex)
        self._ask("ChatService/SendEvents", SendEventsRequest(events=[sent]))
        while self._last_shown != sent.event_id:
            self._hear()
        self._ask("ChatService/ListUnread")

    def _ask(self, method: str, request: CreateRoomRequest | SendEventsRequest | bytes = b"") -> None:
        self._peer.socket.sendall(self._peer.encoded_call(method, request, token=""))
        while not self._hear():
            pass

    def _hear(self) -> bool:
        """Hear a frame; True if it is the reply. Deliveries of all rooms are acknowledged."""
        frame = self._peer.hear()
        assert not frame.HasField("closed"), frame.closed.error
        assert not frame.HasField("error"), frame.error
        assert not frame.reply.HasField("error"), frame.reply.error
        if frame.deliveries:
            self._shown += len(frame.deliveries)
            self._peer.say(ack={"up_to": self._shown})
            here = [one.event for one in frame.deliveries if one.event.room_id == self._room]
            self._last_shown = here[-1].event_id if here else self._last_shown
        return frame.HasField("reply")
