"""Findings about the machines that chatd's processes run on: clocks, limits, disks, files of
secrets, certificates, who starts them again, and how the database's server is set. Pure."""

from collections.abc import Iterator, Sequence

from chatctl.findings import Finding
from chatctl.times import age
from chatd.pb.admin.v1 import admin_pb2 as admin

CLOCK_US = 2_000_000
"""Clocks that differ by more are bad: times of events would jump between nodes."""
FILES_SHARE = 0.8
"""The share of the files and sockets allowed that may be open."""
FEW_FILES = 4_096
"""A process that may open fewer carries few devices."""
DISK_SHARE, DISK_BYTES = 0.1, 1 << 30
"""A disk has to have so much of it free, or so many bytes if that is less."""
CERTIFICATE_US = 14 * 86_400 * 1_000_000
"""A certificate is to be renewed so long before it expires."""


def machine_findings(answer: admin.InspectProcessesResponse, *, took_us: int, now_us: int) -> list[Finding]:
    """A finding for each kind of trouble. ``took_us``: the processes looked at their clocks within
    this time."""
    processes = answer.processes
    return [
        _clock(processes, took_us),
        _limits(processes),
        _disk(processes),
        _units(processes),
        _keys(processes, now_us),
        _server_settings(processes),
        *(
            Finding(
                name,
                False,
                "does not answer what comes by the queue",
                "see if the queue reaches it; if so, its log, and if its loop hangs",
            )
            for name in answer.silent
        ),
    ]


def _name(one: admin.InspectedProcess) -> str:
    return f"{one.kind} {one.node_id}"


def _of(name: str, troubles: Iterator[str], good: str, advice: str) -> Finding:
    found = list(troubles)
    return Finding(name, not found, "; ".join(found) or good, advice if found else "")


def _clock(processes: Sequence[admin.InspectedProcess], took_us: int) -> Finding:
    times = sorted((one.now_us, _name(one)) for one in processes)
    spread = times[-1][0] - times[0][0] if times else 0
    if spread <= CLOCK_US + took_us:
        return Finding("clock", True, "all processes agree")
    found = f"{times[-1][1]} is {age(spread)} ahead of {times[0][1]}"
    return Finding("clock", False, found, "have chrony or systemd-timesyncd set the clocks there")


def _limits(processes: Sequence[admin.InspectedProcess]) -> Finding:
    def troubles() -> Iterator[str]:
        for one in processes:
            if one.open_files > FILES_SHARE * one.max_files or one.max_files < FEW_FILES:
                yield f"{_name(one)} has {one.open_files:,} of {one.max_files:,} files open"

    fullest = max((one.open_files / one.max_files for one in processes if one.max_files), default=0.0)
    return _of(
        "limits",
        troubles(),
        f"at most {fullest:.0%} of the files that may be open are",
        "raise LimitNOFILE= in the unit, or ulimit -n",
    )


def _disk(processes: Sequence[admin.InspectedProcess]) -> Finding:
    def troubles() -> Iterator[str]:
        for one in processes:
            for disk in one.disks:
                if disk.free_bytes < min(DISK_BYTES, DISK_SHARE * disk.total_bytes):
                    mib = disk.free_bytes >> 20
                    yield f"{disk.holds} of {_name(one)} has {mib:,} MiB left"

    free = min((disk.free_bytes for one in processes for disk in one.disks), default=0) >> 30
    return _of("disk", troubles(), f"at least {free:,} GiB are free", "free it, or keep events for less long")


def _units(processes: Sequence[admin.InspectedProcess]) -> Finding:
    supervised = [one for one in processes if one.supervised]

    def troubles() -> Iterator[str]:
        for one in processes:
            if supervised and not one.supervised:
                yield f"{_name(one)} is not run by systemd, as others are"
            elif one.supervised and not one.watched:
                yield f"{_name(one)} is not started again when it hangs"

    good = "all are run by systemd, with its watchdog" if supervised else "none is run by systemd"
    return _of("units", troubles(), good, "use the units of systemd/ in chatd's source")


def _keys(processes: Sequence[admin.InspectedProcess], now_us: int) -> Finding:
    def troubles() -> Iterator[str]:
        for one in processes:
            yield from (f"{_name(one)}: {sentence}" for sentence in one.exposed)
            left = one.certificate_expires_us - now_us
            if one.certificate_expires_us and left < CERTIFICATE_US:
                when = f"expires in {age(left)}" if left > 0 else f"expired {age(-left)} ago"
                yield f"the certificate of {_name(one)} {when}"

    return _of(
        "keys",
        troubles(),
        "secrets are for chatd alone, and no certificate is about to expire",
        "chmod go-rwx; renew the certificate, then chatctl reload",
    )


def _server_settings(processes: Sequence[admin.InspectedProcess]) -> Finding:
    """Nodes of one server say the same. Settings that are only slow are good, with advice."""
    unsafe = dict.fromkeys(one for process in processes for one in process.unsafe_settings)
    slow = dict.fromkeys(one for process in processes for one in process.slow_settings)
    if unsafe:
        advice = "set it in postgresql.conf, or by ALTER DATABASE or ALTER ROLE; a node does not start on it"
        return Finding("database settings", False, "; ".join(unsafe), advice)
    if slow:
        return Finding("database settings", True, "; ".join(slow), "set it in postgresql.conf and reload")
    return Finding("database settings", True, "what is acknowledged is kept")
