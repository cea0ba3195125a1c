"""The interface of a system under test. Each is a server of its own processes and a lean client in
this one.

A body begins with the time it was meant to be sent (``stamp``), so every system is timed in the
same way. A receiver's every tenth device keeps latencies; who gets the same bytes as the device
before it does not look at them again.
"""

import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

ACK_EVERY = 16
ACK_SECONDS = 0.05
"""Where a system's acks are cumulative, devices acknowledge every 16 deliveries and after 50 ms."""

STAMP_BYTES = 16


def stamp(at: float, text: bytes) -> bytes:
    """A body: when it was meant to be sent, in seconds of time.perf_counter(), and ``text``."""
    return b"%016x" % round(at * 1e9) + text


def filling(body: int) -> bytes:
    """A text that makes a body of so many bytes."""
    return b"x" * (body - STAMP_BYTES)


def stamped_at(text: bytes) -> float:
    return int(text[:STAMP_BYTES], 16) / 1e9


@dataclass(frozen=True, slots=True)
class Options:
    """The terms of a run."""

    seconds: float = 5.0
    """The length of each measured stretch."""
    body: int = 200
    """Bytes of each text."""


class Tally:
    """Deliveries and latencies of all of a process's devices. Devices are numbered."""

    def __init__(self) -> None:
        self.deliveries = 0
        self.latencies = array("d")

    def count(self, device: int, stamps: Sequence[float]) -> None:
        self.deliveries += len(stamps)
        if device % 10 == 0:
            now = time.perf_counter()
            self.latencies.extend([now - sent for sent in stamps])

    def forget(self) -> None:
        """All that comes from now on is measured."""
        self.latencies = array("d")


class Receivers(Protocol):
    """Connected devices, all caught up."""

    def close(self) -> None: ...


class Sender(Protocol):
    """One connection. ``send`` does not wait; ``on_ack`` of its making is called once for each,
    with what ``send`` was given as ``tag``."""

    def send(self, room: str, body: bytes, tag: object) -> None: ...

    def close(self) -> None: ...


@runtime_checkable
class WritesALog(Protocol):
    """A system whose log's growth is what it writes for an event. Where files were made by large
    writes, as PostgreSQL's log is, Linux counts up to 2 MiB for a small write to them, and the disk
    gets a few KiB."""

    def log_bytes(self) -> int:
        """Bytes that the log has ever got."""


class Subject(Protocol):
    """A system under test. ``rooms``: room → members; each member is one device."""

    name: str
    promise: str
    """The meaning of its ack to a sender."""

    def start(self, folder: Path) -> str:
        """Start it; its settings, as they are printed. Raises FileNotFoundError when it is not
        installed."""

    def stop(self) -> None: ...

    def processes(self) -> Mapping[str, Sequence[int]]:
        """Its processes by name of a group."""

    async def receivers(self, rooms: Mapping[str, Sequence[str]], tally: Tally) -> Receivers: ...

    async def sender(self, rooms: Sequence[str], on_ack: Callable[[object], None]) -> Sender: ...
