"""chatd serves under the filter of its unit; with the calls that libzmq needs taken away it does
not, so the filter is one."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.daemon.test_process import chatctl
from tests.daemons import Daemon, free_port
from tests.systemd.seccomp import allowed

UNIT = Path(__file__).parents[2] / "systemd/chatd@.service"


@pytest.fixture(autouse=True)
def analyze() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing")


def confined(folder: Path, unit: Path) -> Daemon:
    tcp = f"tcp://127.0.0.1:{free_port()}#curve"
    daemon = Daemon("all", folder, {"HTTP_URI": "http://127.0.0.1:*", "DEFAULT_URI": tcp})
    daemon.prefix = (sys.executable, "-m", "tests.systemd.seccomp", str(unit))
    return daemon


def test_it_serves(tmp_path: Path) -> None:
    with confined(tmp_path, UNIT) as daemon:
        status = Path(f"/proc/{daemon.pid}/status").read_text()
        assert "\nSeccomp:\t2\n" in status
        given = ("--uri", daemon.uri, "--token-file", str(tmp_path / "tokens.toml"), "--as", "alice")
        assert chatctl(*given, "room", "create", "r", "bob").returncode == 0
        assert chatctl(*given, "send", "r", "hello").returncode == 0


@pytest.mark.parametrize("needed", ["SystemCallFilter=sched_.*\n", " AF_NETLINK"])
def test_libzmq_aborts_without_its_calls(tmp_path: Path, needed: str) -> None:
    spoilt = tmp_path / "unit"
    spoilt.write_text(re.sub(needed, "", UNIT.read_text()))
    assert spoilt.read_text() != UNIT.read_text()
    with pytest.raises(RuntimeError, match="did not start"):
        confined(tmp_path / "data", spoilt).start()


def test_the_filter_is_narrow() -> None:
    assert not allowed(UNIT) & {"mount", "ptrace", "reboot", "setuid", "init_module", "bpf", "chroot"}
    assert {"read", "epoll_wait", "sched_setscheduler"} <= allowed(UNIT)
