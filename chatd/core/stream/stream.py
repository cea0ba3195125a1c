"""One device's stream at a gateway, without any I/O: what to send, what to pull, what was acknowledged.

What is published goes straight through while the stream is LIVE and the window has room. Everything else (a gap, a
full window, a notice that something may have been missed) makes it CATCHING_UP: it then pulls from the outbox, which is the only
buffer a slow device has. While a pull is under way, what is published is held back, at most a window of it, and joined on afterwards.

What is urgent does not wait for that: if it is next in its room it goes out at once, in the part that a window has more for it; if not, it
is pulled before anything else.

The oldest delivery in flight is the one that may have failed: when its time is up it is counted as failed, then pulled and sent once more.
"""

from chatd.core.model import Owed, OwedRun, Pull, StreamKey
from chatd.core.stream.pending_acks import PendingAcks
from chatd.core.stream.published import Published
from chatd.core.stream.redelivery import AckTimer
from chatd.core.stream.state import TRANSITIONS, StreamChange, StreamState
from chatd.core.stream.urgent import Overtaking, Place
from chatd.core.stream.window import RunKind, Window
from chatd.errors import NotInFlight, Superseded


class DeviceStream:
    """``wants_pull`` tells the driver to call ``begin_pull``; all frames returned are to be sent in order."""

    __slots__ = (
        "_ack_timer",
        "_again",
        "_alone",
        "_asked_again",
        "_caught_up_once",
        "_cursors_known",
        "_held",
        "_held_bytes",
        "_missed",
        "_overtaking",
        "_pulling",
        "_resend",
        "_sent",
        "_urgent_owed",
        "_urgent_pull",
        "key",
        "pending_acks",
        "plain",
        "state",
        "wants_pull",
        "window",
    )

    def __init__(self, key: StreamKey, *, window_messages: int, window_bytes: int, plain: bool = False) -> None:
        self.key = key
        self.plain = plain
        """The device does not understand compressed payloads: the driver publishes plain ones to it, and pulls bring them."""
        self.state = StreamState.CATCHING_UP
        self.window = Window(window_messages, window_bytes)
        self.wants_pull = True
        self._sent: dict[str, int] = {}
        self.pending_acks = PendingAcks(key)
        self._resend = False
        self._again: tuple[str, int] | None = None
        self._asked_again: tuple[str, int] | None = None
        self._ack_timer = AckTimer()
        self._alone = 0  # deliveries in flight at most while suspects are about; 0: as the window allows
        self._held: list[Published] = []
        self._held_bytes = 0
        self._missed = False
        self._pulling = False
        self._overtaking = Overtaking(self.window)
        self._urgent_owed = False  # as far as is known; the next pull brings it if it can
        self._urgent_pull = False
        self._cursors_known = False
        self._caught_up_once = False

    def offer(self, message: Published) -> bool:
        """Take a queue message; True: send its records now."""
        if self.state is StreamState.LIVE:
            sent = self._sent
            for room_id, first_seq, _ in message.runs:
                if sent.get(room_id, -1) + 1 != first_seq:
                    break
            else:
                if self.window.fits(message.events, len(message.records), urgent=message.urgent):
                    self._accept(message)
                    return True
            if self._is_repeat(message):
                return False
            self._urgent_owed = message.urgent
            self.fall_behind()
            return False
        if message.urgent and self.state is StreamState.CATCHING_UP:
            return self._offer_urgent(message)
        if self._pulling:
            self._hold(message)
        return False

    def _offer_urgent(self, message: Published) -> bool:
        """The same while something else is owed."""
        if self._follows(message) and not self._alone:
            if self._pulling:
                fits = self._overtaking.is_possible(message.events, len(message.records))
            else:
                fits = self.window.fits(message.events, len(message.records), urgent=True)
            if fits:
                self._overtaking.went(run.room_id for run in message.runs)
                self._accept(message)
                return True
        if self._is_repeat(message):
            return False
        if self._pulling:
            self._hold(message)
        else:
            self._urgent_owed = self.wants_pull = True
        return False

    def _follows(self, message: Published) -> bool:
        return all(self._sent.get(room_id, -1) + 1 == first_seq for room_id, first_seq, _ in message.runs)

    def _accept(self, message: Published) -> None:
        for index, (room_id, first_seq, last_seq) in enumerate(message.runs, 1):
            self._sent[room_id] = last_seq
            # A message's bytes are counted with its last run: they are freed a little late, never early.
            self.window.add(room_id, first_seq, last_seq, len(message.records) if index == len(message.runs) else 0)

    def _is_repeat(self, message: Published) -> bool:
        return all(run.last_seq <= self._sent.get(run.room_id, -1) for run in message.runs)

    def _hold(self, message: Published) -> None:
        if self._held_bytes + len(message.records) > self.window.max_bytes:
            self._miss(message)
            return
        self._held.append(message)
        self._held_bytes += len(message.records)

    def _miss(self, message: Published) -> None:
        self._missed = True
        self._urgent_owed = self._urgent_owed or message.urgent

    def fall_behind(self) -> None:
        """Something may be owed that nobody will publish: pull."""
        self._change(StreamChange.FELL_BEHIND)
        if self._pulling:
            self._missed = True
        else:
            self.wants_pull = True

    def begin_pull(self) -> Pull | None:
        """What to ask the outbox for, or None when the window has no room yet (an ack will make ``wants_pull`` true)."""
        self.wants_pull = False
        normal = bool(self._again) or self._has_room
        if self._pulling or self.state is not StreamState.CATCHING_UP or not (normal or self._has_urgent_room):
            return None
        self._pulling = True
        self._missed = self._urgent_owed = False
        self._urgent_pull = not normal
        self._asked_again = self._again
        ahead = self.window.rooms() | self.pending_acks.rooms()
        messages, size = self.window.free_messages, self.window.free_bytes
        if normal:
            messages, size = self.window.free_normal_messages, self.window.free_normal_bytes
        if self._alone:
            messages = min(messages, self._alone)
        self._overtaking.begin(messages, size)
        return Pull(
            stream=self.key,
            sent={room_id: self._sent[room_id] for room_id in ahead},
            max_messages=messages,
            max_bytes=size,
            first_may_exceed=self.window.empty,
            want_cursors=not self._cursors_known,
            again=self._again,
            plain=self.plain,
            urgent_only=self._urgent_pull,
        )

    @property
    def _has_room(self) -> bool:
        """Whether a pull may bring something."""
        return self.window.empty if self._alone else self.window.half_free

    @property
    def _has_urgent_room(self) -> bool:
        """Whether a pull of urgent events alone may bring something."""
        return self._urgent_owed and not self._alone and self.window.free_messages > 0 and self.window.free_bytes > 0

    def pulled(self, owed: Owed) -> tuple[list[bytes], bool]:
        """Take the answer to a pull: frames to send, and whether the device is to be told that it has caught up.

        Raises Superseded when the device has a newer stream.
        """
        if owed.superseded:
            raise Superseded("a newer stream of this device is open")
        self._pulling = False
        if self._asked_again is not None:
            self._again = None
        if owed.alone:
            self._alone = 1
        frames = [run.records for run in owed.runs if self._take(run, alone=owed.alone)]
        for room_id, seq in owed.cursors.items():
            self._sent.setdefault(room_id, seq)
        # The other rooms have something owed, and are known when it has been sent.
        self._cursors_known = self._cursors_known or not owed.alone
        frames += self._release_held()
        if owed.more or self._missed or self._urgent_pull:
            # What does not fit although more is owed waits for the next ack.
            self.wants_pull = self._again is not None or (self._has_room and bool(owed.runs or not owed.more)) or self._has_urgent_room
            if self._urgent_pull and owed.runs:
                self._urgent_owed = True  # perhaps more than there was room for: the next ack will tell
            return frames, False
        self._alone = 0
        self._change(StreamChange.CAUGHT_UP)
        first = not self._caught_up_once
        self._caught_up_once = True
        return frames, first

    def _take(self, run: OwedRun, *, alone: bool) -> bool:
        """Count a run that was pulled; False: it is not to be sent."""
        if run.again:
            self.window.add(run.room_id, run.first_seq, run.last_seq, len(run.records), kind=RunKind.AGAIN)
            if run.skipped and self.window.at(self.window.acked + 1) == (run.room_id, run.last_seq):
                # Given up: the marker is on its way, and the first copy no longer holds up what is behind it. The cursor stays until a later ack.
                self.window.ack(self.window.acked + 1)
            return True
        if run.replay:
            if (run.room_id, run.last_seq) in self.window.replays() | self.pending_acks.replays():
                return False
            self.window.add(run.room_id, run.first_seq, run.last_seq, len(run.records), kind=RunKind.REPLAY)
            return True
        place = self._overtaking.place_of(run, self._sent.get(run.room_id, -1), alone=alone)
        if place is not Place.FREE:
            self._missed = self._missed or place is Place.LOST
            return False
        self._sent[run.room_id] = run.last_seq
        self.window.add(run.room_id, run.first_seq, run.last_seq, len(run.records), marker=run.skipped)
        return True

    def _release_held(self) -> list[bytes]:
        held, self._held, self._held_bytes = self._held, [], 0
        frames = []
        for message in held:
            if self._is_repeat(message):
                continue
            if self._follows(message) and self.window.fits(message.events, len(message.records), urgent=message.urgent):
                self._accept(message)
                frames.append(message.records)
            else:
                self._miss(message)
        return frames

    def pull_failed(self) -> None:
        """The pull got no answer; another one is wanted."""
        self._pulling = False
        self._urgent_owed = self._urgent_owed or self._urgent_pull or any(message.urgent for message in self._held)
        self._held.clear()
        self._held_bytes = 0
        self.wants_pull = self.state is StreamState.CATCHING_UP

    def ack(self, up_to: int) -> None:
        """The device has handled the first ``up_to`` deliveries. Raises AckAhead."""
        self.pending_acks.handled(self.window.ack(up_to))
        while self.window.replayed:
            self.pending_acks.replay_handled(*self.window.replayed.pop(0))
        if self._alone and self.window.empty:
            self._alone = self._alone * 2 if self._alone * 2 < self.window.max_messages else 0
        if self.state is StreamState.CATCHING_UP and not self._pulling and (self._has_room or self._has_urgent_room):
            self.wants_pull = True

    def reject(self, delivery: int, reason: str) -> None:
        """The device will never handle this delivery. Raises NotInFlight."""
        found = self.window.at(delivery)
        if found is None:
            raise NotInFlight(f"delivery {delivery} is not in flight: {self.window.acked} are acknowledged, {self.window.sent} were sent")
        self.pending_acks.rejected(*found, reason)

    def overdue(self, now: float, first: float) -> bool:
        """Whether the oldest delivery in flight has been so for ``first`` seconds, doubled each time that was so. To be asked now and then."""
        return self._ack_timer.is_over(acked=self.window.acked, in_flight=not self.window.empty, now=now, first=first)

    def oldest_failed(self, *, send_again: bool) -> bool:
        """Count the oldest delivery in flight as failed, with the next acks; then send it again. False: nothing is in flight."""
        head = self.window.at(self.window.acked + 1)
        if head is not None:
            self.pending_acks.failed(*head)
            self._resend = send_again
        return head is not None

    def acks_written(self) -> None:
        """What was taken of the receipts is in the database; if a failure was among it, its delivery is pulled once more."""
        written = self.pending_acks.written()
        if written is None or written.failed is None or not self._resend or self.state is StreamState.CLOSED:
            return
        if self.window.at(self.window.acked + 1) == written.failed:
            self._again = written.failed
            self.fall_behind()

    def close(self) -> None:
        self._change(StreamChange.ENDED)
        self.wants_pull = False

    def _change(self, change: StreamChange) -> None:
        self.state = TRANSITIONS[self.state, change]
