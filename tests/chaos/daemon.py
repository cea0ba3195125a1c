"""chatd with a failpoint armed: `python -m tests.chaos.daemon default`, as `python -m chatd default`.

The product holds no failpoints: here they are put around its methods before it starts, and where none is armed nothing is changed.
CHAOS_FAILPOINT=name:n dies (kill -9) at the n-th passing of a point; CHAOS_HITS is a file that gets a line for each death.
CHAOS_CLOCK=seconds sets this process's wall clock forward or back; CHAOS_DROP=share has it lose that share of what it publishes.
"""

import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Any

import peewee

from chatd.default.fan_out.outbox_logging import RoomOutboxLoggingQueue
from chatd.default.outbox.cursors import AckCursors
from chatd.gateway.ack_flush import AckFlush
from chatd.gateway.device_sender import DeviceSender
from chatd.gateway.gateway import GatewayServer
from chatd.gateway.live_delivery import LiveDelivery
from chatd.store.database import Database
from chatd.transport.publisher import Publisher

Method = Callable[..., Any]


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


def before(owner: Any, name: str) -> Callable[[Failpoint], None]:
    """A point in front of a method."""

    def arm(point: Failpoint) -> None:
        original: Method = getattr(owner, name)

        def passing(*args: Any, **kwargs: Any) -> Any:
            point.passed()
            return original(*args, **kwargs)

        setattr(owner, name, passing)

    return arm


def after(owner: Any, name: str) -> Callable[[Failpoint], None]:
    """A point behind a method."""

    def arm(point: Failpoint) -> None:
        original: Method = getattr(owner, name)

        def passing(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            point.passed()
            return result

        setattr(owner, name, passing)

    return arm


def mid_fan_out(point: Failpoint) -> None:
    """Half of an event's recipients have it."""
    original = Publisher.publish

    def publish(self: Publisher, topics: Any, body: bytes) -> None:
        half = len(topics) // 2
        if half:
            original(self, topics[:half], body)
            point.passed()
        original(self, topics[half:], body)

    Publisher.publish = publish  # type: ignore[method-assign]


def before_cursors(point: Failpoint) -> None:
    """Acks have arrived, their cursors are about to be written."""

    original = AckCursors.apply

    def apply(*args: Any) -> Any:
        point.passed()
        return original(*args)

    setattr(AckCursors, "apply", apply)  # noqa: B010


def commit_fails(point: Failpoint) -> None:
    """SQLite reports an I/O error at COMMIT although everything is on the disk: the worst case for whoever would guess."""
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


def drop_published(share: float) -> None:
    """What a full queue or a lost connection does: some messages never leave."""
    original = Publisher.publish

    def publish(self: Publisher, topics: Any, body: bytes) -> None:
        original(self, [topic for topic in topics if random.random() >= share], body)

    Publisher.publish = publish  # type: ignore[method-assign]


DEFAULT_POINTS: dict[str, Callable[[Failpoint], None]] = {
    "before_commit": before(Database, "commit"),
    "after_commit": after(Database, "commit"),
    "after_sender_ack": before(RoomOutboxLoggingQueue, "handle"),
    "mid_fan_out": mid_fan_out,
    "before_fan_out_mark": before(RoomOutboxLoggingQueue, "take_marks"),
    "before_cursors": before_cursors,
}
GATEWAY_POINTS: dict[str, Callable[[Failpoint], None]] = {
    "gateway_receive": before(LiveDelivery, "on_batch"),
    "gateway_hears_device": before(GatewayServer, "on_frame"),
    "before_gateway_send": before(DeviceSender, "deliver"),
    "after_gateway_send": after(DeviceSender, "deliver"),
    "before_ack_batch": before(AckFlush, "_send"),
}
OTHER_POINTS = {"commit_fails": commit_fails}


def main() -> None:
    armed = os.environ.get("CHAOS_FAILPOINT", "")
    if armed:
        name, _, count = armed.partition(":")
        (DEFAULT_POINTS | GATEWAY_POINTS | OTHER_POINTS)[name](Failpoint(name, int(count)))
    share = float(os.environ.get("CHAOS_DROP", "0"))
    if share:
        drop_published(share)
    shift = float(os.environ.get("CHAOS_CLOCK", "0"))
    if shift:
        real = time.time_ns
        time.time_ns = lambda: real() + round(shift * 1e9)
    from chatd.daemon.cli import main as chatd

    sys.argv[0] = "chatd"
    chatd()


if __name__ == "__main__":
    main()
