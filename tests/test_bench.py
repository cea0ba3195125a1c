"""The command line of the measurements."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.bench import installed
from tests.bench.__main__ import main
from tests.bench.catalogue import SYSTEMS
from tests.bench.measure import Usage, family, rss_mib


@pytest.mark.parametrize(
    ("system", "told"),
    [
        (
            "chatd-redis",
            "chatd-redis needs the extra redis, which is not installed: pip install 'chatd[redis]'",
        ),
        ("chatd-grpc", "chatd-grpc needs the extra grpc, which is not installed: pip install 'chatd[grpc]'"),
        ("mosquitto", "mosquitto: mosquitto is not installed"),
        ("chatd-postgres-2x2", "chatd-postgres-2x2: PostgreSQL's server is not installed"),
    ],
)
def test_a_system_that_is_not_installed_is_named_before_anything_runs(
    system: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert system in SYSTEMS
    monkeypatch.setattr(installed, "find_spec", lambda module: None)
    monkeypatch.setattr(installed, "find_binaries", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda program, path=None: None)
    monkeypatch.setattr(sys, "argv", ["bench", "hot-room", "--on", "chatd", system])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_process_that_ends_while_it_is_measured_counts_with_what_it_had_used() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    usage = Usage({"ours": [os.getpid()], "theirs": [process.pid]})
    process.communicate(b"\n")
    assert usage.stop()["theirs"] == (0.0, 0)


def test_a_process_that_has_ended_has_no_memory_and_no_descendants() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert rss_mib({"ours": [os.getpid()], "theirs": [process.pid]}) > 0
    assert rss_mib({"theirs": [process.pid]}) == 0
    assert family(process.pid) == [process.pid]
