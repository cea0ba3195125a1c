"""sd_notify against a socket of our own in systemd's place."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.daemon.systemd import ServiceManager, watchdog_interval


@pytest.fixture(params=["path", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@chatd-test-notify-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address.replace("@", "\0"))
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield listener


def test_what_is_said(systemd: socket.socket) -> None:
    notifier = ServiceManager()
    notifier.status("waiting")
    notifier.ready("serving as all")
    notifier.alive()
    notifier.stopping(seconds=30)
    heard = [systemd.recv(4096) for _ in range(4)]
    assert heard == [
        b"STATUS=waiting",
        b"READY=1\nSTATUS=serving as all",
        b"WATCHDOG=1",
        b"STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=30000000",
    ]


def test_a_socket_is_kept(systemd: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ServiceManager().keep(listening, "127.0.0.1 7400")
        message, (descriptor,), _, _ = socket.recv_fds(systemd, 4096, 1)
        assert message == b"FDSTORE=1\nFDNAME=127.0.0.1 7400"
        with socket.socket(fileno=descriptor) as kept:
            assert kept.getsockname() == listening.getsockname()
    ServiceManager().drop("127.0.0.1 7400")
    assert systemd.recv(4096) == b"FDSTOREREMOVE=1\nFDNAME=127.0.0.1 7400"


def test_a_status_is_one_line(systemd: socket.socket) -> None:
    ServiceManager().status("waiting\nREADY=1")
    assert systemd.recv(4096) == b"STATUS=waiting READY=1"


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    ServiceManager().ready("x")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    ServiceManager().ready("x")


@pytest.mark.parametrize(
    ("wait", "pid", "interval"),
    [
        ("20000000", "", 10.0),
        ("20000000", "mine", 10.0),
        ("20000000", "1", None),
        ("0", "", None),
        ("", "", None),
        ("soon", "", None),
    ],
)
def test_the_watchdog_s_interval(
    wait: str, pid: str, interval: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", wait)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "mine" else pid)
    assert watchdog_interval() == interval
