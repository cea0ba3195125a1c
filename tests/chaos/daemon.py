"""chatd with a failpoint armed: `python -m tests.chaos.daemon default`, as `python -m chatd
default`.

The product holds no failpoints: it is put together with them at its seams (chatd/daemon/seams.py).
Where none is armed nothing is changed. CHAOS_FAILPOINT=name:n dies (kill -9) at the n-th passing of
a point; CHAOS_HITS is a file that gets a line for each death. CHAOS_CLOCK=seconds sets this
process's wall clock forward or back; CHAOS_DROP=share has it lose that share of what it publishes,
CHAOS_LOSE=text the first message that holds these bytes. CHAOS_BEATS is a file that gets its beats.
CHAOS_BROKEN=deadlines|requests takes that promise out of it, to see that its absence is noticed.
"""

import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, cast

import peewee

from chatd.core.deadline import Deadline
from chatd.daemon.run import run
from chatd.daemon.seams import Seams
from chatd.daemon.settings import Mode
from chatd.daemon.settings.sources import load_settings
from chatd.daemon.systemd import ServiceManager
from chatd.default.fan_out.publishing import Publish
from chatd.default.outbox.cursors import AckCursors
from chatd.default.requests.model import Answered
from chatd.default.requests.store import Once
from chatd.errors import ChatdError, ConfigError
from chatd.store.command import Command
from chatd.store.transaction import Transaction
from chatd.store.writer import Apply
from chatd.transport.passed_sockets import PassedSockets
from chatd.transport.queue import SendFrame
from tests.chaos.stalls import beat

P = ParamSpec("P")


class Failpoint:
    """Dies at the ``left``-th passing."""

    def __init__(self, name: str, left: int) -> None:
        self.name = name
        self.left = left

    def passed(self) -> None:
        self.left -= 1
        if self.left == 0:
            hits = os.open(os.environ["CHAOS_HITS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(hits, f"{self.name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # the signal takes a moment; nothing may be done in it


def mid_fan_out(point: Failpoint, publish: Publish) -> Publish:
    """Half of an event's recipients have it."""

    def halving(topics: Sequence[bytes], body: bytes) -> None:
        half = len(topics) // 2
        if half:
            publish(topics[:half], body)
            point.passed()
        publish(topics[half:], body)

    return halving


def losing(share: float, send: SendFrame) -> SendFrame:
    """Some messages never leave, as with a full queue or a lost connection."""

    def dropping(frame: bytes) -> None:
        if random.random() >= share:
            send(frame)

    return dropping


def losing_one(text: bytes, send: SendFrame) -> SendFrame:
    """One message never leaves."""
    left = [text]

    def dropping(frame: bytes) -> None:
        if left and left[0] in frame:
            left.clear()
        else:
            send(frame)

    return dropping


def before_cursors(point: Failpoint, apply: Apply) -> Apply:
    """Acks have arrived, their cursors are about to be written."""

    def applying(transaction: Transaction, commands: Sequence[Command[object]]) -> Sequence[object]:
        if isinstance(commands[0], AckCursors):
            point.passed()
        return apply(transaction, commands)

    return applying


def commit_fails(point: Failpoint) -> None:
    """SQLite reports an I/O error at COMMIT although everything is on the disk: the worst case for
    whoever would guess."""
    original = peewee.SqliteDatabase.commit

    def commit(self: Any) -> Any:
        done = original(self)
        point.left -= 1
        if point.left == 0:
            try:
                raise sqlite3.OperationalError("disk I/O error")
            except sqlite3.OperationalError as exc:
                raise peewee.OperationalError("disk I/O error") from exc
        return done

    setattr(peewee.SqliteDatabase, "commit", commit)  # noqa: B010


def first(point: Failpoint, stage: Callable[P, None]) -> Callable[P, None]:
    """Dies in front of a stage."""

    def passing(*args: P.args, **kwargs: P.kwargs) -> None:
        point.passed()
        stage(*args, **kwargs)

    return passing


def then(point: Failpoint, stage: Callable[P, None]) -> Callable[P, None]:
    """Dies behind a stage."""

    def passing(*args: P.args, **kwargs: P.kwargs) -> None:
        stage(*args, **kwargs)
        point.passed()

    return passing


def forgetting(apply: Apply) -> Apply:
    """Every attempt at a call is executed, whatever its request id."""

    def once(transaction: Transaction, command: Once) -> object:
        (result,) = apply(transaction, [command.command])
        return result if isinstance(result, ChatdError) else Answered(command.encode(result), result)

    def applying(transaction: Transaction, commands: Sequence[Command[object]]) -> Sequence[object]:
        if isinstance(commands[0], Once):
            return [once(transaction, one) for one in commands if isinstance(one, Once)]
        return apply(transaction, commands)

    return applying


def never_late() -> None:
    """No deadline has ever passed."""
    setattr(Deadline, "has_passed", lambda self, now_us: False)  # noqa: B010


SEAMS: dict[str, Callable[[Failpoint], Seams]] = {
    "before_commit": lambda point: Seams(commit=partial(first, point)),
    "after_commit": lambda point: Seams(commit=partial(then, point)),
    "after_sender_ack": lambda point: Seams(committed=partial(first, point)),
    "before_fan_out_mark": lambda point: Seams(marks=partial(first, point)),
    "before_cursors": lambda point: Seams(apply=partial(before_cursors, point)),
    "mid_fan_out": lambda point: Seams(publish=partial(mid_fan_out, point)),
    "gateway_receive": lambda point: Seams(gateway_receive=partial(first, point)),
    "gateway_hears_device": lambda point: Seams(gateway_frame=partial(first, point)),
    "before_gateway_send": lambda point: Seams(gateway_deliver=partial(first, point)),
    "after_gateway_send": lambda point: Seams(gateway_deliver=partial(then, point)),
    "before_ack_batch": lambda point: Seams(gateway_send_acks=partial(first, point)),
}
DEFAULT_POINTS = (
    "before_commit",
    "after_commit",
    "after_sender_ack",
    "mid_fan_out",
    "before_fan_out_mark",
    "before_cursors",
)
GATEWAY_POINTS = (
    "gateway_receive",
    "gateway_hears_device",
    "before_gateway_send",
    "after_gateway_send",
    "before_ack_batch",
)


def seams_of_environment() -> Seams:
    """The failpoints that are armed."""
    name, _, count = os.environ.get("CHAOS_FAILPOINT", "").partition(":")
    seams = Seams()
    if name in SEAMS:
        seams = SEAMS[name](Failpoint(name, int(count)))
    elif name:
        commit_fails(Failpoint(name, int(count)))
    broken = os.environ.get("CHAOS_BROKEN", "")
    if broken == "deadlines":
        never_late()
    elif broken == "requests":
        seams = replace(seams, apply=forgetting)
    share = float(os.environ.get("CHAOS_DROP", "0"))
    if share:
        seams = replace(seams, queue=partial(losing, share))
    text = os.environ.get("CHAOS_LOSE", "")
    if text:
        seams = replace(seams, queue=partial(losing_one, text.encode()))
    return seams


def main(mode: Mode) -> int:
    shift = float(os.environ.get("CHAOS_CLOCK", "0"))
    if shift:
        real = time.time_ns
        time.time_ns = lambda: real() + round(shift * 1e9)
    beats = os.environ.get("CHAOS_BEATS")
    if beats:
        beat(Path(beats))
    try:
        return run(load_settings(mode, None), ServiceManager(), PassedSockets(), seams_of_environment())
    except ChatdError as exc:
        print(f"chatd: {exc}", file=sys.stderr)
        return 2 if isinstance(exc, ConfigError) else 1


if __name__ == "__main__":
    sys.exit(main(cast(Mode, sys.argv[1])))
