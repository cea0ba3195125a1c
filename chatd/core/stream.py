"""One device's stream at a gateway, without any I/O: what to send, what to pull, what was acknowledged.

What is published goes straight through while the stream is LIVE and the window has room. Everything else (a gap, a
full window, a notice that something may have been missed) makes it CATCHING_UP: it then pulls from the outbox, which is the only
buffer a slow device has. While a pull is under way, what is published is held back, at most a window of it, and joined on afterwards.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chatd.core.model import Owed, Pull, StreamKey
from chatd.core.stream_state import TRANSITIONS, StreamChange, StreamState
from chatd.core.window import Window
from chatd.errors import Superseded


class Run(NamedTuple):
    """Events of one room that follow each other."""

    room_id: str
    first_seq: int
    last_seq: int


class Published(NamedTuple):
    """One queue message: runs and their delivery records. Shared by all streams it is for."""

    runs: tuple[Run, ...]
    events: int
    records: bytes


class DeviceStream:
    """``wants_pull`` tells the driver to call ``begin_pull``; all frames returned are to be sent in order."""

    __slots__ = (
        "_acks",
        "_acks_under_way",
        "_caught_up_once",
        "_cursors_known",
        "_held",
        "_held_bytes",
        "_missed",
        "_pulling",
        "_sent",
        "key",
        "state",
        "wants_pull",
        "window",
    )

    def __init__(self, key: StreamKey, *, window_messages: int, window_bytes: int) -> None:
        self.key = key
        self.state = StreamState.CATCHING_UP
        self.window = Window(window_messages, window_bytes)
        self.wants_pull = True
        self._sent: dict[str, int] = {}
        self._acks: dict[str, int] = {}
        self._acks_under_way: dict[str, int] = {}
        self._held: list[Published] = []
        self._held_bytes = 0
        self._missed = False
        self._pulling = False
        self._cursors_known = False
        self._caught_up_once = False

    def publish(self, message: Published) -> bool:
        """Take a queue message; True: send its records now."""
        if self.state is StreamState.LIVE:
            sent = self._sent
            for room_id, first_seq, _ in message.runs:
                if sent.get(room_id, -1) + 1 != first_seq:
                    break
            else:
                if self.window.fits(message.events, len(message.records)):
                    self._accept(message)
                    return True
            if self._is_repeat(message):
                return False
            self.fall_behind()
            return False
        if self._pulling:
            self._hold(message)
        return False

    def _accept(self, message: Published) -> None:
        for index, (room_id, first_seq, last_seq) in enumerate(message.runs, 1):
            self._sent[room_id] = last_seq
            # A message's bytes are counted with its last run: they are freed a little late, never early.
            self.window.add(room_id, first_seq, last_seq, len(message.records) if index == len(message.runs) else 0)

    def _is_repeat(self, message: Published) -> bool:
        return all(run.last_seq <= self._sent.get(run.room_id, -1) for run in message.runs)

    def _hold(self, message: Published) -> None:
        if self._held_bytes + len(message.records) > self.window.max_bytes:
            self._missed = True
            return
        self._held.append(message)
        self._held_bytes += len(message.records)

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
        if self._pulling or self.state is not StreamState.CATCHING_UP or not self.window.half_free:
            return None
        self._pulling = True
        self._missed = False
        ahead = self.window.rooms() | self._acks.keys() | self._acks_under_way.keys()
        return Pull(
            stream=self.key,
            sent={room_id: self._sent[room_id] for room_id in ahead},
            max_messages=self.window.free_messages,
            max_bytes=self.window.free_bytes,
            first_may_exceed=self.window.sent == self.window.acked,
            want_cursors=not self._cursors_known,
        )

    def pulled(self, owed: Owed) -> tuple[list[bytes], bool]:
        """Take the answer to a pull: frames to send, and whether the device is to be told that it has caught up.

        Raises Superseded when the device has a newer stream.
        """
        if owed.superseded:
            raise Superseded("a newer stream of this device is open")
        self._pulling = False
        frames: list[bytes] = []
        for run in owed.runs:
            self._sent[run.room_id] = run.last_seq
            self.window.add(run.room_id, run.first_seq, run.last_seq, len(run.records))
            frames.append(run.records)
        for room_id, seq in owed.cursors.items():
            self._sent.setdefault(room_id, seq)
            self._cursors_known = True
        frames += self._release_held()
        if owed.more or self._missed:
            # What does not fit although more is owed waits for the next ack.
            self.wants_pull = self.window.half_free and bool(owed.runs or not owed.more)
            return frames, False
        self._cursors_known = True
        self._change(StreamChange.CAUGHT_UP)
        first = not self._caught_up_once
        self._caught_up_once = True
        return frames, first

    def _release_held(self) -> list[bytes]:
        held, self._held, self._held_bytes = self._held, [], 0
        frames = []
        for message in held:
            if self._is_repeat(message):
                continue
            follows = all(self._sent.get(room_id, -1) + 1 == first_seq for room_id, first_seq, _ in message.runs)
            if follows and self.window.fits(message.events, len(message.records)):
                self._accept(message)
                frames.append(message.records)
            else:
                self._missed = True
        return frames

    def pull_failed(self) -> None:
        """The pull got no answer; another one is wanted."""
        self._pulling = False
        self._held.clear()
        self._held_bytes = 0
        self.wants_pull = self.state is StreamState.CATCHING_UP

    def ack(self, up_to: int) -> None:
        """The device has handled the first ``up_to`` deliveries. Raises AckAhead."""
        self._acks.update(self.window.ack(up_to))
        if self.state is StreamState.CATCHING_UP and not self._pulling and self.window.half_free:
            self.wants_pull = True

    def take_acks(self) -> dict[str, int]:
        """Cursors to be written now; ``acks_written`` or ``acks_failed`` must follow. Empty while some are under way."""
        if self._acks_under_way:
            return {}
        self._acks_under_way, self._acks = self._acks, {}
        return self._acks_under_way

    def acks_written(self) -> None:
        self._acks_under_way = {}

    def acks_failed(self) -> None:
        self._acks = self._acks_under_way | self._acks
        self._acks_under_way = {}

    @property
    def has_acks(self) -> bool:
        """Whether anything acknowledged is not yet known to be written."""
        return bool(self._acks or self._acks_under_way)

    def close(self) -> None:
        self._change(StreamChange.ENDED)
        self.wants_pull = False

    def _change(self, change: StreamChange) -> None:
        self.state = TRANSITIONS[self.state, change]


def count_of(runs: Sequence[Run]) -> int:
    """How many events the runs hold."""
    return sum(run.last_seq - run.first_seq + 1 for run in runs)
