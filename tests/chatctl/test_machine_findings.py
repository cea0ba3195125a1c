"""Each trouble of a machine is found, and its advice says what to do."""

from typing import Any

import pytest

from chatctl.findings import Finding
from chatctl.machine_findings import machine_findings
from chatd.pb.admin.v1 import admin_pb2 as admin

NOW = 1_795_700_000_000_000
DAY = 86_400_000_000
GIB = 1 << 30


SMALL = admin.Disk(holds="the database", free_bytes=GIB // 2, total_bytes=100 * GIB)


def process(node_id: str, **spoilt: Any) -> admin.InspectedProcess:
    good: dict[str, Any] = {
        "kind": "gateway",
        "now_us": NOW,
        "open_files": 100,
        "max_files": 65_536,
        "disks": [admin.Disk(holds="data", free_bytes=20 * GIB, total_bytes=100 * GIB)],
        "supervised": True,
        "watched": True,
    }
    return admin.InspectedProcess(node_id=node_id, **(good | spoilt))


def bad(*processes: admin.InspectedProcess, silent: tuple[str, ...] = (), took_us: int = 0) -> list[Finding]:
    answer = admin.InspectProcessesResponse(processes=processes, silent=silent)
    found = machine_findings(answer, took_us=took_us, now_us=NOW)
    names = ["clock", "limits", "disk", "units", "keys", "database settings"]
    assert [one.name for one in found][:6] == names
    return [one for one in found if not one.is_good]


def test_nothing_is_wrong() -> None:
    assert bad(process("g1"), process("g2")) == []
    assert bad() == []


@pytest.mark.parametrize(
    ("spoilt", "name", "found"),
    [
        ({"now_us": NOW + 5_000_000}, "clock", "gateway g2 is 5.0s ahead of gateway g1"),
        ({"open_files": 60_000}, "limits", "gateway g2 has 60,000 of 65,536 files open"),
        ({"max_files": 1_024}, "limits", "gateway g2 has 100 of 1,024 files open"),
        ({"disks": [SMALL]}, "disk", "the database of gateway g2 has 512 MiB left"),
        ({"supervised": False}, "units", "gateway g2 is not run by systemd, as others are"),
        ({"watched": False}, "units", "gateway g2 is not started again when it hangs"),
        ({"exposed": ["others can read it"]}, "keys", "gateway g2: others can read it"),
        ({"unsafe_settings": ["fsync is 'off'"]}, "database settings", "fsync is 'off'"),
        ({"certificate_expires_us": NOW + 2 * DAY}, "keys", "the certificate of gateway g2 expires in 2d00h"),
        ({"certificate_expires_us": NOW - DAY}, "keys", "the certificate of gateway g2 expired 1d00h ago"),
    ],
)
def test_one_trouble(spoilt: dict[str, Any], name: str, found: str) -> None:
    other = process("g2", **spoilt)
    (one,) = bad(process("g1"), other)
    assert (one.name, one.found) == (name, found)
    assert one.advice


def test_clocks_are_read_within_the_time_that_the_answers_took() -> None:
    late = process("g2")
    late.now_us += 4_000_000
    assert bad(process("g1"), late, took_us=5_000_000) == []


def test_a_small_disk_may_have_little_left() -> None:
    small = process("g1")
    small.disks.add(holds="the database", free_bytes=GIB // 4, total_bytes=2 * GIB)
    assert bad(small) == []


def test_without_systemd_nothing_is_expected_of_it() -> None:
    alone = process("g1")
    alone.supervised = alone.watched = False
    assert bad(alone) == []


def test_a_process_that_does_not_answer() -> None:
    (one,) = bad(process("g1"), silent=("gateway g2",))
    assert (one.name, one.found) == ("gateway g2", "does not answer what comes by the queue")


def test_settings_that_are_only_slow_are_good_and_nodes_of_one_server_say_them_once() -> None:
    processes = [process(name, slow_settings=["wal_compression is 'off'"]) for name in ("d1", "d2")]
    answer = admin.InspectProcessesResponse(processes=processes)
    *_, found = machine_findings(answer, took_us=0, now_us=NOW)
    assert (found.name, found.is_good, found.found) == ("database settings", True, "wal_compression is 'off'")
    assert found.advice
