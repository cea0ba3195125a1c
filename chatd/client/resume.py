"""The client's side of a stream without I/O: repeats, acks, rejections, heartbeats, and pauses
before a reconnect.

``now`` is in seconds of any steady clock.
"""

import random
from collections import OrderedDict
from collections.abc import Sequence

from chatd.client.delivery import Delivery
from chatd.client.marks import Marks, is_newer, keep_id
from chatd.errors import MalformedFrame
from chatd.pb.chat.v1.chat_pb2 import RoomMark
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.pb.gateway.v1.gateway_pb2 import Shown, Start, Welcome

ACK_DELAY = 0.05
"""Seconds that an ack may wait for others: to a gateway an ack frame costs as much as several
deliveries."""
MISSED_HEARTBEATS = 3
"""Silent heartbeat intervals after which the gateway is given up."""
REJECTIONS_KEPT = 1_000
"""Rejections remembered at most; the oldest are forgotten."""
FIRST_BACKOFF, LAST_BACKOFF = 0.1, 5.0
"""Seconds before the first attempt to reconnect, and the most that doubling makes of them."""
DEFAULT_HEARTBEAT = 10.0
"""Seconds between heartbeats, if the Welcome does not say."""
_NO_NUMBER = 2**63  # larger than that of any delivery of a connection


class Resume:
    """Keeps the last shown seqs across reconnects, as long as the log is the same; counts and times
    begin anew with each Welcome."""

    def __init__(self, marks: Marks | None = None) -> None:
        self._marks = marks or Marks()  # of what the application has handled
        self.log = self._marks.log
        """Names the log; empty before the first Welcome of a device that begins."""
        self._connection = 0  # counts Welcomes
        self._log_since = 0  # the first connection to the present log
        self._newest = self._marks.newest  # of the events that were shown
        self._shown = dict(self._marks.shown)
        self._ids = dict(self._marks.ids)
        self.before: dict[str, RoomMark] = {}
        """The newest events shown of an earlier log, by room, until somebody has asked about
        them."""
        self._replayed: dict[tuple[str, int], int] = {}
        """Replays that were shown and are not acknowledged: their numbers on this connection."""
        self._rejected: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._failures = 0
        self.epoch = 0
        self.profile_id = ""
        self.start: Start | None = None
        self.repeats = 0
        """The number of deliveries that were dropped because they had been shown."""
        self._welcomed_at: float | None = None
        self._brought_something = False
        self._begin(heartbeat=DEFAULT_HEARTBEAT, window=(64, 1 << 18), now=0.0)

    def _begin(self, *, heartbeat: float, window: tuple[int, int], now: float) -> None:
        self.heartbeat = heartbeat
        self._ack_every = max(1, window[0] // 4)
        self._ack_bytes = max(1, window[1] // 4)
        self.received = 0
        self.received_bytes = 0
        self._handled = self._handled_bytes = 0
        self._acked = self._acked_bytes = 0
        self._unacked_since: float | None = None
        self.rejects_due: list[tuple[int, str]] = []
        self._heard_at = now
        self._said_at = now
        self._asked_at = now  # the last heartbeat

    def welcomed(self, welcome: Welcome, now: float) -> None:
        """The stream is open on a new connection; deliveries are counted from 1 again."""
        self._connection += 1
        is_other = bool(self.log) and welcome.log != self.log
        self.log = welcome.log
        if is_other or welcome.rewound:
            self._forget()
        self.epoch = welcome.epoch
        self.profile_id = welcome.profile_id
        self.start = welcome.start if welcome.HasField("start") else None
        self._replayed = dict.fromkeys(self._replayed, _NO_NUMBER)
        self._welcomed_at = now
        heartbeat = welcome.heartbeat_interval_ms / 1e3 or DEFAULT_HEARTBEAT
        self._begin(heartbeat=heartbeat, window=(welcome.window_messages, welcome.window_bytes), now=now)

    def _forget(self) -> None:
        """The log is another one: what was shown says nothing about what its seqs stand for."""
        self._log_since = self._connection
        for room_id, seq in self._shown.items():
            mark = RoomMark(room_id=room_id, seq=seq, event_id=self._ids.get(room_id, ""))
            self.before.setdefault(room_id, mark)
        self._shown.clear()
        self._ids.clear()
        self._replayed.clear()
        self._rejected.clear()
        self._newest = None
        self._marks.forget(self._connection)

    @property
    def is_another_log(self) -> bool:
        """True if the newest Welcome was of another log than the one before."""
        return self._log_since == self._connection

    @property
    def newest(self) -> Shown | None:
        """The newest event that was shown, for the next Hello; None if there is none."""
        one = self._newest
        if one is None or not self.log:
            return None
        return Shown(log=self.log, room_id=one.room_id, seq=one.seq, event_id=one.event_id)

    def receive(self, deliveries: Sequence[EventDelivery], now: float, *, size: int = 0) -> list[Delivery]:
        """Count the deliveries of a frame of ``size`` bytes; returns those to show, without
        repeats.

        Raises MalformedFrame if a delivery has no seq; then nothing was counted.
        """
        if not all(message.event.seq for message in deliveries):
            raise MalformedFrame("the gateway sent a delivery without a seq")
        self._heard_at = now
        first = self.received + 1
        self.received += len(deliveries)
        self.received_bytes += size
        shown = self._shown
        fresh = []
        for number, message in enumerate(deliveries, first):
            delivery = Delivery(message, self.epoch, number, connection=self._connection, log=self.log)
            if message.replay:
                if self._is_new_replay(delivery):
                    fresh.append(delivery)
                continue
            if delivery.seq <= shown.get(delivery.room_id, 0):
                self.repeats += 1
                if (delivery.room_id, delivery.seq) in self._rejected:
                    self.rejects_due.append((number, self._rejected[delivery.room_id, delivery.seq]))
                continue
            shown[delivery.room_id] = delivery.seq
            keep_id(self._ids, delivery)
            fresh.append(delivery)
            if is_newer(delivery, self._newest):
                self._newest = delivery
        self._brought_something = self._brought_something or bool(fresh)
        return fresh

    def _is_new_replay(self, delivery: Delivery) -> bool:
        """False: it has come before and is not acknowledged. An event that is replayed once more,
        later, is new again."""
        place = (delivery.room_id, delivery.seq)
        is_new = place not in self._replayed
        self._replayed[place] = delivery.number
        if is_new:
            self._rejected.pop(place, None)
        elif place in self._rejected:
            self.rejects_due.append((delivery.number, self._rejected[place]))
        return is_new

    def reject(self, delivery: Delivery, reason: str) -> None:
        """The application refuses a delivery.

        This is remembered: if the Reject is lost with its connection, the repeat is refused again.
        """
        if delivery.connection < self._log_since:
            return  # of another log: nobody waits for it any more
        self._rejected[delivery.room_id, delivery.seq] = reason
        if len(self._rejected) > REJECTIONS_KEPT:
            self._rejected.popitem(last=False)
        if delivery.connection == self._connection and delivery.number > self._acked:
            self.rejects_due.append((delivery.number, reason))

    def take_rejects(self) -> list[tuple[int, str]]:
        """Numbers of this connection's deliveries to refuse now, each with its reason."""
        due, self.rejects_due = self.rejects_due, []
        return due

    def heard(self, now: float) -> None:
        """The gateway has sent something."""
        self._heard_at = now

    def asked(self, now: float) -> None:
        """A heartbeat was sent, which the gateway answers."""
        self._said_at = self._asked_at = now

    def handled(self, up_to: int, now: float, *, size: int = 0) -> None:
        """The application has handled the first ``up_to`` deliveries, and whole frames of ``size``
        bytes."""
        if up_to > self._handled:
            self._handled, self._handled_bytes = up_to, size
            if self._unacked_since is None:
                self._unacked_since = now

    def take_ack(self, now: float, *, force: bool = False) -> int | None:
        """The ack to send now; None if none is due.

        One is due for a quarter of the window, in deliveries or bytes, or after ACK_DELAY;
        ``force``: at once.
        """
        if self._unacked_since is None or self._handled <= self._acked:
            return None
        messages, size = self._handled - self._acked, self._handled_bytes - self._acked_bytes
        quarter = messages >= self._ack_every or size >= self._ack_bytes
        if not force and not quarter and now - self._unacked_since < ACK_DELAY:
            return None
        self._acked, self._acked_bytes = self._handled, self._handled_bytes
        if self._replayed:
            self._replayed = {
                place: number for place, number in self._replayed.items() if number > self._acked
            }
        self._unacked_since = None
        self._said_at = now
        return self._acked

    @property
    def has_unacked(self) -> bool:
        """True if something handled waits for its ack."""
        return self._unacked_since is not None

    def heartbeat_due(self, now: float) -> bool:
        """True if nothing was said for half an interval, or nothing was heard or asked: acks show
        that the client lives, and only a heartbeat's echo that the gateway does."""
        return now - min(self._said_at, max(self._heard_at, self._asked_at)) >= self.heartbeat / 2

    def peer_is_silent(self, now: float) -> bool:
        return now - self._heard_at >= MISSED_HEARTBEATS * self.heartbeat

    def next_look(self) -> float:
        """Seconds until an ack or a heartbeat may be due."""
        return 1.05 * ACK_DELAY if self._unacked_since is not None else min(self.heartbeat / 4, 1.0)

    def backoff(self, now: float) -> float:
        """Seconds to wait before the next attempt: doubling from 0.1 to 5, with jitter, which
        spreads clients.

        They begin at 0.1 again only after a connection that brought a delivery or held for 5 s, so
        that a gateway which welcomes and closes at once is not hammered.
        """
        held = self._welcomed_at is not None and now - self._welcomed_at >= LAST_BACKOFF
        if held or self._brought_something:
            self._failures = 0
        self._welcomed_at = None
        self._brought_something = False
        ceiling: float = min(LAST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return ceiling * random.uniform(0.5, 1.0)
