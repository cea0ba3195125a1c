"""DeviceStream: one device's stream at a gateway, without I/O.

A message that is offered goes straight through while the stream is LIVE and the window has room.
Anything else (a gap, a full window, a resync) makes the stream CATCHING_UP: it pulls from the
outbox, which is the only buffer of a slow device. Messages offered during a pull are held, a window
at most, and joined on behind its answer. An urgent message that is next in its room does not wait
for any of this: it goes out at once, in the part of the window that is kept for it.

``state.py`` shows every situation a stream can be in, and what may follow.
"""

from chatd.core.model import Owed, Pull, StreamKey
from chatd.core.stream.pending_acks import PendingAcks
from chatd.core.stream.pending_pull import PendingPull
from chatd.core.stream.published import Published
from chatd.core.stream.redelivery import Redelivery
from chatd.core.stream.sent import Sent
from chatd.core.stream.state import TRANSITIONS, StreamChange, StreamState
from chatd.core.stream.window import Window
from chatd.errors import NotInFlight, StreamUnknown, Superseded

_LIVE = StreamState.LIVE  # an enum looks its members up at each use


class DeviceStream:
    """``wants_pull`` asks the driver to call ``begin_pull``; returned frames are to be sent in
    their order.

    ``log`` names the log that the stream is of. ``plain``: the device does not understand
    compressed payloads, so the driver offers and pulls plain ones.
    """

    __slots__ = (
        "_cursors_known",
        "_pull",
        "_redelivery",
        "_sent",
        "_told_caught_up",
        "_urgent_owed",
        "key",
        "log",
        "pending_acks",
        "plain",
        "state",
        "wants_pull",
        "window",
    )

    def __init__(
        self,
        key: StreamKey,
        *,
        window_messages: int,
        window_bytes: int,
        plain: bool = False,
        log: str = "",
    ) -> None:
        self.key = key
        self.log = log
        self.plain = plain
        self.state = StreamState.CATCHING_UP
        self.wants_pull = True
        self.window = Window(window_messages, window_bytes)
        self.pending_acks = PendingAcks(key)
        self._sent = Sent(self.window)
        self._redelivery = Redelivery(self.window, self.pending_acks)
        self._pull: PendingPull | None = None
        self._urgent_owed = False  # something urgent is known to be owed; the next pull brings it if it can
        self._cursors_known = False
        self._told_caught_up = False

    def offer(self, message: Published) -> bool:
        """Take a queue message. True: send its records now."""
        sent = self._sent
        if self.state is _LIVE:
            if sent.accept(message):
                return True
            if not sent.is_repeat(message):
                self._urgent_owed = message.urgent
                self.fall_behind()
        elif self.state is StreamState.CATCHING_UP:
            if message.urgent:
                return self._offer_urgent(message)
            if self._pull is not None:
                self._pull.hold(message)
        return False

    def _offer_urgent(self, message: Published) -> bool:
        """The same for an urgent message while something else is owed."""
        sent, pull = self._sent, self._pull
        may_go = not self._redelivery.alone and (pull is None or pull.overtaking.fits(message))
        if may_go and sent.accept(message):
            if pull is not None:
                pull.overtaking.went(message)
            return True
        if sent.is_repeat(message):
            return False
        if pull is not None:
            pull.hold(message)
        else:
            self._urgent_owed = self.wants_pull = True
        return False

    def fall_behind(self) -> None:
        """Something may be owed that will not be offered: pull."""
        self._change(StreamChange.FELL_BEHIND)
        if self._pull is not None:
            self._pull.miss()
        else:
            self.wants_pull = True

    def begin_pull(self) -> Pull | None:
        """The pull to make now. None: one is under way, or nothing fits; an ack will set
        ``wants_pull``."""
        self.wants_pull = False
        if self._pull is not None or self.state is not StreamState.CATCHING_UP:
            return None
        window, redelivery = self.window, self._redelivery
        normal = redelivery.again is not None or redelivery.has_room
        if not normal and not self._has_urgent_room:
            return None
        messages, size = window.free_messages, window.free_bytes
        if normal:
            messages, size = window.free_normal_messages, window.free_normal_bytes
        request = Pull(
            stream=self.key,
            sent=self._sent.positions(window.rooms() | self.pending_acks.rooms()),
            max_messages=redelivery.limit(messages),
            max_bytes=size,
            first_may_exceed=window.empty,
            want_cursors=not self._cursors_known,
            again=redelivery.again,
            plain=self.plain,
            urgent_only=not normal,
            replays=frozenset(window.replays() | self.pending_acks.replays()),
        )
        self._pull = PendingPull(request, self._sent, self.pending_acks)
        self._urgent_owed = False
        return request

    @property
    def _has_urgent_room(self) -> bool:
        """True if a pull of urgent events alone may bring something."""
        window = self.window
        has_room = window.free_messages > 0 and window.free_bytes > 0
        return self._urgent_owed and has_room and not self._redelivery.alone

    def pulled(self, owed: Owed) -> tuple[list[bytes], bool]:
        """Take the answer to a pull: frames to send, and True if the device is to be told CaughtUp.

        Raises Superseded if the device has a newer stream, StreamUnknown if the database does not
        know this one.
        """
        if owed.unknown:
            raise StreamUnknown("the database does not know this stream; say Hello again")
        if owed.superseded:
            raise Superseded("a newer stream of this device is open")
        pull, redelivery = self._end_pull(), self._redelivery
        redelivery.answered(pull.again, suspect=owed.alone)
        frames = pull.take(owed)
        # A suspect travels without cursors: the next pull asks for them again.
        self._cursors_known = self._cursors_known or not owed.alone
        if not (owed.more or pull.missed or pull.urgent_only):
            redelivery.caught_up()
            self._change(StreamChange.CAUGHT_UP)
            first, self._told_caught_up = not self._told_caught_up, True
            return frames, first
        self._urgent_owed = pull.missed_urgent
        # Nothing came although more is owed: it does not fit, and waits for an ack.
        has_room = redelivery.has_room and bool(owed.runs or not owed.more)
        self.wants_pull = redelivery.again is not None or has_room or self._has_urgent_room
        if pull.urgent_only and owed.runs:
            self._urgent_owed = True  # perhaps more than fitted: the pull after the next ack will tell
        return frames, False

    def pull_failed(self) -> None:
        """The pull was not answered, or its answer had no room for this stream; another one is
        wanted."""
        pull = self._end_pull()
        pull.fail()
        self._urgent_owed = pull.missed_urgent
        self.wants_pull = self.state is StreamState.CATCHING_UP

    def _end_pull(self) -> PendingPull:
        pull, self._pull = self._pull, None
        assert pull is not None, "an answer needs a pull"
        return pull

    def ack(self, up_to: int) -> None:
        """The device has handled the first ``up_to`` deliveries. Raises AckAhead."""
        window = self.window
        self.pending_acks.handled(window.ack(up_to))
        if window.replayed:
            self.pending_acks.replays_handled(window.take_replayed())
        if window.removed:
            self.pending_acks.removed_handled(window.take_removed())
        if self.state is _LIVE:
            return  # no pull to think of, and no suspect is left
        redelivery = self._redelivery
        if redelivery.alone:
            redelivery.acked()
        if self.state is StreamState.CATCHING_UP and self._pull is None:
            self.wants_pull = self.wants_pull or redelivery.has_room or self._has_urgent_room

    def acks_written(self) -> None:
        """The pending acks that were taken are in the database. A failure among them is pulled
        again."""
        written = self.pending_acks.written()
        if written is None or written.failed is None or self.state is StreamState.CLOSED:
            return
        if self._redelivery.failure_written(written.failed):
            self.fall_behind()

    def reject(self, delivery: int, reason: str) -> None:
        """The device will never handle this delivery, counted from 1. Raises NotInFlight."""
        found = self.window.at(delivery)
        if found is None:
            counts = f"{self.window.acked} are acknowledged, {self.window.sent} were sent"
            raise NotInFlight(f"delivery {delivery} is not in flight: {counts}")
        self.pending_acks.rejected(*found, reason)

    def overdue(self, now: float, first: float) -> bool:
        """True if the oldest delivery in flight has waited too long: ``first`` seconds, doubled
        each time.

        To be asked several times in ``first`` seconds; ``now`` is in seconds of any steady clock.
        """
        return self._redelivery.overdue(now, first)

    def oldest_failed(self, *, send_again: bool) -> bool:
        """Count the oldest delivery in flight as failed, with the next acks. False: nothing is in
        flight.

        ``send_again``: pull it again when the count is written.
        """
        return self._redelivery.oldest_failed(send_again=send_again)

    def close(self) -> None:
        """Take and send nothing more. Pending acks may still be taken."""
        self._change(StreamChange.ENDED)
        self.wants_pull = False

    def _change(self, change: StreamChange) -> None:
        self.state = TRANSITIONS[self.state, change]
