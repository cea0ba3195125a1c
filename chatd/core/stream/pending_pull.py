"""A pull from its request to its answer: the messages held meanwhile, and the frames to send in the
end."""

from chatd.core.model import Owed, OwedRun, Pull
from chatd.core.stream.pending_acks import PendingAcks
from chatd.core.stream.published import Published
from chatd.core.stream.sent import Sent
from chatd.core.stream.urgent import Overtaking, Place
from chatd.core.stream.window import RunKind
from chatd.errors import StreamUnknown


class PendingPull:
    """Messages that are offered meanwhile are held, a window's bytes at most; beyond that they are
    missed."""

    __slots__ = (
        "_held",
        "_pending_acks",
        "_sent",
        "again",
        "held_bytes",
        "missed",
        "missed_urgent",
        "overtaking",
        "urgent_only",
    )

    def __init__(self, request: Pull, sent: Sent, pending_acks: PendingAcks) -> None:
        self.again = request.again
        self.urgent_only = request.urgent_only
        self.overtaking = Overtaking(sent.window, request.max_messages, request.max_bytes)
        self._sent = sent
        self._pending_acks = pending_acks
        self._held: list[Published] = []  # in the order they were offered
        self.held_bytes = 0
        self.missed = False
        """Something is owed that the answer does not bring: another pull must follow."""
        self.missed_urgent = False
        """Something urgent is among it."""

    def hold(self, message: Published) -> None:
        """Keep a message, to be joined on behind the answer."""
        if self.held_bytes + len(message.records) > self._sent.window.max_bytes:
            self.miss(urgent=message.urgent)
            return
        self._held.append(message)
        self.held_bytes += len(message.records)

    def miss(self, *, urgent: bool = False) -> None:
        """Note that another pull must follow."""
        self.missed = True
        self.missed_urgent = self.missed_urgent or urgent

    def fail(self) -> None:
        """There will be no answer: what was asked for and what was held is missed."""
        self.miss(urgent=self.urgent_only or any(message.urgent for message in self._held))

    def take(self, owed: Owed) -> list[bytes]:
        """Count the answer and then the held messages as sent, as far as they fit: the frames to
        send. Raises StreamUnknown if the answer is from another log."""
        frames = [run.records for run in owed.runs if self._take(run, alone=owed.alone)]
        self._sent.learn(owed.cursors)
        for message in self._held:
            if self._sent.accept(message):
                frames.append(message.records)
            elif not self._sent.is_repeat(message):
                self.miss(urgent=message.urgent)
        return frames

    def _take(self, run: OwedRun, *, alone: bool) -> bool:
        """Count one run of the answer. False: it is not to be sent."""
        if run.again:
            return self._take_again(run)
        if run.replay:
            return self._take_replay(run)
        position = self._sent.position(run.room_id)
        place = self.overtaking.place_of(run, position, alone=alone)
        if place is Place.FREE:
            if run.first_seq <= position:
                # The device has acknowledged it, and that was written: to another log.
                raise StreamUnknown("the log owes anew what was acknowledged; say Hello again")
            self._sent.accept_run(run)
        elif place is Place.LOST:
            self.miss()
        return place is Place.FREE

    def _take_again(self, run: OwedRun) -> bool:
        """Count a second copy of the oldest delivery in flight, or the marker that replaces it.
        False: it is not to be sent."""
        window, place = self._sent.window, (run.room_id, run.last_seq)
        if not run.skipped:
            kind = RunKind.REPLAY if run.replay else RunKind.AGAIN
        elif window.oldest_kind is RunKind.REPLAY and window.oldest == place:
            window.give_up(*place)  # a dead letter once more; its place was marked long ago
            return False
        elif window.marks(*place) and not window.has_room_for_copy(len(run.records)):
            return False
        else:
            kind = RunKind.MARKER
        window.add(run.room_id, run.first_seq, run.last_seq, len(run.records), kind=kind)
        if kind is RunKind.MARKER:
            # The copies before it no longer hold up the rest. The cursor stays until the device
            # acknowledges the marker.
            window.give_up(*place)
        return True

    def _take_replay(self, run: OwedRun) -> bool:
        """Count a replayed dead letter. False: it is in flight already, or its ack is being
        written."""
        window = self._sent.window
        if (run.room_id, run.last_seq) in window.replays() | self._pending_acks.replays():
            return False
        window.take_up(run.room_id, run.last_seq)
        window.add(run.room_id, run.first_seq, run.last_seq, len(run.records), kind=RunKind.REPLAY)
        return True
