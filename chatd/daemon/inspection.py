"""Inspection: what operators should know of a process and its machine."""

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from chatd.daemon.exposure import exposed
from chatd.daemon.settings import Settings
from chatd.daemon.systemd import watchdog_interval
from chatd.errors import ChatdError
from chatd.files.certificate import expires_us
from chatd.pb.admin.v1.admin_pb2 import Disk, InspectedProcess
from chatd.store.database import Database


def inspect(settings: Settings) -> InspectedProcess:
    """Look at this process. It reads files and asks the database: not for the loop."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    http = settings.http
    unsafe, slow = _server_settings(settings)
    certificate = http.http_tls_cert_file if settings.mode != "default" and http.has_certificate else None
    return InspectedProcess(
        node_id=settings.node.node_id,
        kind=settings.mode,
        now_us=time.time_ns() // 1_000,
        open_files=len(os.listdir("/proc/self/fd")),
        max_files=min(soft, 2**32 - 1) if soft >= 0 else 2**32 - 1,
        disks=_disks(settings),
        exposed=map(str, exposed(settings)),
        supervised=bool(os.environ.get("NOTIFY_SOCKET")),
        watched=watchdog_interval() is not None,
        certificate_expires_us=0 if certificate is None else expires_us(certificate),
        unsafe_settings=unsafe,
        slow_settings=slow,
    )


def _server_settings(settings: Settings) -> tuple[list[str], list[str]]:
    """Nothing while the database is away, which GetStatus says."""
    if settings.mode == "gateway":
        return [], []
    try:
        return Database(settings.store.database(settings.place), create=False).server_settings()
    except ChatdError:
        return [], []


def _disks(settings: Settings) -> Iterator[Disk]:
    place = settings.place
    yield from _disk("data", place.data_dir)
    if place.mode != "gateway":
        database = settings.store.database(place)
        if database.startswith("sqlite:///"):
            yield from _disk("the database", Path(database.removeprefix("sqlite:///")).parent)


def _disk(holds: str, folder: Path) -> Iterator[Disk]:
    """Nothing of a folder that cannot be looked at."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return
    yield Disk(
        holds=holds,
        free_bytes=found.f_bavail * found.f_frsize,
        total_bytes=found.f_blocks * found.f_frsize,
    )
