"""The chatd command as a process: its options, what it tells systemd, its end."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.daemons import Daemon


def chatd(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatd", *arguments], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


def test_version_and_help() -> None:
    assert chatd("--version").stdout.startswith("chatd 0.")
    shown = chatd("--help")
    assert (shown.returncode, "chatd settings" in shown.stdout) == (0, True)


def test_check_config(tmp_path: Path) -> None:
    fine = chatd("--check-config", "--json", CHATD_DATA_DIR=str(tmp_path))
    assert json.loads(fine.stdout)["DB_URI"] == f"sqlite:///{tmp_path}/chatd.db"
    assert chatd("gateway", "--check-config", CHATD_DATA_DIR=str(tmp_path)).returncode == 0
    bad = chatd("all", "--check-config", GATEWAY_URI="tcp://0.0.0.0:1", WINDOW_BYTES="1", CHATD_DATA_DIR=str(tmp_path))
    assert bad.returncode == 2
    assert bad.stderr.startswith("chatd: WINDOW_BYTES")
    assert "Traceback" not in bad.stderr
    assert not list(tmp_path.iterdir()), "a check makes nothing"


def test_help_is_quick() -> None:
    code = "import sys; from chatd.daemon import cli; print('zmq' in sys.modules or 'peewee' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_an_address_in_use_is_one_line(tmp_path: Path) -> None:
    with Daemon("all", tmp_path) as running:
        second = chatd("all", CHATD_DATA_DIR=str(tmp_path / "second"), GATEWAY_URI=running.uri)
    assert second.returncode == 2
    assert second.stderr.rstrip().splitlines()[-1].startswith(f"chatd: cannot bind {running.uri}")


def test_a_broken_token_file_is_refused_without_showing_tokens(tmp_path: Path) -> None:
    (tmp_path / "tokens.toml").write_text('[tokens.verysecret]\nprofile = "a b"\n')
    refused = chatd("all", CHATD_DATA_DIR=str(tmp_path))
    assert refused.returncode == 2
    assert "token 1" in refused.stderr
    assert "verysecret" not in refused.stderr


def test_the_token_file_is_private(tmp_path: Path) -> None:
    with Daemon("all", tmp_path):
        assert (tmp_path / "tokens.toml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_systemd_is_told(tmp_path: Path, kind: str) -> None:
    address = str(tmp_path / "notify") if kind == "path" else f"@chatd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address.replace("@", "\0"))
        systemd.settimeout(10)
        daemon = Daemon("all", tmp_path / "data", {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": 200_000})
        daemon.start(wait=False)
        assert systemd.recv(4096).startswith(b"READY=1")
        host, _, port = daemon.uri.removeprefix("tcp://").partition(":")
        socket.create_connection((host, int(port)), timeout=1).close()
        started = time.monotonic()
        heard = [systemd.recv(4096) for _ in range(4)]
        assert heard == [b"WATCHDOG=1"] * 4
        assert time.monotonic() - started < 2
        daemon.process.terminate()  # type: ignore[union-attr]
        while (message := systemd.recv(4096)) == b"WATCHDOG=1":
            pass
        assert message.startswith(b"STOPPING=1")
        assert daemon.stop() == 0


def test_not_ready_while_the_default_node_is_missing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(0.5)
        gateway = Daemon("gateway", tmp_path, {"NOTIFY_SOCKET": tmp_path / "notify"})
        gateway.start(wait=False)
        with pytest.raises(TimeoutError):
            systemd.recv(4096)
        with Daemon("default", tmp_path):
            systemd.settimeout(10)
            assert systemd.recv(4096).startswith(b"READY=1")
        assert gateway.stop() == 0
